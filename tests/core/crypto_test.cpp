#include "core/crypto.hpp"

#include <gtest/gtest.h>
#include <signal/curve.h>
#include <signal/signal_protocol.h>

#include "core/limits.hpp"

namespace melder {
namespace {

Bytes hex(std::string_view text) {
    return from_hex(text).value();
}

TEST(Crypto, hkdf_gives_the_bytes_of_rfc_5869_case_1) {
    Bytes out(42);
    hkdf_sha256(hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), hex("000102030405060708090a0b0c"),
                {hex("f0f1f2f3f4f5f6f7f8f9")}, out);
    EXPECT_EQ(to_hex(out), "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
}
TEST(Crypto, hkdf_without_salt_and_info_gives_the_bytes_of_rfc_5869_case_3) {
    Bytes out(42);
    hkdf_sha256(hex("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"), {}, {}, out);
    EXPECT_EQ(to_hex(out), "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}
TEST(Crypto, hmac_gives_the_bytes_of_rfc_4231_case_2) {
    EXPECT_EQ(to_hex(hmac_sha256(view("Jefe"), {view("what do ya want "), view("for nothing?")})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
TEST(Crypto, scrypt_gives_the_bytes_of_rfc_7914_and_refuses_too_much_memory) {
    Bytes out(64);
    ASSERT_TRUE(scrypt(view("password"), view("NaCl"), 1024, 8, 16, out));
    EXPECT_EQ(to_hex(BytesView(out).first(16)), "fdbabe1c9d3472007856e7190d01e9fe");
    EXPECT_EQ(scrypt(view("p"), view("s"), 1U << 24, 8, 1, out).error(), Errc::malformed);
}
TEST(Crypto, aead_gives_the_tag_of_the_gcm_specification_case_13_and_refuses_every_flipped_bit) {
    const AeadKey key;
    const ByteArray<12> nonce{};
    EXPECT_EQ(to_hex(aead_seal(key, nonce, {}, {})), "530f8afbc74536b9a963b4f1c4cb738b");
    const auto sealed = aead_seal(key, nonce, view("aad"), view("plaintext"));
    EXPECT_TRUE(equal(aead_open(key, nonce, view("aad"), sealed)->expose(), view("plaintext")));
    EXPECT_EQ(aead_open(key, nonce, view("aae"), sealed).error(), Errc::sealed_invalid);
    for (std::size_t i = 0; i < sealed.size(); ++i) {
        auto broken = sealed;
        broken[i] ^= 1;
        EXPECT_EQ(aead_open(key, nonce, view("aad"), broken).error(), Errc::sealed_invalid);
    }
    EXPECT_EQ(aead_open(key, nonce, {}, Bytes(15)).error(), Errc::sealed_invalid);
}
TEST(Crypto, x25519_gives_the_secret_of_rfc_7748) {
    const auto bob =
        X25519Private::from(hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")).value();
    EXPECT_EQ(x25519_public_of(bob).hex(), "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
    const auto alice =
        X25519Public::from_hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a").value();
    EXPECT_EQ(to_hex(x25519(bob, alice)->expose()), "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
}
TEST(Crypto, low_order_and_non_canonical_keys_are_refused_everywhere) {
    SeededRandom random(1);
    const auto pair = generate_x25519(random);
    std::vector<std::string> bad{
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "cdeb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880",
        "0900000000000000000000000000000000000000000000000000000000000080",
    };
    for (const auto& text : bad) {
        const auto key = X25519Public::from_hex(text).value();
        EXPECT_TRUE(is_low_order(key)) << text;
        EXPECT_EQ(x25519(pair.private_key, key).error(), Errc::bad_key);
        EXPECT_EQ(parse_djb_key(to_djb_key(key)).error(), Errc::bad_key);
        EXPECT_EQ(verify_xeddsa(key, view("m"), Bytes(64)).error(), Errc::bad_key);
    }
    EXPECT_FALSE(is_low_order(pair.public_key));
    EXPECT_EQ(parse_djb_key(to_djb_key(pair.public_key)).value(), pair.public_key);
    auto other_type = to_djb_key(pair.public_key);
    other_type[0] = 6;
    EXPECT_EQ(parse_djb_key(other_type).error(), Errc::bad_key);
    EXPECT_EQ(parse_djb_key(pair.public_key.view()).error(), Errc::bad_key);
}

TEST(Crypto, ed25519_gives_the_signature_of_rfc_8032_test_1) {
    const auto seed =
        Ed25519Seed::from(hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")).value();
    EXPECT_EQ(ed25519_public_of(seed).hex(), "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
    auto signature = sign_ed25519(seed, {});
    EXPECT_EQ(to_hex(BytesView(signature).first(16)), "e5564300c360ac729086e2cc806e828a");
    EXPECT_TRUE(verify_ed25519(ed25519_public_of(seed), {}, signature));
    signature[0] ^= 1;
    EXPECT_EQ(verify_ed25519(ed25519_public_of(seed), {}, signature).error(), Errc::bad_signature);
}

class WithSignal : public ::testing::Test {
protected:
    WithSignal() {
        signal_context_create(&context_, nullptr);
        signal_crypto_provider provider{};
        provider.random_func = [](uint8_t* data, size_t size, void*) {
            system_random().fill({data, size});
            return 0;
        };
        // The library takes a provider only whole; its curve functions use nothing but the randomness.
        provider.hmac_sha256_init_func = [](void**, const uint8_t*, size_t, void*) { return SG_ERR_INVAL; };
        provider.hmac_sha256_update_func = [](void*, const uint8_t*, size_t, void*) { return SG_ERR_INVAL; };
        provider.hmac_sha256_final_func = [](void*, signal_buffer**, void*) { return SG_ERR_INVAL; };
        provider.hmac_sha256_cleanup_func = [](void*, void*) {};
        provider.sha512_digest_init_func = [](void**, void*) { return SG_ERR_INVAL; };
        provider.sha512_digest_update_func = [](void*, const uint8_t*, size_t, void*) { return SG_ERR_INVAL; };
        provider.sha512_digest_final_func = [](void*, signal_buffer**, void*) { return SG_ERR_INVAL; };
        provider.sha512_digest_cleanup_func = [](void*, void*) {};
        provider.encrypt_func = [](signal_buffer**, int, const uint8_t*, size_t, const uint8_t*, size_t, const uint8_t*,
                                   size_t, void*) { return SG_ERR_INVAL; };
        provider.decrypt_func = provider.encrypt_func;
        EXPECT_EQ(signal_context_set_crypto_provider(context_, &provider), 0);
    }
    ~WithSignal() override { signal_context_destroy(context_); }
    signal_context* context_ = nullptr;
};

TEST_F(WithSignal, xeddsa_signatures_verify_in_both_directions) {
    SeededRandom random(2);
    for (int i = 0; i < 20; ++i) {  // half of all keys take the negated branch
        const auto pair = generate_x25519(random);
        const auto djb = to_djb_key(pair.public_key);
        ec_public_key* public_key = nullptr;
        ec_private_key* private_key = nullptr;
        ASSERT_EQ(curve_decode_point(&public_key, djb.data(), djb.size(), context_), 0);
        ASSERT_EQ(curve_decode_private_point(&private_key, pair.private_key.expose().data(), 32, context_), 0);
        const auto message = view("a message");

        auto ours = sign_xeddsa(pair.private_key, message, random);
        EXPECT_EQ(curve_verify_signature(public_key, message.data(), message.size(), ours.data(), ours.size()), 1);
        EXPECT_TRUE(verify_xeddsa(pair.public_key, message, ours));
        EXPECT_EQ(verify_xeddsa(pair.public_key, view("another"), ours).error(), Errc::bad_signature);

        signal_buffer* theirs = nullptr;
        ASSERT_EQ(curve_calculate_signature(context_, &theirs, private_key, message.data(), message.size()), 0);
        EXPECT_TRUE(verify_xeddsa(pair.public_key, message, {signal_buffer_data(theirs), signal_buffer_len(theirs)}));
        signal_buffer_free(theirs);
        SIGNAL_UNREF(public_key);
        SIGNAL_UNREF(private_key);
    }
}

TEST(Crypto, p256_signs_and_refuses_other_messages_keys_lengths_and_points) {
    const auto pair = generate_p256();
    EXPECT_EQ(*p256_public_of(pair.private_key), pair.public_key);
    const auto signature = sign_p256(pair.private_key, view("m")).value();
    EXPECT_TRUE(verify_p256(pair.public_key, view("m"), signature));
    EXPECT_EQ(verify_p256(pair.public_key, view("n"), signature).error(), Errc::bad_signature);
    EXPECT_EQ(verify_p256(generate_p256().public_key, view("m"), signature).error(), Errc::bad_signature);
    EXPECT_EQ(verify_p256(pair.public_key, view("m"), Bytes(63)).error(), Errc::bad_signature);
    EXPECT_EQ(verify_p256(pair.public_key, view("m"), Bytes(64)).error(), Errc::bad_signature);
    auto off_curve = *to_array<65>(pair.public_key.view());
    off_curve[64] ^= 1;
    EXPECT_EQ(check_p256(P256Public(off_curve)).error(), Errc::bad_key);
    EXPECT_EQ(verify_p256(P256Public(off_curve), view("m"), signature).error(), Errc::bad_key);
    EXPECT_EQ(p256_public_of(P256Private()).error(), Errc::bad_key);
}

}  // namespace
}  // namespace melder
