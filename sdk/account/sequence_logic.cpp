#include "sdk/account/sequence_logic.hpp"

#include <algorithm>

namespace melder::sdk {

void SequenceLogic::restore(const StreamRow& row, BootTime now) {
    auto& stream = streams_[{row.sender, row.conversation, row.lane}];
    stream.passed = std::max(stream.passed, row.highest);
    for (const auto& range : row.missing)
        stream.missing[range.first] = Missing{range.last, now};
}

StreamRow SequenceLogic::row(const StreamKey& key) const {
    StreamRow out{key.sender, key.conversation, key.lane, 0, {}};
    const auto found = streams_.find(key);
    if (found == streams_.end()) return out;
    const auto& stream = found->second;
    out.highest = stream.passed;
    for (const auto& [first, missing] : stream.missing)
        out.missing.push_back({first, missing.last});
    // Behind what was given on: what is held back has arrived, and what lies between has not.
    for (const auto& [sequence, held] : stream.held) {
        if (sequence > out.highest + 1) out.missing.push_back({out.highest + 1, sequence - 1});
        out.highest = sequence;
    }
    return out;
}

/// `sequence` is given on although numbers between may be missing: those are remembered as missing.
void SequenceLogic::pass(Stream& stream, std::uint64_t sequence, BootTime now) {
    if (sequence <= stream.passed) return;
    if (sequence > stream.passed + 1) stream.missing[stream.passed + 1] = Missing{sequence - 1, now};
    stream.passed = sequence;
}

void SequenceLogic::found(Stream& stream, std::uint64_t sequence) {
    auto range = stream.missing.upper_bound(sequence);
    if (range == stream.missing.begin()) return;
    --range;
    const auto [first, missing] = *range;
    if (sequence > missing.last) return;
    stream.missing.erase(range);
    if (sequence > first) stream.missing[first] = Missing{sequence - 1, missing.since};
    if (sequence < missing.last) stream.missing[sequence + 1] = missing;
}

void SequenceLogic::release_run(Stream& stream, Output& out) {
    while (!stream.held.empty() && stream.held.begin()->first == stream.passed + 1) {
        out.release.push_back(stream.held.begin()->second.token);
        ++stream.passed;
        stream.held.erase(stream.held.begin());
    }
}

void SequenceLogic::release_before(Stream& stream, std::uint64_t end, BootTime now, Output& out) {
    while (!stream.held.empty() && stream.held.begin()->first < end) {
        pass(stream, stream.held.begin()->first, now);
        out.release.push_back(stream.held.begin()->second.token);
        stream.held.erase(stream.held.begin());
    }
    release_run(stream, out);
}

SequenceLogic::Output SequenceLogic::on_arrival(const StreamKey& key, std::uint64_t sequence, Token token,
                                                BootTime now) {
    Output out;
    const bool known = streams_.contains(key);
    if (sequence == 0 || (!known && streams_.size() >= streams_longest)) {
        out.release.push_back(token);
        return out;
    }
    auto& stream = streams_[key];
    if (!known) stream.passed = sequence - 1;
    if (sequence <= stream.passed || key.lane == Lane::urgent) {
        found(stream, sequence);
        pass(stream, sequence, now);
        out.release.push_back(token);
    } else if (!stream.held.contains(sequence)) {
        stream.held[sequence] = Held{token, now};
        release_run(stream, out);
        if (stream.held.size() > held_per_stream) release_before(stream, stream.held.begin()->first + 1, now, out);
    } else {
        out.release.push_back(token);  // the same number twice: deduplication by content id decides, not this
    }
    if (stream.missing.size() > ranges_per_stream) {
        const auto oldest = stream.missing.begin();
        out.gaps.push_back({key, oldest->first, oldest->second.last, false});
        stream.missing.erase(oldest);
    }
    return out;
}

void SequenceLogic::cut_expired(const StreamKey& key, Stream& stream, std::uint64_t lowest_unexpired, Output& out) {
    while (!stream.missing.empty() && stream.missing.begin()->first < lowest_unexpired) {
        const auto [first, missing] = *stream.missing.begin();
        stream.missing.erase(stream.missing.begin());
        const auto last = std::min(missing.last, lowest_unexpired - 1);
        if (last < missing.last) stream.missing[last + 1] = missing;
        out.gaps.push_back({key, first, last, true});
    }
}

SequenceLogic::Output SequenceLogic::on_progress(const StreamKey& key, std::uint64_t highest_sent,
                                                 std::uint64_t lowest_unexpired, BootTime now) {
    Output out;
    const auto found_stream = streams_.find(key);
    if (found_stream == streams_.end()) return out;  // nothing was ever received: no beginning to count from
    auto& stream = found_stream->second;
    // Numbers that are held back are here, so only what lies beyond them counts as missing.
    const auto known = stream.held.empty() ? stream.passed : stream.held.rbegin()->first;
    if (highest_sent > known) {
        if (stream.held.empty()) {
            stream.missing[stream.passed + 1] = Missing{highest_sent, now};
            stream.passed = highest_sent;
        }
    }
    cut_expired(key, stream, lowest_unexpired, out);
    return out;
}

SequenceLogic::Output SequenceLogic::on_mailbox_empty(Lane lane, BootTime now) {
    Output out;
    empty_since_[lane] = now;
    for (auto& [key, stream] : streams_) {
        if (key.lane == lane && !stream.held.empty()) release_before(stream, stream.held.rbegin()->first + 1, now, out);
    }
    return out;
}

void SequenceLogic::on_disconnected() {
    empty_since_.clear();
}

SequenceLogic::Output SequenceLogic::on_tick(BootTime now) {
    Output out;
    for (auto& [key, stream] : streams_) {
        std::uint64_t end = 0;
        for (const auto& [sequence, held] : stream.held) {
            if (now - held.since >= limits::sequence_hold) end = sequence + 1;
        }
        if (end != 0) release_before(stream, end, now, out);

        const auto empty = empty_since_.find(key.lane);
        if (empty == empty_since_.end() || now - empty->second < limits::gap_patience) continue;
        std::erase_if(stream.missing, [&](const auto& range) {
            if (now - range.second.since < limits::gap_patience) return false;
            out.gaps.push_back({key, range.first, range.second.last, false});
            return true;
        });
    }
    return out;
}

std::optional<BootTime> SequenceLogic::next_deadline() const {
    std::optional<BootTime> next;
    const auto consider = [&](BootTime t) { next = next ? std::min(*next, t) : t; };
    for (const auto& [key, stream] : streams_) {
        for (const auto& [sequence, held] : stream.held)
            consider(held.since + limits::sequence_hold);
        const auto empty = empty_since_.find(key.lane);
        if (empty == empty_since_.end()) continue;
        for (const auto& [first, missing] : stream.missing) {
            consider(std::max(missing.since, empty->second) + limits::gap_patience);
        }
    }
    return next;
}

void SequenceLogic::forget(Token token) {
    for (auto& [key, stream] : streams_) {
        std::erase_if(stream.held, [&](const auto& held) { return held.second.token == token; });
    }
}

}  // namespace melder::sdk
