#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "core/clock.hpp"
#include "core/envelope.hpp"
#include "core/limits.hpp"
#include "core/text.hpp"
#include "core/transcript.hpp"
#include "proto/envelope.pb.h"

namespace melder {
namespace {

std::set<std::string> contexts_in_code() {
    std::set<std::string> out;
#define MELDER_TEST_CONTEXT(name, text) EXPECT_TRUE(out.insert(text).second) << text << " stands in the table twice";
    MELDER_CONTEXT_TABLE(MELDER_TEST_CONTEXT)
#undef MELDER_TEST_CONTEXT
    return out;
}

TEST(Contexts, no_context_is_used_twice) {
    EXPECT_FALSE(contexts_in_code().empty());
}

TEST(Contexts, the_registry_in_the_protocol_names_exactly_the_contexts_of_the_code) {
    std::ifstream file(MELDER_SOURCE_DIR "/proto/PROTOCOL.md");
    ASSERT_TRUE(file) << "proto/PROTOCOL.md is missing";
    std::set<std::string> documented;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) inside = line == "## Registry of contexts";
        if (!inside || !line.starts_with("| `Melder/")) continue;
        const auto end = line.find('`', 3);
        const bool is_new = documented.insert(line.substr(3, end - 3)).second;
        EXPECT_TRUE(is_new) << line;
    }
    // Key derivations stand there too, "Melder/1 …": the same list keeps them from meeting a context.
    std::erase_if(documented, [](const std::string& text) { return !text.ends_with("/1"); });
    EXPECT_EQ(documented, contexts_in_code());
}
TEST(Contexts, a_signing_input_is_context_zero_body) {
    EXPECT_EQ(as_chars(signing_input(Context::grant, view("body"))), std::string_view("Melder/grant/1\0body", 19));
}

