// What a relay reads of an envelope, and what only its receiver reads.

#include "core/limits.hpp"
#include "proto/content.pb.h"
#include "proto/envelope.pb.h"
#include "sdk/crypto/content.hpp"
#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {

void envelope_outer(BytesView input) {
    const auto [what, rest] = chosen(input, 3);
    if (what == 0) {
        const auto header = SharedHeader::parse(rest);
        if (header.has_value()) require(equal(header->encode(), rest));
        return;
    }
    const auto size = static_cast<int>(rest.size());
    if (wire::DeviceHeader header; what == 1 && header.ParseFromArray(rest.data(), size)) {
        const auto recipient = check_device_header(header);
        if (recipient.has_value()) require(header.wrapped_key().size() == 32 && header.tag().size() == 16);
    }
    if (wire::EnvelopeBody body; what == 2 && body.ParseFromArray(rest.data(), size)) {
        const auto header = check_body(body);
        if (header.has_value()) require(body.sealed().size() == limits::buckets_bytes[header->bucket]);
    }
}

void sealed_body(BytesView input) {
    const auto [what, rest] = chosen(input, 2);
    if (what == 0) {
        const auto request = sdk::ControlRequest::parse(rest);
        if (request.has_error()) return;
        require(!request->envelopes.empty() && request->envelopes.size() <= limits::control_ids);
        const auto again = sdk::ControlRequest::parse(request->encode());
        require(again.has_value() && again->envelopes == request->envelopes && again->content == request->content);
        return;
    }
    const auto body = sdk::SealedBodyView::parse(SecretBuffer(rest));
    if (body.has_error()) return;
    require(!body->sender().is_zero() && !body->inner().empty() && !body->credential().empty());
    // protobuf may be stricter inside the credential, which is judged elsewhere; where it reads, it reads the same.
    wire::SealedBody other;
    if (!other.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) return;
    require(other.sender_id() == body->sender().chars() && other.inner() == as_chars(body->inner()));
    require(static_cast<int>(other.type()) == static_cast<int>(body->type()));
    require(other.sent_at_ms() == static_cast<std::uint64_t>(body->sent_at().ms));
    require(other.stale_head() == body->stale_head());
}

void content(BytesView input) {
    const auto content = sdk::ContentView::parse(SecretBuffer(input));
    if (content.has_error()) return;
    const auto& fields = content->fields();
    require(!fields.id.is_zero());
    wire::Content other;
    if (other.ParseFromArray(input.data(), static_cast<int>(input.size()))) {
        require(other.content_id() == fields.id.chars() && other.sequence() == fields.sequence);
        require(other.progress_size() == static_cast<int>(fields.progress.size()));
        if (const auto* text = std::get_if<sdk::TextContent>(&fields.kind))
            require(other.text().text() == as_chars(text->text));
    }
    if (std::holds_alternative<sdk::UnknownContent>(fields.kind)) return;
    const auto written = sdk::write_content(fields);
    require(written.has_value());
    const auto again = sdk::ContentView::parse(written->clone());
    require(again.has_value() && again->fields().id == fields.id && again->fields().progress == fields.progress);
    require(equal(sdk::write_content(again->fields()).value().expose(), written->expose()));
}

}  // namespace melder::fuzz
