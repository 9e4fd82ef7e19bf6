#include "sdk/crypto/message_shape.hpp"

#include <gtest/gtest.h>

namespace melder::sdk {
namespace {

void append(Bytes& out, BytesView more) {
    out.insert(out.end(), more.begin(), more.end());
}

Bytes key_field(Byte key, const X25519Public& public_key) {
    Bytes out{key, 33};
    append(out, to_djb_key(public_key));
    return out;
}

struct Parts {
    SeededRandom random{3};
    X25519Public ratchet = generate_x25519(random).public_key;
    Byte version = 0x33;
    Bytes key = key_field(0x0a, ratchet);
    Bytes counter{0x10, 5};
    Bytes previous{0x18, 0};
    Bytes ciphertext = [] {
        Bytes out{0x22, 16};
        out.resize(18, 7);
        return out;
    }();
    Bytes extra;

    [[nodiscard]] Bytes signal() const {
        Bytes out{version};
        for (const auto* part : {&key, &counter, &previous, &ciphertext, &extra})
            append(out, *part);
        out.resize(out.size() + 8, 0xaa);
        return out;
    }
    [[nodiscard]] Bytes prekey() const {
        const auto inner = signal();
        Bytes out{0x33, 0x08, 9};
        append(out, key_field(0x12, ratchet));
        append(out, key_field(0x1a, ratchet));
        append(out, Bytes{0x22, static_cast<Byte>(inner.size())});
        append(out, inner);
        append(out, Bytes{0x28, 1, 0x30, 2});
        return out;
    }
};

bool refused(const Bytes& message) {
    const auto result = check_signal_message(message);
    return result.has_error() && result.error() == Errc::inner_malformed;
}

TEST(MessageShape, a_well_formed_message_is_read) {
    const auto shape = check_signal_message(Parts{}.signal());
    ASSERT_TRUE(shape.has_value());
    EXPECT_EQ(shape->counter, 5u);
    EXPECT_EQ(shape->ciphertext.size(), 16u);
    const auto prekey_bytes = Parts{}.prekey();
    const auto prekey = check_prekey_message(prekey_bytes);
    ASSERT_TRUE(prekey.has_value());
    EXPECT_EQ(prekey->one_time_prekey_id, 9u);
    EXPECT_EQ(prekey->signed_prekey_id, 2u);
}

TEST(MessageShape, another_version_is_refused) {
    for (const Byte version : {Byte{0x22}, Byte{0x23}, Byte{0x34}, Byte{0x44}}) {
        Parts parts;
        parts.version = version;
        EXPECT_TRUE(refused(parts.signal()));
    }
}

TEST(MessageShape, an_unknown_field_is_refused) {
    Parts parts;
    parts.extra = {0x28, 1};
    EXPECT_TRUE(refused(parts.signal()));
    parts.extra = {0x38, 1};
    EXPECT_TRUE(refused(parts.signal()));
}

TEST(MessageShape, a_field_that_comes_twice_or_out_of_order_is_refused) {
    Parts twice;
    twice.counter = {0x10, 5, 0x10, 5};
    EXPECT_TRUE(refused(twice.signal()));
    Parts swapped;
    std::swap(swapped.counter, swapped.previous);
    EXPECT_TRUE(refused(swapped.signal()));
}

TEST(MessageShape, a_varint_that_is_not_minimal_or_too_wide_is_refused) {
    Parts parts;
    parts.counter = {0x10, 0x85, 0x00};
    EXPECT_TRUE(refused(parts.signal()));
    parts.counter = {0x10, 0xff, 0xff, 0xff, 0xff, 0x1f};
    EXPECT_TRUE(refused(parts.signal()));
    parts.counter = {0x10, 0xff, 0xff, 0xff, 0xff, 0x0f};
    EXPECT_FALSE(refused(parts.signal()));
}

TEST(MessageShape, the_wrong_wire_type_is_refused) {
    Parts parts;
    parts.counter = {0x12, 1, 5};
    EXPECT_TRUE(refused(parts.signal()));
}

TEST(MessageShape, a_low_order_key_is_refused) {
    Parts parts;
    parts.key = key_field(0x0a, X25519Public{});
    EXPECT_TRUE(refused(parts.signal()));
}

TEST(MessageShape, a_ciphertext_that_is_no_whole_number_of_blocks_is_refused) {
    Parts parts;
    parts.ciphertext = {0x22, 1, 7};
    EXPECT_TRUE(refused(parts.signal()));
    parts.ciphertext = {0x22, 0};
    EXPECT_TRUE(refused(parts.signal()));
}

TEST(MessageShape, every_truncation_of_a_prekey_message_is_refused) {
    const auto whole = Parts{}.prekey();
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_TRUE(check_prekey_message(BytesView(whole).first(length)).has_error()) << length;
    }
}

}  // namespace
}  // namespace melder::sdk
