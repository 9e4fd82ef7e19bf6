#include "sdk/vault/loss_rows.hpp"

#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {

Bytes limit_key(PeerLimit what, const EnrolmentId& peer) {
    Bytes out{static_cast<Byte>(what)};
    out.insert(out.end(), peer.view().begin(), peer.view().end());
    return out;
}

}  // namespace

Result<void> put_loss(VaultTransaction& transaction, const LossRow& row) {
    CellWriter out(32);
    out.fixed(row.peer.view()).time(row.lost_at).number(static_cast<std::uint32_t>(row.reason));
    out.number(static_cast<Byte>(row.asked)).number(static_cast<Byte>(row.lost));
    return transaction.put(Table::losses, row.envelope.view(), out.take());
}

Result<void> erase_loss(VaultTransaction& transaction, const EnvelopeId& envelope) {
    return transaction.erase(Table::losses, envelope.view());
}

Result<std::vector<LossRow>> load_losses(const VaultTransaction& transaction) {
    std::vector<LossRow> out;
    MELDER_CHECK(transaction.for_each(Table::losses, [&](BytesView key, BytesView value) -> Result<void> {
        CellReader in(value);
        LossRow row;
        MELDER_TRY(row.envelope, EnvelopeId::from(key));
        MELDER_TRY(row.peer, in.id<EnrolmentId>());
        MELDER_TRY(row.lost_at, in.time());
        MELDER_TRY(const auto reason, in.number<std::uint32_t>());
        row.reason = is_known(reason) ? static_cast<Errc>(reason) : Errc::message_lost;
        MELDER_TRY(const auto asked, in.number<Byte>());
        MELDER_TRY(const auto lost, in.number<Byte>());
        row.asked = asked != 0;
        row.lost = lost != 0;
        out.push_back(row);
        return in.end();
    }));
    std::ranges::sort(out, {}, &LossRow::lost_at);
    return out;
}

Result<void> put_limit(VaultTransaction& transaction, PeerLimit what, const EnrolmentId& peer, UnixTime until) {
    return transaction.put(Table::peer_limits, limit_key(what, peer),
                           SecretBuffer(big_endian(static_cast<std::uint64_t>(until.ms))), {until, {}});
}

Result<bool> is_limited(const VaultTransaction& transaction, PeerLimit what, const EnrolmentId& peer) {
    MELDER_TRY(const auto value, transaction.find(Table::peer_limits, limit_key(what, peer)));
    if (!value) return false;
    MELDER_TRY(const auto until, CellReader(value->expose()).time());
    return transaction.now() < until;
}

}  // namespace melder::sdk
