#include "sdk/crypto/session_layer.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "tests/sdk/crypto/session_device.hpp"
#include "tests/sdk/vault/memory_search.hpp"

namespace melder::sdk::testing {
namespace {

/// A device that says what went wrong.
struct TestDevice : Device {
    using Device::Device;
    void expect(const Device& peer, const Sent& sent, std::string_view text) {
        auto opened = open(peer, sent);
        ASSERT_TRUE(opened.has_value()) << opened.error().message();
        EXPECT_EQ(as_chars(opened->plaintext.expose()), text);
        store.commit(std::move(opened->writes));
    }
};

class Session : public ::testing::Test {
protected:
    static void expect_error(const Result<DecryptedInner>& result, Errc code) {
        ASSERT_TRUE(result.has_error());
        EXPECT_EQ(result.error().code(), code) << result.error().message();
    }
    Random& random = system_random();
    TestDevice anna{random};
    TestDevice ben{random};
};

TEST_F(Session, two_devices_talk_in_both_directions) {
    anna.begin(ben);
    const auto first = anna.send(ben, "Lage?");
    EXPECT_EQ(first.type, InnerType::prekey);
    ben.expect(anna, first, "Lage?");
    const auto reply = ben.send(anna, "ruhig");
    EXPECT_EQ(reply.type, InnerType::signal);
    anna.expect(ben, reply, "ruhig");
    ben.expect(anna, anna.send(ben, "gut"), "gut");
}

TEST_F(Session, messages_open_in_any_order_and_each_once) {
    anna.begin(ben);
    const auto one = anna.send(ben, "1");
    const auto two = anna.send(ben, "2");
    const auto three = anna.send(ben, "3");
    ben.expect(anna, three, "3");
    ben.expect(anna, one, "1");
    ben.expect(anna, two, "2");
    expect_error(ben.open(anna, two), Errc::replayed);
}

TEST_F(Session, an_operation_whose_writes_are_dropped_never_happened) {
    anna.begin(ben);
    const auto first = anna.send(ben, "1");
    ASSERT_TRUE(ben.open(anna, first).has_value());
    EXPECT_TRUE(ben.store.sessions.empty());
    EXPECT_TRUE(ben.store.identities.empty());
    EXPECT_TRUE(ben.store.one_time.contains(one_time_id));
    ben.expect(anna, first, "1");
    EXPECT_FALSE(ben.store.one_time.contains(one_time_id)) << "the one-time prekey leaves in the same commit";
}

TEST_F(Session, a_message_opens_again_from_its_pending_row_and_not_through_the_ratchet) {
    anna.begin(ben);
    const auto first = anna.send(ben, "einmal");
    auto opened = ben.open(anna, first).value();
    ben.store.commit(std::move(opened.writes));
    const auto again = open_from_pending_row(opened.message_key, first.type, first.message);
    ASSERT_TRUE(again.has_value()) << again.error().message();
    EXPECT_EQ(as_chars(again->expose()), "einmal");
}

TEST_F(Session, a_row_of_another_message_opens_nothing) {
    anna.begin(ben);
    const auto first = anna.send(ben, "1");
    const auto second = anna.send(ben, "2");
    auto opened = ben.open(anna, first).value();
    const auto wrong = open_from_pending_row(opened.message_key, second.type, second.message);
    EXPECT_TRUE(wrong.has_error() || as_chars(wrong->expose()) != "2");
}

TEST_F(Session, a_bundle_without_a_64_byte_signature_or_with_odd_keys_never_reaches_the_library) {
    auto bundle = ben.bundle();
    bundle.signed_prekey_signature.clear();
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_signature);
    bundle = ben.bundle();
    bundle.signed_prekey.pop_back();
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_key);
    bundle = ben.bundle();
    bundle.one_time_prekey[0] = 6;
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_key);
    bundle = ben.bundle();
    std::fill(bundle.one_time_prekey.begin() + 1, bundle.one_time_prekey.end(), Byte{0});
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_key) << "a low-order point";
}

TEST_F(Session, a_bundle_signed_by_somebody_else_is_refused) {
    auto bundle = ben.bundle();
    bundle.signed_prekey_signature[10] ^= 1;
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_signature);
    const auto own = anna.layer.process_bundle(ben.certified(), anna.bundle());
    EXPECT_EQ(own.error().code(), Errc::bad_signature) << "a swapped bundle";
}

