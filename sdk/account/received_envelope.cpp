#include "sdk/account/received_envelope.hpp"

namespace melder::sdk {

Result<ReceivedEnvelope> ReceivedEnvelope::from(const EnvelopeKey& key, const wire::Delivery& delivery) {
    ReceivedEnvelope out;
    out.key = key;
    out.bytes = delivery.ByteSizeLong();
    const auto& body = delivery.body();
    MELDER_TRY(out.header, check_body(body));
    if (out.header.lane != key.lane) return Errc::malformed;
    MELDER_TRY(out.own.recipient, check_device_header(delivery.header()));
    MELDER_TRY(out.body.header, to_array<SharedHeader::size_bytes>(view(body.header())));
    MELDER_TRY(out.body.ephemeral, X25519Public::from(body.ephemeral()));
    MELDER_TRY(out.body.commitment, Hash::from(body.commitment()));
    out.body.sealed = to_bytes(view(body.sealed()));
    MELDER_TRY(out.own.wrapped_key, to_array<32>(view(delivery.header().wrapped_key())));
    MELDER_TRY(out.own.tag, to_array<16>(view(delivery.header().tag())));
    return out;
}

wire::Submit to_submit(const EnvelopeId& envelope, const Sealed& sealed) {
    wire::Submit submit;
    submit.set_envelope_id(envelope.string());
    auto& body = *submit.mutable_body();
    body.set_header(to_string(sealed.body.header));
    body.set_ephemeral(sealed.body.ephemeral.string());
    body.set_commitment(sealed.body.commitment.string());
    body.set_sealed(to_string(sealed.body.sealed));
    for (const auto& header : sealed.headers) {
        auto& out = *submit.add_headers();
        out.set_recipient(header.recipient.string());
        out.set_wrapped_key(to_string(header.wrapped_key));
        out.set_tag(to_string(header.tag));
    }
    submit.set_total_headers(static_cast<std::uint32_t>(sealed.headers.size()));
    return submit;
}

}  // namespace melder::sdk
