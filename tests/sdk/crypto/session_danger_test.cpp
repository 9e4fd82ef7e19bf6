// What libsignal-protocol-c does when nobody stands before it: the reasons for the fences, shown on the bare library.
// If one of these fails with a newer library, its fence may be reconsidered.

#include <gtest/gtest.h>

#include <csignal>

#include "core/limits.hpp"
#include "tests/sdk/crypto/bare_library.hpp"

namespace melder::sdk::testing {
namespace {

struct Bare : ::testing::Test {
    Device anna{system_random()};
    Device ben{system_random()};

    /// Changes the last byte of the MAC; in a first message it stands just before the two numbers at the end.
    static Device::Sent forged(Device::Sent sent) {
        auto at = sent.message.size();
        if (sent.type == InnerType::prekey) {
            const auto inner = check_prekey_message(sent.message).value().signal_message;
            at = static_cast<std::size_t>(inner.data() + inner.size() - sent.message.data());
        }
        sent.message[at - 1] ^= 1;
        return sent;
    }
};

using BareDeathTest = Bare;

/// So that a sanitizer does not turn the signal into a report.
void die_by_the_signal() {
    for (const int number : {SIGSEGV, SIGABRT, SIGBUS})
        std::signal(number, SIG_DFL);
}

TEST_F(BareDeathTest, the_library_dies_of_a_bundle_with_an_empty_signature_that_the_layer_refuses) {
    auto bundle = ben.bundle();
    bundle.signed_prekey_signature.clear();
    EXPECT_EXIT(
        {
            die_by_the_signal();
            static_cast<void>(BareLibrary(anna, ben.certified()).process(bundle));
            std::_Exit(0);
        },
        ::testing::KilledBySignal(SIGSEGV), "")
        << "the danger is gone";
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_signature);
}

TEST_F(Bare, stores_the_identity_of_a_forged_first_message_that_the_layer_stages_only_after_decrypting) {
    anna.begin(ben);
    const auto first = forged(anna.send(ben, "Text"));
    BareLibrary bare(ben, anna.certified());
    EXPECT_NE(bare.decrypt(first), SG_SUCCESS);
    EXPECT_EQ(bare.identities_saved, 1) << "the danger is gone";

    EXPECT_EQ(ben.open(anna, first).error().code(), Errc::undecryptable);
    EXPECT_TRUE(ben.store.identities.empty());
    EXPECT_TRUE(ben.store.sessions.empty());
    EXPECT_EQ(ben.store.one_time.size(), 1u);
}

TEST_F(Bare, takes_a_first_message_with_any_registration_id_that_the_layer_compares_with_the_credential) {
    anna.begin(ben);
    const auto first = anna.send(ben, "Text");
    auto certified = anna.certified();
    ++certified.registration_id;
    EXPECT_EQ(BareLibrary(ben, certified).decrypt(first), SG_SUCCESS) << "the danger is gone";
    const auto opened = ben.layer.decrypt(certified, first.type, first.message);
    ASSERT_TRUE(opened.has_error());
    EXPECT_EQ(opened.error().code(), Errc::identity_changed);
    EXPECT_TRUE(ben.open(anna, first).has_value());
}

TEST_F(Bare, makes_a_session_with_an_all_zero_secret_that_the_layer_refuses) {
    auto bundle = ben.bundle();
    std::fill(bundle.one_time_prekey.begin() + 1, bundle.one_time_prekey.end(), Byte{0});
    EXPECT_EQ(BareLibrary(anna, ben.certified()).process(bundle), SG_SUCCESS) << "the danger is gone";
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_key);
}

TEST_F(Bare, opens_a_replayed_first_message_again_that_the_layer_refuses) {
    anna.begin(ben, false);
    const auto first = anna.send(ben, "Text");
    BareLibrary bare(ben, anna.certified());
    EXPECT_EQ(bare.decrypt(first), SG_SUCCESS);
    bare.record.reset();
    EXPECT_EQ(bare.decrypt(first), SG_SUCCESS) << "the danger is gone";

    ben.store.commit(std::move(ben.open(anna, first).value().writes));
    ben.store.sessions.clear();
    EXPECT_EQ(ben.open(anna, first).error().code(), Errc::replayed);
}

TEST_F(Bare, logs_the_peers_name_where_the_layer_is_silent) {
    anna.begin(ben);
    ben.take(anna, anna.send(ben, "1"));
    const auto reply = ben.send(anna, "2");
    BareLibrary bare(anna, ben.certified());
    EXPECT_EQ(bare.decrypt(reply), SG_ERR_NO_SESSION);
    EXPECT_NE(bare.log.find(ben.id.hex()), std::string::npos) << "the danger is gone";

    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    EXPECT_TRUE(anna.open(ben, forged(reply)).has_error());
    EXPECT_TRUE(anna.open(ben, reply).has_value());
    auto far = forged(reply);
    EXPECT_TRUE(ben.layer.decrypt(anna.certified(), InnerType::signal, far.message).has_error());
    anna.store.sessions.clear();
    EXPECT_TRUE(anna.open(ben, reply).has_error());
    EXPECT_EQ(::testing::internal::GetCapturedStdout() + ::testing::internal::GetCapturedStderr(), "");
}

