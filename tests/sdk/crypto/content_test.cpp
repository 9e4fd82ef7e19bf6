// The SDK's own reading and writing of content.proto against protobuf's classes, and what it refuses.

#include "sdk/crypto/content.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "core/random.hpp"
#include "proto/content.pb.h"

namespace melder::sdk {
namespace {

SecretBuffer buffer_of(const std::string& bytes) {
    return SecretBuffer(view(bytes));
}

struct Ids {
    Random& random = system_random();
    ContentId content = random.id<ContentId>();
    EnrolmentId sender = random.id<EnrolmentId>();
    EnvelopeId envelope = random.id<EnvelopeId>();
} const ids;

ContentFields text_fields() {
    ContentFields fields;
    fields.id = ids.content;
    fields.sequence = 300;
    fields.expires_at = UnixTime{1'800'000'123'456};
    fields.expire_after_display_s = 30;
    fields.progress = {{Lane::normal, 4, 5, 2}, {Lane::urgent, 0, 1, 0}};
    fields.kind = TextContent{view("Grüße aus Wache 3")};
    return fields;
}

TEST(Content, what_is_written_is_what_protobuf_reads) {
    const auto written = write_content(text_fields());
    ASSERT_TRUE(written.has_value());
    wire::Content read;
    ASSERT_TRUE(read.ParseFromString(to_string(written->expose())));
    EXPECT_EQ(read.content_id(), ids.content.string());
    EXPECT_EQ(read.sequence(), 300U);
    EXPECT_EQ(read.expires_at_ms(), 1'800'000'123'456U);
    EXPECT_EQ(read.expire_after_display_s(), 30U);
    ASSERT_EQ(read.progress_size(), 2);
    EXPECT_EQ(read.progress(1).lane(), static_cast<std::uint32_t>(Lane::urgent));
    EXPECT_EQ(read.progress(1).highest_seen(), 1U);
    EXPECT_EQ(read.text().text(), "Grüße aus Wache 3");
    EXPECT_EQ(read.SerializeAsString(), to_string(written->expose())) << "the same bytes, field by field";
}

TEST(Content, what_protobuf_writes_is_read) {
    wire::Content content;
    content.set_content_id(ids.content.string());
    content.mutable_receipt()->set_kind(wire::RECEIPT_KIND_READ);
    content.mutable_receipt()->add_content_ids(ids.content.string());
    const auto read = ContentView::parse(buffer_of(content.SerializeAsString()));
    ASSERT_TRUE(read.has_value()) << read.error().message();
    const auto& receipt = std::get<ReceiptContent>(read->fields().kind);
    EXPECT_EQ(receipt.kind, ReceiptKind::read);
    EXPECT_EQ(receipt.contents, std::vector{ids.content});
    EXPECT_FALSE(read->fields().expires_at.has_value());
}

TEST(Content, a_heartbeat_is_a_kind_although_it_is_empty) {
    ContentFields fields;
    fields.id = ids.content;
    fields.kind = HeartbeatContent{};
    const auto read = ContentView::parse(write_content(fields).value());
    ASSERT_TRUE(read.has_value());
    EXPECT_TRUE(std::holds_alternative<HeartbeatContent>(read->fields().kind));
}

TEST(Content, a_kind_of_a_newer_version_is_reported_with_its_number) {
    wire::Content content;
    content.set_content_id(ids.content.string());
    content.mutable_location()->set_latitude_e7(1);
    const auto read = ContentView::parse(buffer_of(content.SerializeAsString()));
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(std::get<UnknownContent>(read->fields().kind).field, 25U);
}

void expect_refused(const wire::Content& content, Errc code = Errc::malformed) {
    const auto read = ContentView::parse(buffer_of(content.SerializeAsString()));
    ASSERT_TRUE(read.has_error());
    EXPECT_EQ(read.error().code(), code);
}

TEST(Content, malformed_content_is_refused) {
    wire::Content content;
    content.mutable_text()->set_text("ohne Kennung");
    expect_refused(content);
    content.set_content_id("short");
    expect_refused(content);
    content.set_content_id(ids.content.string());
    content.mutable_receipt()->set_kind(wire::RECEIPT_KIND_DELIVERED);
    expect_refused(content);  // a receipt for nothing
    for (std::size_t i = 0; i <= limits::control_ids; ++i)
        content.mutable_receipt()->add_content_ids(ids.content.string());
    expect_refused(content, Errc::too_large);
}

TEST(Content, text_that_is_no_utf8_or_too_long_is_refused_on_both_sides) {
    auto fields = text_fields();
    fields.kind = TextContent{view("\xC3\x28")};
    EXPECT_EQ(write_content(fields).error().code(), Errc::bad_argument);
    const std::string longest(limits::text_bytes + 1, 'x');
    fields.kind = TextContent{view(longest)};
    EXPECT_EQ(write_content(fields).error().code(), Errc::too_large);
    auto bytes = write_content(text_fields()).value();
    const std::string bad = to_string(bytes.expose());
    auto broken = bad;
    broken[broken.find("Gr")] = '\xFF';
    EXPECT_TRUE(ContentView::parse(buffer_of(broken)).has_error());
}

TEST(Content, a_singular_field_given_twice_is_refused) {
    const auto once = to_string(write_content(text_fields()).value().expose());
    EXPECT_TRUE(ContentView::parse(buffer_of(once + once)).has_error());
}

TEST(Content, no_mutation_of_valid_content_crashes_the_reader) {
    SeededRandom random(11);
    const auto valid = to_string(write_content(text_fields()).value().expose());
    std::size_t refused = 0;
    for (int round = 0; round < 5000; ++round) {
        auto mutated = valid;
        for (std::uint64_t flips = 1 + random.below(4); flips > 0; --flips) {
            mutated[random.below(mutated.size())] = static_cast<char>(random.below(256));
        }
        mutated.resize(mutated.size() - random.below(3));
        refused += ContentView::parse(buffer_of(mutated)).has_error() ? 1U : 0U;
    }
    EXPECT_GT(refused, 100U);
}

TEST(SealedBody, what_is_written_is_what_protobuf_reads_and_back) {
    wire::Credential credential;
    credential.mutable_grant()->set_body("grant");
    const auto encoded = credential.SerializeAsString();
    wire::Signed statement;
    statement.set_body("statement");
    const auto encoded_statement = statement.SerializeAsString();
    SealedBodyFields fields;
    fields.sender = ids.sender;
    fields.credential = view(encoded);
    fields.statement = view(encoded_statement);
    fields.type = BodyType::prekey;
    fields.sent_at = UnixTime{1'800'000'000'001};
    fields.stale_head = true;
    fields.inner = view("inner");
    auto written = write_sealed_body(fields);

    wire::SealedBody read;
    ASSERT_TRUE(read.ParseFromString(to_string(written.expose())));
    EXPECT_EQ(read.sender_id(), ids.sender.string());
    EXPECT_EQ(read.credential().grant().body(), "grant");
    EXPECT_EQ(read.statement().body(), "statement");
    EXPECT_EQ(read.type(), wire::MESSAGE_TYPE_PREKEY);
    EXPECT_TRUE(read.stale_head());
    EXPECT_EQ(read.inner(), "inner");
    EXPECT_EQ(read.SerializeAsString(), to_string(written.expose()));

    const auto parsed = SealedBodyView::parse(std::move(written));
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->sender(), ids.sender);
    EXPECT_EQ(as_chars(parsed->credential()), encoded);
    EXPECT_EQ(parsed->type(), BodyType::prekey);
    EXPECT_EQ(parsed->sent_at(), (UnixTime{1'800'000'000'001}));
    EXPECT_EQ(as_chars(parsed->inner()), "inner");
}

TEST(SealedBody, one_without_sender_type_credential_or_inner_is_refused) {
    wire::SealedBody complete;
    complete.set_sender_id(ids.sender.string());
    complete.mutable_credential()->mutable_grant()->set_body("g");
    complete.set_type(wire::MESSAGE_TYPE_SIGNAL);
    complete.set_inner("x");
    ASSERT_TRUE(SealedBodyView::parse(buffer_of(complete.SerializeAsString())).has_value());
    for (const int missing : {1, 2, 3, 4}) {
        auto body = complete;
        if (missing == 1) body.clear_sender_id();
        if (missing == 2) body.clear_credential();
        if (missing == 3) body.clear_type();
        if (missing == 4) body.clear_inner();
        EXPECT_TRUE(SealedBodyView::parse(buffer_of(body.SerializeAsString())).has_error()) << missing;
    }
}

TEST(ControlRequest, carries_envelope_ids_and_nothing_is_taken_beyond_the_limit) {
    ControlRequest request{{ids.envelope}, ids.content};
    const auto read = ControlRequest::parse(request.encode());
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->envelopes, request.envelopes);
    EXPECT_EQ(read->content, request.content);
    request.envelopes.assign(limits::control_ids + 1, ids.envelope);
    EXPECT_EQ(ControlRequest::parse(request.encode()).error().code(), Errc::too_large);
    EXPECT_TRUE(ControlRequest::parse({}).has_error());
}

}  // namespace
}  // namespace melder::sdk
