#pragma once
// libsignal's store callbacks over a SessionStore: reads come from the store or from what this operation staged, writes
// are staged only. An identity is never stored because a message carries it: it must be the certified one.

#include "sdk/crypto/session_layer.hpp"
#include "sdk/crypto/session_record.hpp"
#include "sdk/crypto/signal_handles.hpp"

namespace melder::sdk {

/// One operation's view of the account.
struct SignalStage {
    SignalStage(SessionStore& from, const CertifiedPeer& with, signal_context* on)
        : store(from), peer(with), context(on) {
        writes.peer = with.device;
    }
    SessionStore& store;
    const CertifiedPeer& peer;
    signal_context* context;
    StagedWrites writes;           ///< without the record, until finish_record()
    std::optional<Error> failure;  ///< what the store answered, or a fence; libsignal only sees that something failed

    /// The library's record: as staged, else as stored (read once). Null if there is none.
    [[nodiscard]] Result<const SecretBuffer*> session();
    void stage_session(BytesView record) { staged_.emplace(record); }
    /// Moves a staged record into `writes`, pruned, with its marks.
    [[nodiscard]] Result<void> finish_record(const std::optional<SkippedNow>& skipped);

private:
    std::optional<KeptRecord> stored_;
    bool looked_ = false;
    std::optional<SecretBuffer> staged_;
};

/// Callbacks bound to `stage`, which outlives the context. Null if libsignal has no memory.
[[nodiscard]] SignalHandle<signal_protocol_store_context> make_store_context(SignalStage& stage);

/// Null if libsignal has no memory or refuses.
[[nodiscard]] SignalHandle<ec_public_key> make_public_key(const X25519Public& key, signal_context* context);
[[nodiscard]] SignalHandle<ec_key_pair> make_key_pair(const X25519KeyPair& keys, signal_context* context);

}  // namespace melder::sdk