TEST_F(Bare, keeps_every_former_session_where_the_layer_keeps_four) {
    constexpr int sessions = 8;
    BareLibrary bare(ben, anna.certified());
    Device::Sent of_the_oldest_kept;
    for (int round = 0; round < sessions; ++round) {
        anna.begin(ben, false);
        const auto first = anna.send(ben, "neu");
        EXPECT_EQ(bare.decrypt(first), SG_SUCCESS);
        ben.take(anna, first);
        if (round == sessions - 1 - static_cast<int>(limits::archived_states))
            of_the_oldest_kept = anna.send(ben, "spät");
    }
    EXPECT_EQ(SessionRecordView::parse(*bare.record)->archived_states(), sessions - 1u) << "the danger is gone";
    const auto kept = KeptRecord::split(ben.store.sessions.at(anna.id).expose()).value();
    EXPECT_EQ(SessionRecordView::parse(kept.record.expose())->archived_states(), limits::archived_states);
    EXPECT_EQ(as_chars(ben.take(anna, of_the_oldest_kept).expose()), "spät") << "the newest ones are kept";
}

TEST_F(Bare, a_gap_of_2001_jams_the_library_for_good_where_the_layer_says_so_and_a_new_session_goes_on) {
    anna.begin(ben);
    const auto first = anna.send(ben, "1");
    BareLibrary bare(ben, anna.certified());
    EXPECT_EQ(bare.decrypt(first), SG_SUCCESS);
    ben.take(anna, first);
    anna.take(ben, ben.send(anna, "2"));
    ben.take(anna, anna.send(ben, "3"));
    for (std::uint32_t skipped = 0; skipped < limits::counter_jump; ++skipped)
        static_cast<void>(anna.send(ben, "x"));
    const auto farthest = anna.send(ben, "4");
    ASSERT_TRUE(ben.open(anna, farthest).has_value()) << "as far as the library follows";
    for (int later = 0; later < 2; ++later) {
        const auto sent = anna.send(ben, "weit");
        const auto opened = ben.open(anna, sent);
        ASSERT_TRUE(opened.has_error());
        EXPECT_EQ(opened.error().code(), Errc::gap_too_large);
    }
    anna.begin(ben, false);
    EXPECT_EQ(as_chars(ben.take(anna, anna.send(ben, "wieder")).expose()), "wieder");
}

TEST_F(Bare, calls_a_message_beyond_2000_skipped_ones_merely_invalid) {
    anna.begin(ben);
    BareLibrary bare(ben, anna.certified());
    EXPECT_EQ(bare.decrypt(anna.send(ben, "1")), SG_SUCCESS);
    for (std::uint32_t skipped = 0; skipped <= limits::counter_jump; ++skipped)
        static_cast<void>(anna.send(ben, "x"));
    for (int later = 0; later < 2; ++later)
        EXPECT_EQ(bare.decrypt(anna.send(ben, "weit")), SG_ERR_INVALID_MESSAGE) << "the danger is gone";
}

TEST_F(Bare, keeps_10000_skipped_keys_where_the_layer_keeps_the_newest_2000) {
    constexpr int turns = 5;
    Device carla{system_random()};
    anna.begin(ben, false);
    carla.begin(ben, false);
    BareLibrary bare(ben, anna.certified());
    Device::Sent oldest_skipped;
    Device::Sent newest_skipped;
    for (int turn = 0; turn < turns; ++turn) {
        for (std::uint32_t skipped = 0; skipped < limits::counter_jump; ++skipped) {
            static_cast<void>(anna.send(ben, "x"));
            newest_skipped = carla.send(ben, "x");
            if (turn == 0 && skipped == 0) oldest_skipped = newest_skipped;
        }
        ASSERT_EQ(bare.decrypt(anna.send(ben, "an")), SG_SUCCESS);
        anna.take(ben, bare.send("zurück"));
        ben.take(carla, carla.send(ben, "an"));
        carla.take(ben, ben.send(carla, "zurück"));
    }
    EXPECT_GT(bare.record->size(), 800'000u) << "the danger is gone";
    const auto& kept = ben.store.sessions.at(carla.id);
    const auto split = KeptRecord::split(kept.expose()).value();
    EXPECT_EQ(SessionRecordView::parse(split.record.expose())->skipped_keys(), limits::skipped_keys);
    EXPECT_LT(kept.size(), 200'000u);
    EXPECT_EQ(ben.open(carla, oldest_skipped).error().code(), Errc::replayed) << "the oldest go first";
    EXPECT_TRUE(ben.open(carla, newest_skipped).has_value());
}

}  // namespace
}  // namespace melder::sdk::testing
