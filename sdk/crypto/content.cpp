#include "sdk/crypto/content.hpp"

#include "core/limits.hpp"
#include "core/text.hpp"
#include "core/wire_time.hpp"
#include "sdk/crypto/content_wire.hpp"

namespace melder::sdk {
namespace {

namespace wf = content_wire;

// Field numbers of Content and its kinds in content.proto.
enum ContentField : std::uint32_t {
    content_id = 1,
    content_sequence = 2,
    content_expires_at = 3,
    content_expire_after_display = 4,
    content_progress = 5,
    content_conversation = 6,
    kind_text = 16,
    kind_receipt = 17,
    kind_heartbeat = 18,
    kind_last = 63
};
enum TextField : std::uint32_t { text_text = 1 };
enum ReceiptField : std::uint32_t { receipt_kind = 1, receipt_content = 2 };
enum ProgressField : std::uint32_t { progress_lane = 1, progress_sent = 2, progress_seen = 3, progress_unexpired = 4 };

template <class Sink>
void put_kind(Sink& sink, const TextContent& text) {
    wf::put_message(sink, kind_text, [&](auto& inner) { wf::put_bytes(inner, text_text, text.text); });
}
template <class Sink>
void put_kind(Sink& sink, const ReceiptContent& receipt) {
    wf::put_message(sink, kind_receipt, [&](auto& inner) {
        wf::put_number(inner, receipt_kind, static_cast<std::uint64_t>(receipt.kind));
        for (const auto& id : receipt.contents)
            wf::put_bytes(inner, receipt_content, id.view());
    });
}
template <class Sink>
void put_kind(Sink& sink, const HeartbeatContent&) {
    wf::put_message(sink, kind_heartbeat, [](auto&) {});
}
template <class Sink>
void put_kind(Sink&, const UnknownContent&) {}  // refused by write_content

template <class Sink>
void put_progress(Sink& sink, const Progress& progress) {
    wf::put_message(sink, content_progress, [&](auto& inner) {
        wf::put_number(inner, progress_lane, static_cast<std::uint64_t>(progress.lane));
        wf::put_number(inner, progress_sent, progress.highest_sent);
        wf::put_number(inner, progress_seen, progress.highest_seen);
        wf::put_number(inner, progress_unexpired, progress.lowest_unexpired);
    });
}

Result<TextContent> parse_text(BytesView encoded) {
    TextContent text;
    MELDER_CHECK(wf::read_message(
        encoded,
        [&](protozero::pbf_reader& reader) -> Result<void> {
            if (reader.tag() != text_text) {
                reader.skip();
                return ok();
            }
            MELDER_TRY(text.text, wf::bytes(reader));
            return ok();
        },
        [](auto) { return false; }));
    if (text.text.size() > limits::text_bytes) return Errc::too_large;
    if (!is_utf8(as_chars(text.text))) return Errc::malformed;
    return text;
}

Result<ReceiptContent> parse_receipt(BytesView encoded) {
    ReceiptContent receipt;
    bool kind_seen = false;
    MELDER_CHECK(wf::read_message(
        encoded,
        [&](protozero::pbf_reader& reader) -> Result<void> {
            if (reader.tag() == receipt_kind) {
                MELDER_TRY(const auto number, wf::number(reader));
                if (number < 1 || number > 2) return Errc::malformed;
                receipt.kind = static_cast<ReceiptKind>(number);
                kind_seen = true;
            } else if (reader.tag() == receipt_content) {
                if (receipt.contents.size() >= limits::control_ids) return Errc::too_large;
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(const auto id, ContentId::from(bytes));
                receipt.contents.push_back(id);
            } else {
                reader.skip();
            }
            return ok();
        },
        [](auto tag) { return tag == receipt_content; }));
    if (!kind_seen || receipt.contents.empty()) return Errc::malformed;
    return receipt;
}

Result<Progress> parse_progress(BytesView encoded) {
    Progress progress;
    std::uint64_t lane = 0;
    MELDER_CHECK(wf::read_message(
        encoded,
        [&](protozero::pbf_reader& reader) -> Result<void> {
            const auto tag = reader.tag();
            if (tag < progress_lane || tag > progress_unexpired) {
                reader.skip();
                return ok();
            }
            MELDER_TRY(const auto number, wf::number(reader));
            if (tag == progress_lane) lane = number;
            if (tag == progress_sent) progress.highest_sent = number;
            if (tag == progress_seen) progress.highest_seen = number;
            if (tag == progress_unexpired) progress.lowest_unexpired = number;
            return ok();
        },
        [](auto) { return false; }));
    if (lane > lane_count) return Errc::malformed;
    MELDER_TRY(progress.lane, lane_from(static_cast<std::uint32_t>(lane)));
    return progress;
}

Result<ContentKind> parse_kind(std::uint32_t field, BytesView encoded) {
    if (field == kind_text) {
        MELDER_TRY(const auto text, parse_text(encoded));
        return ContentKind(text);
    }
    if (field == kind_receipt) {
        MELDER_TRY(auto receipt, parse_receipt(encoded));
        return ContentKind(std::move(receipt));
    }
    if (field == kind_heartbeat) return ContentKind(HeartbeatContent{});
    return ContentKind(UnknownContent{field});
}

Result<void> check_fields(const ContentFields& fields) {
    if (fields.id.is_zero() || fields.progress.size() >= lane_count) return Errc::bad_argument;
    if (std::holds_alternative<UnknownContent>(fields.kind)) return Errc::bad_argument;
    if (const auto* text = std::get_if<TextContent>(&fields.kind)) {
        if (text->text.size() > limits::text_bytes) return Errc::too_large;
        if (!is_utf8(as_chars(text->text))) return Error(Errc::bad_argument, "the text is not UTF-8");
    }
    if (const auto* receipt = std::get_if<ReceiptContent>(&fields.kind)) {
        if (receipt->contents.empty() || receipt->contents.size() > limits::control_ids) return Errc::bad_argument;
    }
    return ok();
}

}  // namespace

Result<SecretBuffer> write_content(const ContentFields& fields) {
    MELDER_CHECK(check_fields(fields));
    return wf::build<SecretBuffer>([&](auto& sink) {
        wf::put_bytes(sink, content_id, fields.id.view());
        wf::put_number(sink, content_sequence, fields.sequence);
        wf::put_number(sink, content_expires_at,
                       fields.expires_at ? static_cast<std::uint64_t>(fields.expires_at->ms) : 0);
        wf::put_number(sink, content_expire_after_display, fields.expire_after_display_s);
        for (const auto& progress : fields.progress)
            put_progress(sink, progress);
        if (fields.conversation) wf::put_bytes(sink, content_conversation, fields.conversation->view());
        std::visit([&](const auto& kind) { put_kind(sink, kind); }, fields.kind);
    });
}

Result<ContentView> ContentView::parse(SecretBuffer plaintext) {
    ContentView out;
    out.bytes_ = std::move(plaintext);
    auto& fields = out.fields_;
    fields.kind = UnknownContent{};
    bool kind_seen = false;
    MELDER_CHECK(wf::read_message(
        out.bytes_.expose(),
        [&](protozero::pbf_reader& reader) -> Result<void> {
            const auto tag = reader.tag();
            if (tag == content_id) {
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(fields.id, ContentId::from(bytes));
            } else if (tag == content_sequence) {
                MELDER_TRY(fields.sequence, wf::number(reader));
            } else if (tag == content_expires_at) {
                MELDER_TRY(const auto ms, wf::number(reader));
                MELDER_TRY(fields.expires_at, time_from_ms(ms));
            } else if (tag == content_expire_after_display) {
                MELDER_TRY(const auto seconds, wf::number(reader));
                if (seconds > UINT32_MAX) return Errc::malformed;
                fields.expire_after_display_s = static_cast<std::uint32_t>(seconds);
            } else if (tag == content_progress) {
                if (fields.progress.size() + 1 >= lane_count) return Errc::too_large;
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(const auto progress, parse_progress(bytes));
                fields.progress.push_back(progress);
            } else if (tag == content_conversation) {
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(fields.conversation, OfficerId::from(bytes));
            } else if (tag >= kind_text && tag <= kind_last) {
                // A oneof: two kinds in one content are no content.
                if (std::exchange(kind_seen, true)) return Errc::malformed;
                if (reader.wire_type() != wf::pbf_wire_type::length_delimited) {
                    fields.kind = UnknownContent{tag};
                    reader.skip();
                    return ok();
                }
                MELDER_TRY(const auto bytes, wf::bytes(reader));
                MELDER_TRY(fields.kind, parse_kind(tag, bytes));
            } else {
                reader.skip();
            }
            return ok();
        },
        [](auto tag) { return tag == content_progress; }));
    if (fields.id.is_zero()) return Errc::malformed;
    return out;
}

}  // namespace melder::sdk
