#include "sdk/crypto/content.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

using namespace sdk;

ContentFields given_fields(Pen& pen) {
    ContentFields fields;
    fields.id = ContentId::from(pen.given_random("content_id", 16)).value();
    fields.sequence = pen.given_number("sequence", 300);
    return fields;
}

/// The encoding, and that it is read back and written the same way again.
void write_encoded(Pen& pen, const ContentFields& fields) {
    const auto encoded = sdk::write_content(fields).value();
    pen.equals("content", encoded.expose());
    const auto read = ContentView::parse(encoded.clone()).value();
    pen.require(equal(sdk::write_content(read.fields()).value().expose(), encoded.expose()),
                "it is read and written alike");
}

}  // namespace

void write_content(Pen& pen) {
    pen.begin("content, text");
    auto text = given_fields(pen);
    const auto words = pen.given_text("text", "Lage am Hauptbahnhof: ruhig. Grüße");
    text.expires_at = UnixTime{static_cast<std::int64_t>(pen.given_number("expires_at_ms", 1'801'209'600'000))};
    text.expire_after_display_s = static_cast<std::uint32_t>(pen.given_number("expire_after_display_s", 3600));
    text.kind = TextContent{view(words)};
    write_encoded(pen, text);

    pen.begin("content, delivered receipt with progress");
    auto receipt = given_fields(pen);
    const auto first = ContentId::from(pen.given_random("received_1", 16)).value();
    const auto second = ContentId::from(pen.given_random("received_2", 16)).value();
    receipt.progress = {{Lane::normal, pen.given_number("highest_sent", 5), pen.given_number("highest_seen", 128),
                         pen.given_number("lowest_unexpired", 2)}};
    receipt.kind = ReceiptContent{ReceiptKind::delivered, {first, second}};
    write_encoded(pen, receipt);

    pen.begin("content, heartbeat");
    auto heartbeat = given_fields(pen);
    heartbeat.kind = HeartbeatContent{};
    write_encoded(pen, heartbeat);

    pen.begin("control request");
    ControlRequest control;
    control.envelopes = {EnvelopeId::from(pen.given_random("envelope_1", 16)).value(),
                         EnvelopeId::from(pen.given_random("envelope_2", 16)).value()};
    control.content = ContentId::from(pen.given_random("content_id", 16)).value();
    const auto encoded = control.encode();
    pen.equals("control_request", encoded);
    pen.require(equal(ControlRequest::parse(encoded).value().encode(), encoded), "it is read and written alike");
}

void write_own_copy(Pen& pen) {
    pen.begin("content, copy for an own device");
    auto copy = given_fields(pen);
    copy.conversation = OfficerId::from(pen.given_random("conversation", 16)).value();
    const auto copied = pen.given_text("text", "Bin unterwegs.");
    copy.kind = TextContent{view(copied)};
    write_encoded(pen, copy);
}

}  // namespace melder::vectors