TEST(Bytes, hex_and_base64_are_strict) {
    EXPECT_EQ(to_hex(*from_hex("00fFa0")), "00ffa0");
    for (const auto* bad : {"0", "0g", "0x00", " 00"})
        EXPECT_TRUE(from_hex(bad).has_error()) << bad;
    for (const auto* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"}) {
        EXPECT_EQ(as_chars(*from_base64(to_base64(view(text)))), text);
    }
    EXPECT_EQ(to_base64(view("fooba")), "Zm9vYmE=");
    for (const auto* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zg==Zg==", "Zm 9"}) {
        EXPECT_TRUE(from_base64(bad).has_error()) << bad;
    }
}
TEST(Text, overlong_forms_surrogates_and_direction_overrides_are_refused) {
    EXPECT_TRUE(is_one_line_of_text("Ünal Çelik 🚓"));
    for (const auto* bad :
         {"\x80", "\xC1\xBF", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82"}) {
        EXPECT_FALSE(is_utf8(bad));
    }
    for (const auto* bad : {"a\tb", "a\x7F", "\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xAE", "\xE2\x81\xA6"}) {
        EXPECT_TRUE(is_utf8(bad));
        EXPECT_FALSE(is_one_line_of_text(bad));
    }
}
TEST(UnitPath, is_its_ids_and_refuses_others) {
    const auto path = UnitPath::parse("LKA/K5/K52").value();
    EXPECT_EQ(path.parent().string(), "LKA/K5");
    EXPECT_TRUE(path.parent().parent().parent().empty());
    for (const auto* bad : {"", "/", "LKA/", "/LKA", "LKA//K5", "LKÄ", "a b", "1/2/3/4/5/6/7/8/9/10/11/12/13"}) {
        EXPECT_TRUE(UnitPath::parse(bad).has_error()) << bad;
    }
    EXPECT_TRUE(UnitPath::parse(std::string(33, 'a')).has_error());
}
TEST(Secret, is_empty_after_a_move) {
    SeededRandom random(1);
    auto a = random.secret<Secret<32>>();
    const auto b = std::move(a);
    EXPECT_TRUE(a.equals(Secret<32>()));
    EXPECT_FALSE(b.equals(Secret<32>()));
}
TEST(Secret, a_shortened_buffer_has_its_tail_wiped) {
    SecretBuffer buffer(view("secret"));
    const auto whole = buffer.expose();
    buffer.truncate(2);
    EXPECT_EQ(buffer.size(), 2U);
    EXPECT_TRUE(equal(whole.subspan(2), Bytes(4)));
}
TEST(Random, a_seed_gives_the_same_bytes_and_below_stays_below) {
    SeededRandom a(9);
    SeededRandom b(9);
    EXPECT_EQ(a.u64(), b.u64());
    for (int i = 0; i < 1000; ++i)
        EXPECT_LT(a.below(3), 3U);
}

TEST(Envelope, a_header_breaking_any_rule_is_refused) {
    const SharedHeader header{suite_1, Lane::urgent, {1'800'000'000'000}, 4};
    const auto good = header.encode();
    EXPECT_EQ(SharedHeader::parse(good)->expires_at, header.expires_at);
    EXPECT_EQ(SharedHeader::parse(BytesView(good).first(10)).error(), Errc::malformed);
    EXPECT_EQ(SharedHeader::parse({}).error(), Errc::malformed);
    const auto with = [&](std::size_t at, Byte value) {
        auto bytes = good;
        bytes[at] = value;
        return SharedHeader::parse(bytes).error().code();
    };
    EXPECT_EQ(with(0, 2), Errc::unsupported);
    EXPECT_EQ(with(1, 0), Errc::malformed);
    EXPECT_EQ(with(1, 6), Errc::malformed);
    EXPECT_EQ(with(2, 0xFF), Errc::malformed);
    EXPECT_EQ(with(10, 5), Errc::malformed);
}
TEST(Envelope, the_outer_shape_is_exact_and_the_hash_covers_every_field) {
    wire::EnvelopeBody body;
    body.set_header(to_string(SharedHeader{suite_1, Lane::normal, {1}, 0}.encode()));
    body.set_ephemeral(std::string(32, 'e'));
    body.set_commitment(std::string(32, 'c'));
    body.set_sealed(std::string(1024, 's'));
    wire::DeviceHeader header;
    header.set_recipient(std::string(16, 'r'));
    header.set_wrapped_key(std::string(32, 'k'));
    header.set_tag(std::string(16, 't'));
    EXPECT_TRUE(check_body(body));
    EXPECT_TRUE(check_device_header(header));
    const auto hash = envelope_hash(body, header);
    for (auto* field : {body.mutable_ephemeral(), body.mutable_commitment(), body.mutable_sealed()}) {
        field->push_back('x');
        EXPECT_EQ(check_body(body).error(), Errc::malformed);
        EXPECT_NE(envelope_hash(body, header), hash);
        field->pop_back();
    }
    for (auto* field : {header.mutable_recipient(), header.mutable_wrapped_key(), header.mutable_tag()}) {
        field->pop_back();
        EXPECT_EQ(check_device_header(header).error(), Errc::malformed);
        EXPECT_NE(envelope_hash(body, header), hash);
        field->push_back('x');
    }
}
TEST(Transcript, is_bound_to_context_connection_hello_and_body) {
    const auto one = login_transcript(Context::login, {}, view("hello"), view("body"));
    EXPECT_EQ(one.size(), text_of(Context::login).size() + 1 + 96);
    EXPECT_NE(one, login_transcript(Context::login, {1}, view("hello"), view("body")));
    EXPECT_NE(one, login_transcript(Context::login, {}, view("hellp"), view("body")));
    EXPECT_NE(one, login_transcript(Context::login, {}, view("hello"), view("bodz")));
    EXPECT_NE(one, login_transcript(Context::enrol, {}, view("hello"), view("body")));
}

}  // namespace
}  // namespace melder
