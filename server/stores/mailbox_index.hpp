#pragma once
// Ids and quota of one device's mailbox, as every implementation keeps them in memory: the rules of §9, without I/O.

#include <map>
#include <unordered_map>

#include "server/stores/mailbox_store.hpp"

namespace melder::server {

struct IndexEntry {
    Lane lane = Lane::normal;
    EntryState state = EntryState::fresh;
    std::uint64_t sequence = 0;
    Hash hash;
    UnixTime expires_at;
    UnixTime stored_at;
    std::uint32_t bytes = 0;
    std::uint64_t body = 0;  ///< number of a body that this process wrote; 0: another did
};

class MailboxIndex {
public:
    struct Verdict {
        PutOutcome outcome = PutOutcome::stored;
        std::uint64_t sequence = 0;
        std::vector<std::pair<EnvelopeId, IndexEntry>> dropped;  ///< oldest of the receipt lane, made room
    };
    /// Judges a put and, if it is `stored`, enters it.
    [[nodiscard]] Verdict put(const PutItem& item, UnixTime now);
    void load(const EnvelopeId& id, const IndexEntry& entry);
    void set_body(const EnvelopeId& id, std::uint64_t body) { entries_.at(id).body = body; }
    void load_marker(Lane lane, std::uint64_t sequence);
    [[nodiscard]] const IndexEntry* find(const EnvelopeId& id, Lane lane) const;
    bool erase(const EnvelopeId& id);
    void erase_marker(Lane lane, std::uint64_t sequence);
    /// Moves aside; what falls out of the aside quota, oldest first, is returned and gone.
    std::vector<std::pair<EnvelopeId, IndexEntry>> move_aside(const EnvelopeId& id);
    /// Back from aside, above the lane's quota if need be; false if it is not aside.
    bool release(const EnvelopeId& id);
    [[nodiscard]] MailboxSummary summary() const;
    [[nodiscard]] const std::unordered_map<EnvelopeId, IndexEntry>& entries() const noexcept { return entries_; }
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    void raise_sequence(std::uint64_t floor) { last_sequence_ = std::max(last_sequence_, floor); }

private:
    struct Usage {
        std::map<std::uint64_t, EnvelopeId> fresh;  ///< by sequence
        std::size_t fresh_bytes = 0;
        std::uint32_t markers = 0;
        std::uint32_t aside_dropped = 0;
    };
    void expire(Usage& usage, UnixTime now);
    Usage& usage(Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }
    void leave(const EnvelopeId& id, const IndexEntry& entry);

    std::unordered_map<EnvelopeId, IndexEntry> entries_;
    std::array<Usage, lane_count> lanes_;
    std::map<std::uint64_t, EnvelopeId> aside_;  ///< of all lanes: the quota is a device's
    std::size_t aside_bytes_ = 0;
    std::uint64_t last_sequence_ = 0;
};

}  // namespace melder::server
