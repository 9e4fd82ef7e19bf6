#include "core/limits.hpp"
#include "core/wire_time.hpp"
#include "sdk/crypto/content.hpp"
#include "sdk/crypto/content_wire.hpp"

namespace melder::sdk {
namespace {

namespace wf = content_wire;

// Field numbers of SealedBody and ControlRequest in content.proto.
enum BodyField : std::uint32_t {
    body_sender = 1,
    body_credential = 2,
    body_statement = 4,
    body_type = 5,
    body_sent_at = 6,
    body_group = 7,
    body_stale_head = 10,
    body_answers = 11,
    body_inner = 15
};
enum ControlField : std::uint32_t { control_envelope = 1, control_content = 2 };

Result<BodyType> body_type_from(std::uint64_t number) {
    if (number < 1 || number > 6) return Errc::unsupported;
    return static_cast<BodyType>(number);
}

}  // namespace

SecretBuffer write_sealed_body(const SealedBodyFields& fields) {
    return wf::build<SecretBuffer>([&](auto& sink) {
        wf::put_bytes(sink, body_sender, fields.sender.view());
        wf::put_bytes(sink, body_credential, fields.credential);
        wf::put_bytes(sink, body_statement, fields.statement);
        wf::put_number(sink, body_type, static_cast<std::uint64_t>(fields.type));
        wf::put_number(sink, body_sent_at, static_cast<std::uint64_t>(fields.sent_at.ms));
        wf::put_number(sink, body_stale_head, fields.stale_head ? 1 : 0);
        if (fields.answers) wf::put_bytes(sink, body_answers, fields.answers->view());
        wf::put_bytes(sink, body_inner, fields.inner);
    });
}

Result<SealedBodyView> SealedBodyView::parse(SecretBuffer encoded) {
    SealedBodyView out;
    out.bytes_ = std::move(encoded);
    bool typed = false;
    MELDER_CHECK(wf::read_message(
        out.bytes_.expose(),
        [&](protozero::pbf_reader& reader) -> Result<void> {
            switch (reader.tag()) {
                case body_sender: {
                    MELDER_TRY(const auto id, wf::bytes(reader));
                    MELDER_TRY(out.sender_, EnrolmentId::from(id));
                    return ok();
                }
                case body_credential: {
                    MELDER_TRY(out.credential_, wf::bytes(reader));
                    return ok();
                }
                case body_statement: {
                    MELDER_TRY(out.statement_, wf::bytes(reader));
                    return ok();
                }
                case body_type: {
                    MELDER_TRY(const auto number, wf::number(reader));
                    MELDER_TRY(out.type_, body_type_from(number));
                    typed = true;
                    return ok();
                }
                case body_sent_at: {
                    MELDER_TRY(const auto ms, wf::number(reader));
                    MELDER_TRY(out.sent_at_, time_from_ms(ms));
                    return ok();
                }
                case body_group: {
                    MELDER_TRY(const auto id, wf::bytes(reader));
                    MELDER_TRY(out.group_, GroupId::from(id));
                    return ok();
                }
                case body_stale_head: {
                    MELDER_TRY(const auto flag, wf::number(reader));
                    out.stale_head_ = flag != 0;
                    return ok();
                }
                case body_answers: {
                    MELDER_TRY(const auto id, wf::bytes(reader));
                    MELDER_TRY(out.answers_, EnvelopeId::from(id));
                    return ok();
                }
                case body_inner: {
                    MELDER_TRY(out.inner_, wf::bytes(reader));
                    return ok();
                }
                default:
                    reader.skip();
                    return ok();
            }
        },
        [](auto) { return false; }));
    if (!typed || out.sender_.is_zero() || out.credential_.empty() || out.inner_.empty()) return Errc::malformed;
    return out;
}

Bytes ControlRequest::encode() const {
    return wf::build<Bytes>([&](auto& sink) {
        for (const auto& id : envelopes)
            wf::put_bytes(sink, control_envelope, id.view());
        if (content) wf::put_bytes(sink, control_content, content->view());
    });
}

Result<ControlRequest> ControlRequest::parse(BytesView encoded) {
    ControlRequest out;
    MELDER_CHECK(wf::read_message(
        encoded,
        [&](protozero::pbf_reader& reader) -> Result<void> {
            if (reader.tag() == control_envelope) {
                if (out.envelopes.size() >= limits::control_ids) return Errc::too_large;
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(const auto id, EnvelopeId::from(bytes));
                out.envelopes.push_back(id);
            } else if (reader.tag() == control_content) {
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(out.content, ContentId::from(bytes));
            } else {
                reader.skip();
            }
            return ok();
        },
        [](auto tag) { return tag == control_envelope; }));
    if (out.envelopes.empty()) return Errc::malformed;
    return out;
}

}  // namespace melder::sdk
