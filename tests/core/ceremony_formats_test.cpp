// What people carry: the setup request and the code, made by hand so that our own writer cannot keep them honest.
#include <gtest/gtest.h>

#include "core/crypto.hpp"
#include "core/enrolment_code.hpp"
#include "core/setup_request.hpp"

namespace melder {
namespace {

const std::string key_line = "statement-key " + std::string(64, 'a') + "\n";
const std::string pin_line = "pin relay " + std::string(64, 'b') + "\n";
const std::string first_line = "melder-setup-request 1\n";

TEST(SetupRequest, says_the_same_after_writing_and_reading) {
    SetupRequest request;
    request.statement_keys = {Ed25519Public::from_hex(std::string(64, 'a')).value()};
    request.pins = {{sha256(view("relay")), ServerRole::relay}, {sha256(view("keys")), ServerRole::keyserver}};
    const auto read = SetupRequest::parse(request.encode());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->statement_keys, request.statement_keys);
    ASSERT_EQ(read->pins.size(), 2U);
    for (std::size_t i = 0; i < 2; ++i) {
        EXPECT_EQ(read->pins[i].spki, request.pins[i].spki);
        EXPECT_EQ(read->pins[i].role, request.pins[i].role);
    }
}
TEST(SetupRequest, names_the_line_that_cannot_be_read) {
    ASSERT_TRUE(SetupRequest::parse(first_line + key_line + "\n" + pin_line));
    const std::vector<std::pair<std::string, std::string>> wrong{
        {"melder-setup-request 2\n" + key_line + pin_line, "line 1"},
        {key_line + pin_line, "line 1"},
        {first_line + key_line + pin_line + "comment\n", "line 4"},
        {first_line + key_line + "pin client " + std::string(64, 'b') + "\n", "line 3"},
        {first_line + "statement-key " + std::string(62, 'a') + "\n" + pin_line, "line 2"},
        {first_line + "statement-key " + std::string(66, 'a') + "\n" + pin_line, "line 2"},
        {first_line + key_line + "pin relay " + std::string(64, 'g') + "\n", "line 3"},
        {first_line + key_line + pin_line + std::string(254, '\n'), "line 257"},
    };
    for (const auto& [text, line] : wrong) {
        const auto read = SetupRequest::parse(text);
        ASSERT_TRUE(read.has_error()) << text;
        EXPECT_EQ(read.error().code(), Errc::malformed);
        EXPECT_TRUE(read.error().detail().ends_with(line)) << read.error().detail();
    }
    EXPECT_TRUE(SetupRequest::parse(first_line + key_line + pin_line + std::string(253, '\n')));
}
TEST(SetupRequest, without_a_key_or_without_a_pin_is_refused) {
    EXPECT_EQ(SetupRequest::parse(first_line + pin_line).error(), Errc::malformed);
    EXPECT_EQ(SetupRequest::parse(first_line + key_line).error(), Errc::malformed);
    EXPECT_EQ(SetupRequest::parse("").error(), Errc::malformed);
}

/// The code that PROTOCOL.md "Enrolment code" makes of a payload; `stray` bits go where the last character has room.
std::string printed(const Bytes& payload, unsigned stray = 0) {
    constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    std::string out = "MLD1-";
    unsigned bits = 0, held = 0;
    for (const Byte b : payload) {
        bits = (bits << 8 | b) & 0xFFFU;
        for (held += 8; held >= 5;) {
            held -= 5;
            out += alphabet[bits >> held & 31U];
        }
    }
    if (held > 0) out += alphabet[(bits << (5 - held) | stray) & 31U];
    const auto hash = sha256({view("MLD1"), payload});
    const unsigned checksum = static_cast<unsigned>(hash.view()[0]) << 2 | hash.view()[1] >> 6;
    return out + alphabet[checksum >> 5] + alphabet[checksum & 31U];
}
Bytes payload(std::initializer_list<Byte> start, std::size_t secret_bytes) {
    Bytes out(start);
    out.insert(out.end(), secret_bytes, Byte{0x5A});
    return out;
}

TEST(EnrolmentCode, a_secret_has_16_to_32_bytes_even_with_a_right_checksum) {
    EXPECT_TRUE(EnrolmentCode::parse(printed(payload({0}, 16))));
    EXPECT_TRUE(EnrolmentCode::parse(printed(payload({0}, 32))));
    for (const std::size_t size : {0U, 1U, 8U, 15U, 33U}) {
        EXPECT_EQ(EnrolmentCode::parse(printed(payload({0}, size))).error(), Errc::code_malformed) << size;
    }
    EXPECT_EQ(EnrolmentCode::parse(printed(payload({1, 7}, 15))).error(), Errc::code_malformed);
}
TEST(EnrolmentCode, there_is_one_way_to_write_a_code) {
    EXPECT_EQ(EnrolmentCode::parse(printed(payload({1, 5}, 16)))->lowest_trust_list(), 5U);
    EXPECT_EQ(EnrolmentCode::parse(printed(payload({2, 0, 5}, 16))).error(), Errc::code_malformed) << "a leading zero";
    EXPECT_EQ(EnrolmentCode::parse(printed(payload({1, 0}, 16))).error(), Errc::code_malformed);
    EXPECT_EQ(EnrolmentCode::parse(printed(payload({0}, 16), 1)).error(), Errc::code_malformed) << "a stray bit";
    auto longer = printed(payload({1, 5}, 16));
    longer.insert(longer.size() - 2, "0");
    EXPECT_EQ(EnrolmentCode::parse(longer).error(), Errc::code_malformed) << "a character that carries nothing";
    EXPECT_EQ(EnrolmentCode::parse(printed({8, 1, 2})).error(), Errc::code_malformed) << "a version cut off";
}

}  // namespace
}  // namespace melder
