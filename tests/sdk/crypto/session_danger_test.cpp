// What libsignal-protocol-c does when nobody stands before it: the reasons for the fences, shown on the bare library.
// If one of these fails with a newer library, its fence may be reconsidered.

#include <gtest/gtest.h>

#include "sdk/crypto/signal_provider.hpp"
#include "sdk/crypto/signal_stores.hpp"
#include "tests/sdk/crypto/session_device.hpp"

namespace melder::sdk::testing {
namespace {

/// Receives as the library's own examples do: whatever identity it is told to store is stored, at once.
class BareReceiver {
public:
    BareReceiver(Device& device, const CertifiedPeer& from)
        : store_(device.store),
          peer_(from),
          provider_(device.random),
          context_(make_context()),
          stage_(store_, peer_, context_.get()),
          stores_(make_store_context(stage_)),
          address_{peer_.device.chars().data(), EnrolmentId::size_bytes, 1} {
        const signal_protocol_identity_key_store lax{own_identity, own_registration_id, save, trust, nothing, this};
        signal_protocol_store_context_set_identity_key_store(stores_.get(), &lax);
    }

    int decrypt(BytesView message) {
        SignalHandle<session_cipher> cipher;
        session_cipher_create(out(cipher), stores_.get(), &address_, context_.get());
        SignalHandle<pre_key_signal_message> parsed;
        if (const int code =
                pre_key_signal_message_deserialize(out(parsed), message.data(), message.size(), context_.get());
            code != SG_SUCCESS) {
            return code;
        }
        SignalHandle<signal_buffer> plaintext;
        return session_cipher_decrypt_pre_key_signal_message(cipher.get(), parsed.get(), nullptr, out(plaintext));
    }
    int process(const ReceivedBundle& bundle) {
        const auto key_of = [this](BytesView encoded) {
            SignalHandle<ec_public_key> key;
            curve_decode_point(out(key), encoded.data(), encoded.size(), context_.get());
            return key;
        };
        const auto one_time = key_of(bundle.one_time_prekey);
        const auto signed_prekey = key_of(bundle.signed_prekey);
        const auto identity = make_public_key(peer_.identity_key, context_.get());
        SignalHandle<session_pre_key_bundle> parsed;
        session_pre_key_bundle_create(out(parsed), peer_.registration_id, 1, *bundle.one_time_prekey_id, one_time.get(),
                                      bundle.signed_prekey_id, signed_prekey.get(),
                                      bundle.signed_prekey_signature.data(), bundle.signed_prekey_signature.size(),
                                      identity.get());
        SignalHandle<session_builder> builder;
        session_builder_create(out(builder), stores_.get(), &address_, context_.get());
        return session_builder_process_pre_key_bundle(builder.get(), parsed.get());
    }
    void lose_session() { stage_.writes.session_record.reset(); }

    int identities_saved = 0;

private:
    SignalHandle<signal_context> make_context() {
        SignalHandle<signal_context> context;
        signal_context_create(out(context), nullptr);
        const auto callbacks = provider_.callbacks();
        signal_context_set_crypto_provider(context.get(), &callbacks);
        return context;
    }
    static BareReceiver& of(void* user) { return *static_cast<BareReceiver*>(user); }
    static int own_identity(signal_buffer** public_key, signal_buffer** private_key, void* user) {
        const auto& identity = of(user).store_.identity;
        const auto encoded = to_djb_key(identity.public_key);
        const auto secret = identity.private_key.expose();
        *public_key = signal_buffer_create(encoded.data(), encoded.size());
        *private_key = signal_buffer_create(secret.data(), secret.size());
        return SG_SUCCESS;
    }
    static int own_registration_id(void* user, std::uint32_t* id) {
        *id = of(user).store_.registration_id;
        return SG_SUCCESS;
    }
    static int save(const signal_protocol_address*, std::uint8_t*, std::size_t, void* user) {
        ++of(user).identities_saved;
        return SG_SUCCESS;
    }
    static int trust(const signal_protocol_address*, std::uint8_t*, std::size_t, void*) { return 1; }
    static void nothing(void*) {}

    MemorySessionStore& store_;
    CertifiedPeer peer_;
    SignalProvider provider_;
    SignalHandle<signal_context> context_;
    SignalStage stage_;
    SignalHandle<signal_protocol_store_context> stores_;
    signal_protocol_address address_;
};

struct BareLibrary : ::testing::Test {
    Device anna{system_random()};
    Device ben{system_random()};
};

TEST_F(BareLibrary, stores_the_identity_of_a_forged_first_message_that_the_layer_stages_only_after_decrypting) {
    anna.begin(ben);
    auto forged = anna.send(ben, "Text");
    // The MAC of the message inside stands just before the two numbers at the end.
    const auto shape = check_prekey_message(forged.message).value();
    const auto mac_end = shape.signal_message.data() + shape.signal_message.size() - forged.message.data();
    forged.message[static_cast<std::size_t>(mac_end) - 1] ^= 1;

    BareReceiver bare(ben, anna.certified());
    EXPECT_NE(bare.decrypt(forged.message), SG_SUCCESS);
    EXPECT_EQ(bare.identities_saved, 1) << "the danger is gone";

    EXPECT_EQ(ben.open(anna, forged).error().code(), Errc::undecryptable);
    EXPECT_TRUE(ben.store.identities.empty());
    EXPECT_TRUE(ben.store.sessions.empty());
    EXPECT_EQ(ben.store.one_time.size(), 1u);
}

TEST_F(BareLibrary, makes_a_session_with_an_all_zero_secret_that_the_layer_refuses) {
    auto bundle = ben.bundle();
    std::fill(bundle.one_time_prekey.begin() + 1, bundle.one_time_prekey.end(), Byte{0});
    EXPECT_EQ(BareReceiver(anna, ben.certified()).process(bundle), SG_SUCCESS) << "the danger is gone";
    EXPECT_EQ(anna.layer.process_bundle(ben.certified(), bundle).error().code(), Errc::bad_key);
}

TEST_F(BareLibrary, opens_a_replayed_first_message_again_that_the_layer_refuses) {
    anna.begin(ben, false);
    const auto first = anna.send(ben, "Text");
    BareReceiver bare(ben, anna.certified());
    EXPECT_EQ(bare.decrypt(first.message), SG_SUCCESS);
    bare.lose_session();
    EXPECT_EQ(bare.decrypt(first.message), SG_SUCCESS) << "the danger is gone";

    ben.store.commit(std::move(ben.open(anna, first).value().writes));
    ben.store.sessions.clear();
    EXPECT_EQ(ben.open(anna, first).error().code(), Errc::replayed);
}

}  // namespace
}  // namespace melder::sdk::testing
