#include "client/login_messages.hpp"

namespace melder::client {
namespace {

ByteArray<64> sign_over(Context context, const Ed25519Seed& key, const LoginBinding& binding, std::string_view body) {
    return sign_ed25519(key, login_transcript(context, binding.exporter, binding.hello, view(body)));
}

}  // namespace

Result<Bytes> login_body(const DeviceLogin& login, std::uint32_t protocol) {
    if (login.client_version.size() > limits::client_version_bytes) return Errc::bad_argument;
    wire::LoginBody body;
    body.set_enrolment_id(login.device.string());
    body.set_version(protocol);
    if (!login.store_epoch.is_zero()) body.set_store_epoch(login.store_epoch.string());
    body.set_log_size(login.log_size);
    body.set_log_head(login.log_head.string());
    if (!login.credential.empty() && !body.mutable_credential()->ParseFromArray(
                                         login.credential.data(), static_cast<int>(login.credential.size()))) {
        return Errc::bad_argument;
    }
    if (!login.statement.empty() &&
        !body.mutable_statement()->ParseFromArray(login.statement.data(), static_cast<int>(login.statement.size()))) {
        return Errc::bad_argument;
    }
    body.set_client_version(login.client_version);
    return to_bytes(view(body.SerializeAsString()));
}

wire::AdminLogin make_admin_login(const Ed25519Seed& key, std::uint32_t protocol, const LoginBinding& binding) {
    wire::AdminLoginBody body;
    body.set_key_id(key_id_of(ed25519_public_of(key)).string());
    body.set_version(protocol);
    wire::AdminLogin out;
    out.set_body(body.SerializeAsString());
    out.set_signature(to_string(sign_over(Context::admin_login, key, binding, out.body())));
    return out;
}

wire::Enrol make_enrol(const EnrolmentId& device, const SignedBinding& signed_binding, const Ed25519Seed& enrolment_key,
                       std::uint32_t protocol, const LoginBinding& binding) {
    wire::EnrolBody body;
    body.set_enrolment_id(device.string());
    body.set_version(protocol);
    body.mutable_binding()->set_body(to_string(signed_binding.body));
    body.mutable_binding()->set_enrolment_signature(to_string(signed_binding.enrolment_signature));
    body.mutable_binding()->set_identity_signature(to_string(signed_binding.identity_signature));
    wire::Enrol out;
    out.set_body(body.SerializeAsString());
    out.set_signature(to_string(sign_over(Context::enrol, enrolment_key, binding, out.body())));
    return out;
}

}  // namespace melder::client
