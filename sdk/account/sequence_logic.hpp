#pragma once
// Order and completeness of what arrives, per stream = (sender device, conversation, lane). Decision only; one thread.
//
// Order: a message that comes before its predecessor is held back for at most 2 s or until its lane's MailboxEmpty;
// urgent ones never. Completeness: a number still missing after 60 s with an empty mailbox is reported once; numbers
// that the sender itself calls expired are reported as that. The first number seen of a stream is its beginning: a
// device that joined later was never sent the earlier ones.

#include <map>
#include <optional>
#include <vector>

#include "core/clock.hpp"
#include "core/envelope.hpp"
#include "core/limits.hpp"
#include "sdk/vault/sequence_values.hpp"

namespace melder::sdk {

struct StreamKey {
    EnrolmentId sender;
    OfficerId conversation;
    Lane lane = Lane::normal;
    friend auto operator<=>(const StreamKey&, const StreamKey&) = default;
};

class SequenceLogic {
public:
    using Token = std::uint64_t;  ///< the caller's name for a message
    struct Gap {
        StreamKey stream;
        std::uint64_t first = 0, last = 0;
        bool expired = false;
    };
    struct Output {
        std::vector<Token> release;  ///< in this order to the app
        std::vector<Gap> gaps;
    };

    /// Continues a stream from what `row` said of it: what had arrived is not waited for, what was missing still is.
    void restore(const StreamRow& row, BootTime now);
    /// What has arrived by now, held back or not; written with the commit of an arrival.
    [[nodiscard]] StreamRow row(const StreamKey& stream) const;
    /// The highest number that has arrived; what a receipt carries as `highest_seen`. 0: none yet.
    [[nodiscard]] std::uint64_t highest(const StreamKey& stream) const { return row(stream).highest; }

    /// Sequence 0 (unnumbered content) passes.
    [[nodiscard]] Output on_arrival(const StreamKey& stream, std::uint64_t sequence, Token token, BootTime now);
    /// What a receipt or heartbeat of the sender says about its own stream to us.
    [[nodiscard]] Output on_progress(const StreamKey& stream, std::uint64_t highest_sent,
                                     std::uint64_t lowest_unexpired, BootTime now);
    [[nodiscard]] Output on_mailbox_empty(Lane lane, BootTime now);
    void on_disconnected();
    [[nodiscard]] Output on_tick(BootTime now);
    [[nodiscard]] std::optional<BootTime> next_deadline() const;
    /// The app let go of, or the clock expired, a message that was held back.
    void forget(Token token);

    static constexpr std::size_t ranges_per_stream = 64;     ///< beyond: the oldest two are reported as one
    static constexpr std::size_t held_per_stream = 256;      ///< beyond: the oldest is released
    static constexpr std::size_t streams_longest = 100'000;  ///< beyond: new streams pass unordered

private:
    struct Held {
        Token token = 0;
        BootTime since;
    };
    struct Missing {
        std::uint64_t last = 0;
        BootTime since;
    };
    struct Stream {
        std::uint64_t passed = 0;  ///< everything up to it was given on, reported, or is in `missing`
        std::map<std::uint64_t, Held> held;
        std::map<std::uint64_t, Missing> missing;  ///< by first number
    };

    static void pass(Stream& stream, std::uint64_t sequence, BootTime now);
    static void release_run(Stream& stream, Output& out);
    static void release_before(Stream& stream, std::uint64_t end, BootTime now, Output& out);
    static void found(Stream& stream, std::uint64_t sequence);
    static void cut_expired(const StreamKey& key, Stream& stream, std::uint64_t lowest_unexpired, Output& out);

    std::map<StreamKey, Stream> streams_;
    std::map<Lane, BootTime> empty_since_;
};

}  // namespace melder::sdk
