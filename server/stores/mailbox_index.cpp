#include "server/stores/mailbox_index.hpp"

namespace melder::server {

MailboxIndex::Verdict MailboxIndex::put(const PutItem& item, UnixTime now) {
    if (const auto known = entries_.find(item.id); known != entries_.end()) {
        const bool same = known->second.hash == item.hash && known->second.lane == item.lane;
        return {same ? PutOutcome::duplicate : PutOutcome::conflict, known->second.sequence, {}};
    }
    auto& lane = usage(item.lane);
    const auto bytes = static_cast<std::uint32_t>(item.header.size() + item.body->encoded.size());
    const auto full = [&] {
        return lane.fresh.size() >= limits::lane_envelopes || lane.fresh_bytes + bytes > limits::lane_bytes;
    };
    Verdict verdict;
    if (full()) expire(lane, now);
    while (full() && item.lane == Lane::receipt && !lane.fresh.empty()) {
        const EnvelopeId oldest = lane.fresh.begin()->second;
        verdict.dropped.emplace_back(oldest, entries_.at(oldest));
        erase(oldest);
    }
    if (full()) return {PutOutcome::quota, 0, {}};
    verdict.sequence = ++last_sequence_;
    load(item.id, {item.lane, EntryState::fresh, verdict.sequence, item.hash, item.expires_at, now, bytes});
    return verdict;
}

/// What expired unread no longer takes room: in the store it is, or becomes, a marker.
void MailboxIndex::expire(Usage& lane, UnixTime now) {
    for (auto it = lane.fresh.begin(); it != lane.fresh.end();) {
        const auto& entry = entries_.at(it->second);
        if (entry.expires_at > now) {
            ++it;
            continue;
        }
        lane.fresh_bytes -= entry.bytes;
        ++lane.markers;
        entries_.erase(it->second);
        it = lane.fresh.erase(it);
    }
}

void MailboxIndex::load(const EnvelopeId& id, const IndexEntry& entry) {
    entries_[id] = entry;
    raise_sequence(entry.sequence);
    if (entry.state == EntryState::fresh) {
        usage(entry.lane).fresh[entry.sequence] = id;
        usage(entry.lane).fresh_bytes += entry.bytes;
    } else if (entry.state == EntryState::aside) {
        aside_[entry.sequence] = id;
        aside_bytes_ += entry.bytes;
    }
}

void MailboxIndex::load_marker(Lane lane, std::uint64_t sequence) {
    ++usage(lane).markers;
    raise_sequence(sequence);
}

void MailboxIndex::erase_marker(Lane lane, std::uint64_t sequence) {
    auto& used = usage(lane);
    // It may have expired since it was loaded as an entry.
    if (const auto found = used.fresh.find(sequence); found != used.fresh.end()) {
        erase(EnvelopeId(found->second));
    } else if (used.markers > 0) {
        --used.markers;
    }
}

const IndexEntry* MailboxIndex::find(const EnvelopeId& id, Lane lane) const {
    const auto found = entries_.find(id);
    return found == entries_.end() || found->second.lane != lane ? nullptr : &found->second;
}

void MailboxIndex::leave(const EnvelopeId&, const IndexEntry& entry) {
    if (entry.state == EntryState::fresh) {
        usage(entry.lane).fresh.erase(entry.sequence);
        usage(entry.lane).fresh_bytes -= entry.bytes;
    } else if (entry.state == EntryState::aside) {
        aside_.erase(entry.sequence);
        aside_bytes_ -= entry.bytes;
    }
}

bool MailboxIndex::erase(const EnvelopeId& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return false;
    leave(id, found->second);
    entries_.erase(found);
    return true;
}

std::vector<std::pair<EnvelopeId, IndexEntry>> MailboxIndex::move_aside(const EnvelopeId& id) {
    std::vector<std::pair<EnvelopeId, IndexEntry>> dropped;
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.state == EntryState::aside) return dropped;
    IndexEntry entry = found->second;
    leave(id, entry);
    entry.state = EntryState::aside;
    load(id, entry);
    while (aside_.size() > limits::aside_envelopes || aside_bytes_ > limits::aside_bytes) {
        const EnvelopeId oldest = aside_.begin()->second;
        dropped.emplace_back(oldest, entries_.at(oldest));
        ++usage(entries_.at(oldest).lane).aside_dropped;
        erase(oldest);
    }
    return dropped;
}

bool MailboxIndex::release(const EnvelopeId& id) {
    const auto found = entries_.find(id);
    if (found == entries_.end() || found->second.state != EntryState::aside) return false;
    IndexEntry entry = found->second;
    leave(id, entry);
    entry.state = EntryState::fresh;
    load(id, entry);
    return true;
}

MailboxSummary MailboxIndex::summary() const {
    MailboxSummary out;
    for (std::size_t i = 0; i < lane_count; ++i) {
        const auto& used = lanes_[i];
        out.lanes[i].waiting = static_cast<std::uint32_t>(used.fresh.size()) + used.markers;
        out.lanes[i].aside_dropped = used.aside_dropped;
        if (!used.fresh.empty()) out.lanes[i].oldest = entries_.at(used.fresh.begin()->second).stored_at;
    }
    for (const auto& [sequence, id] : aside_)
        ++out.lanes[static_cast<std::size_t>(entries_.at(id).lane)].aside;
    return out;
}

}  // namespace melder::server
