#pragma once
// An account's key material in memory, for tests of the session layer and for the interop speaker.

#include <map>
#include <set>

#include "sdk/crypto/session_layer.hpp"

namespace melder::sdk::testing {

class MemorySessionStore final : public SessionStore {
public:
    explicit MemorySessionStore(Random& random) : identity(generate_x25519(random)) {}

    /// What a vault would do in one transaction.
    void commit(StagedWrites writes) {
        if (writes.session_record) sessions[writes.peer] = std::move(*writes.session_record);
        if (writes.trusted_identity) identities[writes.peer] = *writes.trusted_identity;
        if (writes.removed_one_time_prekey) one_time.erase(*writes.removed_one_time_prekey);
        if (writes.remembered_base_key) {
            base_keys.insert({writes.remembered_base_key->signed_prekey_id, writes.remembered_base_key->key});
        }
    }

    Result<UnixTime> now() override { return time; }
    Result<X25519KeyPair> load_identity() override { return copy(identity); }
    Result<std::uint32_t> load_registration_id() override { return registration_id; }
    Result<std::optional<SecretBuffer>> load_session(const EnrolmentId& peer) override {
        const auto found = sessions.find(peer);
        if (found == sessions.end()) return std::optional<SecretBuffer>();
        return std::optional(found->second.clone());
    }
    Result<std::optional<X25519Public>> load_trusted_identity(const EnrolmentId& peer) override {
        const auto found = identities.find(peer);
        return found == identities.end() ? std::nullopt : std::optional(found->second);
    }
    Result<std::optional<X25519KeyPair>> load_one_time_prekey(std::uint32_t id) override {
        const auto found = one_time.find(id);
        if (found == one_time.end()) return std::optional<X25519KeyPair>();
        return std::optional(copy(found->second));
    }
    Result<std::optional<SignedPrekeyPair>> load_signed_prekey(std::uint32_t id) override {
        const auto found = signed_prekeys.find(id);
        if (found == signed_prekeys.end()) return std::optional<SignedPrekeyPair>();
        return std::optional(
            SignedPrekeyPair{copy(found->second.keys), found->second.signature, found->second.created_ms});
    }
    Result<bool> knows_base_key(std::uint32_t signed_prekey_id, const X25519Public& key) override {
        return base_keys.contains({signed_prekey_id, key});
    }

    [[nodiscard]] static X25519KeyPair copy(const X25519KeyPair& keys) {
        return {keys.public_key, keys.private_key.clone()};
    }

    X25519KeyPair identity;
    std::uint32_t registration_id = 77;
    UnixTime time{1'800'000'000'000};
    std::map<EnrolmentId, SecretBuffer> sessions;
    std::map<EnrolmentId, X25519Public> identities;
    std::map<std::uint32_t, X25519KeyPair> one_time;
    std::map<std::uint32_t, SignedPrekeyPair> signed_prekeys;
    std::set<std::pair<std::uint32_t, X25519Public>> base_keys;
};

}  // namespace melder::sdk::testing
