#include "core/credential.hpp"

#include "core/limits.hpp"
#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {

namespace {

Error refuse(const char* why) {
    return Error(Errc::credential_invalid, std::string(why));
}

Result<SignedBinding> binding_from(const wire::SignedBinding& message) {
    SignedBinding out;
    out.body = to_bytes(view(message.body()));
    MELDER_TRY(out.enrolment_signature, to_array<64>(view(message.enrolment_signature())));
    MELDER_TRY(out.identity_signature, to_array<64>(view(message.identity_signature())));
    return out;
}

/// Which grant body the date has to name: that of version 1.
Result<Hash> first_grant_of(const wire::Credential& message, const SignedBytes& grant, std::uint32_t version) {
    if (version == 1) {
        if (!message.first_grant_sha256().empty() && message.first_grant_sha256() != grant.body_hash().chars()) {
            return refuse("the credential names another first grant");
        }
        return grant.body_hash();
    }
    return Hash::from(message.first_grant_sha256());
}

}  // namespace

Result<Credential> Credential::verify(const wire::Credential& message, const TrustList& trust) {
    Credential out;
    MELDER_TRY(const auto grant, SignedBytes::from(message.grant()));
    MELDER_TRY(out.grant_, verify_grant(grant, trust, nullptr));

    MELDER_TRY(const auto binding, binding_from(message.binding()));
    MELDER_TRY(out.binding_, verify_binding(binding, out.grant_.enrolment_key));
    if (out.binding_.enrolment_id != out.grant_.enrolment_id) return refuse("grant and binding name different devices");

    MELDER_TRY(const auto date, SignedBytes::from(message.date()));
    MELDER_CHECK(trust.verify_by_statement_key(date, Context::binding_date));
    wire::BindingDate dated;
    if (!dated.ParseFromArray(date.body.data(), static_cast<int>(date.body.size()))) return Errc::malformed;
    MELDER_TRY(const auto first_grant, first_grant_of(message, grant, out.grant_.version));
    if (dated.grant_sha256() != first_grant.chars()) return refuse("the date belongs to another grant");
    if (dated.binding_sha256() != sha256(binding.body).chars()) return refuse("the date belongs to another binding");
    MELDER_TRY(out.bound_at_, time_from_s(dated.time_s()));
    if (out.bound_at_ > out.grant_.bind_before) return refuse("the binding came after its grant allowed one");

    out.encoded_ = to_bytes(view(message.SerializeAsString()));
    return out;
}

Result<Credential> Credential::verify(BytesView encoded, const TrustList& trust) {
    if (encoded.size() > limits::credential_bytes) return Errc::too_large;
    wire::Credential message;
    if (!message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return Errc::malformed;
    MELDER_TRY(auto out, verify(message, trust));
    out.encoded_ = to_bytes(encoded);  // as received, never re-encoded
    return out;
}

}  // namespace melder
