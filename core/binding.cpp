#include "core/credential.hpp"
#include "core/limits.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {

Result<Binding> Binding::parse(BytesView body) {
    wire::Binding message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Errc::malformed;
    Binding out;
    MELDER_TRY(out.enrolment_id, EnrolmentId::from(message.enrolment_id()));
    MELDER_TRY(out.identity_key, parse_djb_key(view(message.identity_key())));
    if (message.login_key().size() != P256Public::size_bytes) return Errc::bad_key;
    MELDER_TRY(out.login_key, P256Public::from(message.login_key()));
    MELDER_CHECK(check_p256(out.login_key));
    out.registration_id = message.registration_id();
    if (out.registration_id == 0 || out.registration_id > limits::registration_id_highest) {
        return Error(Errc::malformed, "a registration id lies between 1 and 16380");
    }
    return out;
}

Bytes Binding::encode() const {
    wire::Binding message;
    message.set_enrolment_id(enrolment_id.string());
    message.set_identity_key(to_string(to_djb_key(identity_key)));
    message.set_login_key(login_key.string());
    message.set_registration_id(registration_id);
    return to_bytes(view(message.SerializeAsString()));
}

SignedBinding sign_binding(const Binding& binding, const Ed25519Seed& enrolment_seed, const X25519Private& identity,
                           Random& random) {
    SignedBinding out;
    out.body = binding.encode();
    const auto input = signing_input(Context::binding, out.body);
    out.enrolment_signature = sign_ed25519(enrolment_seed, input);
    out.identity_signature = sign_xeddsa(identity, input, random);
    return out;
}

Result<Binding> verify_binding(const SignedBinding& binding, const Ed25519Public& enrolment_key) {
    const auto input = signing_input(Context::binding, binding.body);
    MELDER_CHECK(verify_ed25519(enrolment_key, input, binding.enrolment_signature));
    MELDER_TRY(auto parsed, Binding::parse(binding.body));
    MELDER_CHECK(verify_xeddsa(parsed.identity_key, input, binding.identity_signature));
    return parsed;
}

SignedBytes date_binding(const Hash& grant, const Hash& binding, UnixTime time, const Ed25519Seed& statement_seed) {
    wire::BindingDate message;
    message.set_grant_sha256(grant.string());
    message.set_binding_sha256(binding.string());
    message.set_time_s(seconds_on_wire(time));
    SignedBytes document{to_bytes(view(message.SerializeAsString())), {}};
    sign(document, Context::binding_date, statement_seed);
    return document;
}

}  // namespace melder