TEST_F(Session, a_message_of_another_identity_than_the_certified_one_stores_nothing) {
    Device mallory{random};
    mallory.begin(ben);
    const auto forged = mallory.send(ben, "ich bin Anna");
    auto result = ben.layer.decrypt(anna.certified(), forged.type, forged.message);
    expect_error(result, Errc::identity_changed);
    EXPECT_TRUE(ben.store.identities.empty());
}

TEST_F(Session, an_identity_once_certified_never_changes_for_the_same_device) {
    anna.begin(ben);
    const auto other = generate_x25519(random);
    const CertifiedPeer swapped{ben.id, other.public_key, 77};
    EXPECT_EQ(anna.layer.encrypt(swapped, view("x")).error().code(), Errc::identity_changed);
    EXPECT_EQ(anna.layer.process_bundle(swapped, ben.bundle()).error().code(), Errc::identity_changed);
}

TEST_F(Session, a_message_with_any_bit_of_its_ciphertext_or_mac_changed_changes_nothing) {
    anna.begin(ben);
    ben.expect(anna, anna.send(ben, "1"), "1");
    anna.expect(ben, ben.send(anna, "2"), "2");
    const auto good = anna.send(ben, "Text");
    ASSERT_EQ(good.type, InnerType::signal);
    const auto before = to_bytes(ben.store.sessions.at(anna.id).expose());
    const auto ciphertext = check_signal_message(good.message).value().ciphertext;
    const auto start = static_cast<std::size_t>(ciphertext.data() - good.message.data());
    for (auto at = start; at < good.message.size(); ++at) {
        auto bad = good;
        bad.message[at] ^= 1;
        expect_error(ben.open(anna, bad), Errc::undecryptable);
    }
    EXPECT_TRUE(equal(ben.store.sessions.at(anna.id).expose(), before));
    ben.expect(anna, good, "Text");
}

TEST_F(Session, a_first_message_without_one_time_prekey_creates_a_session_once) {
    anna.begin(ben, false);
    const auto first = anna.send(ben, "1");
    ben.expect(anna, first, "1");
    expect_error(ben.open(anna, first), Errc::replayed);
    // Even when the session it made is gone, its base key is remembered.
    ben.store.sessions.clear();
    expect_error(ben.open(anna, first), Errc::replayed);
}

TEST_F(Session, a_second_first_message_of_the_same_session_is_no_replay) {
    anna.begin(ben, false);
    ben.expect(anna, anna.send(ben, "1"), "1");
    ben.expect(anna, anna.send(ben, "2"), "2");
}

TEST_F(Session, a_message_to_a_prekey_that_is_gone_says_so) {
    anna.begin(ben);
    const auto first = anna.send(ben, "1");
    ben.store.one_time.clear();
    expect_error(ben.open(anna, first), Errc::unknown_prekey);
}

TEST_F(Session, without_a_session_nothing_is_encrypted_or_decrypted) {
    EXPECT_EQ(anna.layer.encrypt(ben.certified(), view("x")).error().code(), Errc::no_session);
    anna.begin(ben);
    ben.expect(anna, anna.send(ben, "1"), "1");
    const auto reply = ben.send(anna, "2");
    anna.store.sessions.clear();
    expect_error(anna.open(ben, reply), Errc::no_session);
}

TEST_F(Session, plaintext_is_gone_from_memory_once_it_was_let_go) {
    anna.begin(ben);
    ben.expect(anna, anna.send(ben, "1"), "1");
    EncryptedInner sent;
    Inverted pattern;
    {
        const auto text = random.secret<Secret<32>>();
        pattern = inverted(text.expose());
        sent = anna.layer.encrypt(ben.certified(), text.expose()).value();
        EXPECT_GE(occurrences(pattern), 1) << "the search finds nothing even while it is there";
    }
    EXPECT_EQ(occurrences(pattern), 0) << "encrypting leaves a copy";
    {
        const auto opened = ben.layer.decrypt(anna.certified(), sent.type, sent.message).value();
        EXPECT_GE(occurrences(pattern), 1);
    }
    EXPECT_EQ(occurrences(pattern), 0) << "decrypting leaves a copy";
}

}  // namespace
}  // namespace melder::sdk::testing
