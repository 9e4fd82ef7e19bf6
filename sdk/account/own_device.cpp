#include "sdk/account/own_device.hpp"

#include "core/limits.hpp"
#include "proto/trust.pb.h"
#include "sdk/vault/boot_rows.hpp"

namespace melder::sdk {

OwnDevice OwnDevice::make(const EnrolmentId& device, const Ed25519Seed& enrolment_seed, Random& random) {
    OwnDevice own;
    own.login = generate_p256();
    own.identity.enrolment_id = device;
    own.identity.registration_id = static_cast<std::uint32_t>(1 + random.below(limits::registration_id_highest));
    own.identity.identity = generate_x25519(random);
    const Binding binding{device, own.identity.identity.public_key, own.login.public_key, own.identity.registration_id};
    const auto signed_binding = sign_binding(binding, enrolment_seed, own.identity.identity.private_key, random);
    wire::SignedBinding message;
    message.set_body(to_string(signed_binding.body));
    message.set_enrolment_signature(to_string(signed_binding.enrolment_signature));
    message.set_identity_signature(to_string(signed_binding.identity_signature));
    own.identity.signed_binding = to_bytes(view(message.SerializeAsString()));
    return own;
}

Result<SignedBinding> OwnDevice::signed_binding(const Ed25519Seed& enrolment_seed) const {
    wire::SignedBinding message;
    const auto& encoded = identity.signed_binding;
    if (!message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return Errc::vault_unreadable;
    SignedBinding out;
    out.body = to_bytes(view(message.body()));
    out.enrolment_signature = sign_ed25519(enrolment_seed, signing_input(Context::binding, out.body));
    MELDER_TRY(out.identity_signature, to_array<64>(view(message.identity_signature())));
    return out;
}

bool OwnDevice::is_certified_by(const Credential& credential) const {
    const auto& certified = credential.binding();
    return credential.device() == id() && certified.identity_key == identity.identity.public_key &&
           certified.login_key == login.public_key && certified.registration_id == identity.registration_id;
}

Result<void> save_own_device(VaultTransaction& transaction, const OwnDevice& device) {
    MELDER_CHECK(save_identity(transaction, device.identity));
    return save_login_key(transaction, device.login);
}

Result<std::optional<OwnDevice>> load_own_device(const VaultTransaction& transaction) {
    auto identity = load_identity(transaction);
    if (identity.has_error()) {
        if (identity.error() == Errc::not_enrolled) return std::optional<OwnDevice>();
        return identity.error();
    }
    OwnDevice own;
    own.identity = std::move(identity).value();
    MELDER_TRY(own.login, load_login_key(transaction));
    return std::optional<OwnDevice>(std::move(own));
}

}  // namespace melder::sdk
