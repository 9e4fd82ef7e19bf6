#include "sdk/account/known_devices.hpp"

namespace melder::sdk {

Result<void> remember_devices(VaultTransaction& transaction, const OfficerId& officer,
                              const std::vector<Credential>& devices) {
    Bytes ids;
    for (const auto& credential : devices) {
        const auto device = credential.device();
        ids.insert(ids.end(), device.view().begin(), device.view().end());
        MELDER_CHECK(
            put_credential(transaction, credential.hash(), device, credential.encoded(), credential.grant().not_after));
    }
    return transaction.put(Table::account, officer.view(), SecretBuffer(ids));
}

Result<std::vector<Credential>> known_devices(const VaultTransaction& transaction, const OfficerId& officer,
                                              const TrustList& trust, const OrderBook& book) {
    std::vector<Credential> out;
    MELDER_TRY(const auto ids, transaction.find(Table::account, officer.view()));
    if (!ids) return out;
    for (std::size_t at = 0; at + EnrolmentId::size_bytes <= ids->size(); at += EnrolmentId::size_bytes) {
        MELDER_TRY(const auto device, EnrolmentId::from(ids->expose().subspan(at, EnrolmentId::size_bytes)));
        MELDER_TRY(const auto encoded, find_credential_of(transaction, device));
        if (!encoded) continue;
        auto credential = Credential::verify(BytesView(*encoded), trust);
        if (credential.has_error() || book.standing(device) != DeviceStanding::active) continue;
        if (credential->officer() != officer || !credential->valid_at(transaction.now())) continue;
        out.push_back(std::move(*credential));
    }
    return out;
}

}  // namespace melder::sdk
