#pragma once
// The events an app has not let go of, and what that means for the link: `Received` is sent for an envelope only while
// fewer than 64 events / 1 MiB are unread, so a slow app stops the server and not the memory. Decision only; one
// thread.

#include <deque>
#include <optional>

#include "core/envelope.hpp"
#include "core/limits.hpp"
#include "melder/message.hpp"

namespace melder::sdk {

/// An envelope as link and mailbox name it.
struct EnvelopeKey {
    Lane lane = Lane::normal;
    EnvelopeId id;
    friend auto operator<=>(const EnvelopeKey&, const EnvelopeKey&) = default;
};

class EventQueue {
public:
    struct Entry {
        Event event;
        std::size_t bytes = 0;
        std::optional<EnvelopeKey> envelope;  ///< what an acknowledgement answers; none: a notice
        std::optional<UnixTime> expires_at;
        std::optional<EnvelopeId> loss;  ///< the loss whose row an acknowledgement erases
    };

    /// Takes an event at the end. A change of connection replaces an unread one before it: only the last one is true.
    /// Of notices that a peer can cause at most `peer_notices` are kept, the oldest goes.
    EventId push(decltype(Event::what) what, std::size_t bytes, std::optional<EnvelopeKey> envelope,
                 std::optional<UnixTime> expires_at = std::nullopt, std::optional<EnvelopeId> loss = std::nullopt);

    /// The next event the reader has not seen; nullptr if there is none. Reading it makes room.
    [[nodiscard]] const Event* take_next();
    /// The reader begins again with the oldest event.
    void restart() noexcept { read_ = 0; }
    /// Removes the event; nothing if it is not here (acknowledged before).
    [[nodiscard]] std::optional<Entry> remove(EventId id);
    [[nodiscard]] const Entry* find(EventId id) const;
    /// Drops what has expired, whether it was read or not, and returns the envelopes concerned.
    [[nodiscard]] std::vector<EnvelopeKey> remove_expired(UnixTime now);
    /// When that is to be done next.
    [[nodiscard]] std::optional<UnixTime> next_expiry() const;
    void clear();

    /// Envelopes for which `Received` may be sent now, each once. Those beyond the limit wait until the app has read.
    [[nodiscard]] std::vector<EnvelopeKey> take_received();
    /// An envelope that became no event (refused, duplicate, receipt): its credit is due at once all the same, in its
    /// turn.
    void owe_received(EnvelopeKey envelope) { owed_.push_back(envelope); }
    /// The connection ended; what it was owed is void.
    void forget_owed() { owed_.clear(); }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] std::size_t unread() const noexcept { return entries_.size() - read_; }
    [[nodiscard]] bool holds(const EnvelopeId& id) const;

    static constexpr std::size_t peer_notices = 256;

private:
    void erase_at(std::size_t index);
    void bound_notices(std::size_t kind);

    std::deque<Entry> entries_;
    std::size_t read_ = 0;  ///< entries before it were read
    std::deque<EnvelopeKey> owed_;
    std::uint64_t next_id_ = 1;
};

}  // namespace melder::sdk
