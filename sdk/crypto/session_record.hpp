#pragma once
// A session record of libsignal-protocol-c 2.3.3 (its LocalStorageProtocol.proto), read and pruned without the library:
// reading costs no second parse of the whole record, and the library has no call that removes a skipped key unused.
//
// What rests in the vault is the library's record followed by our own marks (field 100), which say since when skipped
// keys lie there. The library never sees the marks. Pure; views only; `vault_unreadable` for anything malformed.

#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/crypto.hpp"

namespace melder::sdk {

class SessionRecordView {
public:
    /// `record` outlives the view.
    [[nodiscard]] static Result<SessionRecordView> parse(BytesView record);
    /// The counter that comes next in the receiving chain of this ratchet key; 0 for a chain that is not there yet.
    [[nodiscard]] std::uint32_t next_counter(const X25519Public& ratchet_key) const;
    /// Whether a state, present or archived, began with this base key of the side that wrote first.
    [[nodiscard]] bool has_base_key(const X25519Public& key) const;
    [[nodiscard]] std::size_t archived_states() const;
    [[nodiscard]] std::size_t skipped_keys() const;

    struct Chain {
        BytesView encoded;
        BytesView ratchet_key;  ///< 33 bytes
        std::uint32_t next = 0;
        std::size_t skipped = 0;
    };
    struct State {
        bool archived = false;
        BytesView encoded;
        BytesView base_key;
        std::vector<Chain> receiving;  ///< oldest first
    };
    [[nodiscard]] const std::vector<State>& states() const { return states_; }

private:
    std::vector<State> states_;  ///< the present one, then archived ones, newest first
};

/// All skipped keys of this chain below a counter were there on that day already.
struct SkippedMark {
    ByteArray<8> chain{};  ///< the first bytes of its ratchet key
    std::uint32_t below = 0;
    std::uint32_t day = 0;  ///< since 1970
};

struct KeptRecord {
    SecretBuffer record;  ///< the library's
    std::vector<SkippedMark> marks;
    [[nodiscard]] static Result<KeptRecord> split(BytesView kept);
};

/// A message that arrived ahead of its chain: keys below `counter` were skipped just now.
struct SkippedNow {
    X25519Public ratchet_key;
    std::uint32_t counter = 0;
};

/// The record as it shall rest: the newest limits::archived_states archived states; skipped keys no older than
/// limits::skipped_keys_longest and no more than limits::skipped_keys in all, of which the oldest go first. While the
/// time is not known (the day of 1970) nothing is marked and nothing ages.
[[nodiscard]] Result<SecretBuffer> keep_record(KeptRecord kept, const std::optional<SkippedNow>& skipped, UnixTime now);

}  // namespace melder::sdk
