// Messages and bundles up to libsignal: what passes the shape check must be read by the library without harm, and what
// it refuses must leave nothing staged.

#include "proto/prekeys.pb.h"
#include "sdk/crypto/message_shape.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/sdk/crypto/session_device.hpp"

namespace melder::fuzz {

namespace {

using namespace sdk;

/// Two devices in the middle of a conversation; nothing that is fuzzed is ever committed.
struct Conversation {
    SeededRandom random{3};
    sdk::testing::Device anna{random};
    sdk::testing::Device ben{random};
    sdk::testing::Device stranger{random};
    Conversation() {
        anna.begin(ben);
        (void)ben.take(anna, anna.send(ben, "1"));
        (void)anna.take(ben, ben.send(anna, "2"));
        (void)ben.take(anna, anna.send(ben, "3"));
    }
};
Conversation& conversation() {
    static Conversation both;
    return both;
}

}  // namespace

void signal_message(BytesView input) {
    const auto [what, message] = chosen(input, 3);
    auto& both = conversation();
    const auto type = what == 0 ? InnerType::signal : InnerType::prekey;
    const bool shaped =
        what == 0 ? check_signal_message(message).has_value() : check_prekey_message(message).has_value();
    // A prekey message comes from somebody known, or from somebody new.
    const auto& from = what == 2 ? both.stranger : both.anna;
    const auto opened = both.ben.layer.decrypt(from.certified(), type, message);
    require(shaped || opened.has_error());
    if (!shaped) require(opened.error() == Errc::inner_malformed);
}

void prekey_bundle(BytesView input) {
    const auto [signs, rest] = chosen(input, 2);
    wire::PrekeyBundle bundle;
    if (!bundle.ParseFromArray(rest.data(), static_cast<int>(rest.size()))) return;
    auto& both = conversation();
    ReceivedBundle received{bundle.signed_prekey().id(),
                            to_bytes(view(bundle.signed_prekey().public_key())),
                            to_bytes(view(bundle.signed_prekey().signature())),
                            std::nullopt,
                            {}};
    if (bundle.has_one_time()) {
        received.one_time_prekey_id = bundle.one_time().id();
        received.one_time_prekey = to_bytes(view(bundle.one_time().public_key()));
    }
    if (signs == 1) {  // whatever it is, its owner signed it
        received.signed_prekey_signature =
            to_bytes(sign_xeddsa(both.stranger.store.identity.private_key, received.signed_prekey, both.random));
    }
    const auto begun = both.ben.layer.process_bundle(both.stranger.certified(), received);
    if (begun.has_error()) return;
    require(received.signed_prekey.size() == 33 && received.signed_prekey[0] == 5);
    require(
        verify_xeddsa(both.stranger.store.identity.public_key, received.signed_prekey, received.signed_prekey_signature)
            .has_value());
}

}  // namespace melder::fuzz
