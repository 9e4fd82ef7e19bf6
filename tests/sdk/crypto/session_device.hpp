#pragma once
// A device with a store in memory, an identity and prekeys: what tests and benchmarks of sessions start from.

#include "sdk/crypto/message_shape.hpp"
#include "tests/sdk/crypto/memory_session_store.hpp"

namespace melder::sdk::testing {

inline constexpr std::uint32_t signed_prekey_id = 5;
inline constexpr std::uint32_t one_time_id = 9;

struct Device {
    explicit Device(Random& source)
        : random(source), id(source.id<EnrolmentId>()), store(source), layer(store, source) {
        SignedPrekeyPair signed_prekey{generate_x25519(random), {}, 0};
        signed_prekey.signature =
            sign_xeddsa(store.identity.private_key, to_djb_key(signed_prekey.keys.public_key), random);
        store.signed_prekeys.emplace(signed_prekey_id, std::move(signed_prekey));
        store.one_time.emplace(one_time_id, generate_x25519(random));
    }
    [[nodiscard]] CertifiedPeer certified() const { return {id, store.identity.public_key, store.registration_id}; }
    [[nodiscard]] ReceivedBundle bundle(bool with_one_time = true) const {
        const auto& signed_prekey = store.signed_prekeys.at(signed_prekey_id);
        const auto key = to_djb_key(signed_prekey.keys.public_key);
        ReceivedBundle out{signed_prekey_id, to_bytes(key), to_bytes(signed_prekey.signature), std::nullopt, {}};
        if (with_one_time) {
            out.one_time_prekey_id = one_time_id;
            out.one_time_prekey = to_bytes(to_djb_key(store.one_time.at(one_time_id).public_key));
        }
        return out;
    }
    void begin(const Device& peer, bool with_one_time = true) {
        store.commit(layer.process_bundle(peer.certified(), peer.bundle(with_one_time)).value());
    }
    struct Sent {
        InnerType type = InnerType::signal;
        Bytes message;
    };
    [[nodiscard]] Sent send(const Device& peer, std::string_view text) {
        auto sent = layer.encrypt(peer.certified(), view(text)).value();
        store.commit(std::move(sent.writes));
        return {sent.type, std::move(sent.message)};
    }
    [[nodiscard]] Result<DecryptedInner> open(const Device& peer, const Sent& sent) {
        return layer.decrypt(peer.certified(), sent.type, sent.message);
    }
    /// Opens and commits; throws if it does not open.
    SecretBuffer take(const Device& peer, const Sent& sent) {
        auto opened = open(peer, sent).value();
        store.commit(std::move(opened.writes));
        return std::move(opened.plaintext);
    }

    Random& random;
    EnrolmentId id;
    MemorySessionStore store;
    SessionLayer layer;
};

}  // namespace melder::sdk::testing
