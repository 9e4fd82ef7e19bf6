#include "sdk/account/event_queue.hpp"

#include <algorithm>

namespace melder::sdk {

namespace {
template <class T>
bool is(const Event& event) {
    return std::holds_alternative<T>(event.what);
}
bool is_peer_notice(const Event& event) {
    return is<GapNoticed>(event) || is<MessageLost>(event);
}
}  // namespace

EventId EventQueue::push(decltype(Event::what) what, std::size_t bytes, std::optional<EnvelopeKey> envelope,
                         std::optional<UnixTime> expires_at, std::optional<EnvelopeId> loss) {
    Entry entry{Event{EventId{next_id_++}, std::move(what)}, bytes, envelope, expires_at, loss};
    const auto id = entry.event.id;
    if (is<ConnectionChanged>(entry.event)) {
        const auto old = std::find_if(entries_.begin() + static_cast<std::ptrdiff_t>(read_), entries_.end(),
                                      [](const Entry& e) { return is<ConnectionChanged>(e.event); });
        if (old != entries_.end()) entries_.erase(old);
    }
    if (is_peer_notice(entry.event)) bound_notices(entry.event.what.index());
    if (envelope) owed_.push_back(*envelope);
    entries_.push_back(std::move(entry));
    return id;
}

void EventQueue::bound_notices(std::size_t kind) {
    std::size_t count = 0;
    std::optional<std::size_t> oldest;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].event.what.index() != kind) continue;
        if (!oldest) oldest = i;
        ++count;
    }
    if (count >= peer_notices) erase_at(*oldest);
}

const Event* EventQueue::take_next() {
    if (read_ == entries_.size()) return nullptr;
    return &entries_[read_++].event;
}

void EventQueue::erase_at(std::size_t index) {
    entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(index));
    if (index < read_) --read_;
}

std::optional<EventQueue::Entry> EventQueue::remove(EventId id) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (entries_[i].event.id != id) continue;
        auto entry = std::move(entries_[i]);
        erase_at(i);
        return entry;
    }
    return std::nullopt;
}

const EventQueue::Entry* EventQueue::find(EventId id) const {
    const auto found = std::ranges::find_if(entries_, [&](const Entry& entry) { return entry.event.id == id; });
    return found == entries_.end() ? nullptr : &*found;
}

std::vector<EnvelopeKey> EventQueue::remove_expired(UnixTime now) {
    std::vector<EnvelopeKey> gone;
    for (std::size_t i = 0; i < entries_.size();) {
        if (!entries_[i].expires_at || *entries_[i].expires_at > now) {
            ++i;
            continue;
        }
        if (entries_[i].envelope) gone.push_back(*entries_[i].envelope);
        erase_at(i);
    }
    return gone;
}

std::optional<UnixTime> EventQueue::next_expiry() const {
    std::optional<UnixTime> next;
    for (const auto& entry : entries_) {
        if (entry.expires_at) next = next ? std::min(*next, *entry.expires_at) : entry.expires_at;
    }
    return next;
}

void EventQueue::clear() {
    entries_.clear();
    owed_.clear();
    read_ = 0;
}

std::vector<EnvelopeKey> EventQueue::take_received() {
    std::size_t unread_bytes = 0;
    for (std::size_t i = read_; i < entries_.size(); ++i)
        unread_bytes += entries_[i].bytes;
    std::vector<EnvelopeKey> out;
    if (unread() >= limits::unread_events || unread_bytes >= limits::unread_bytes) return out;
    out.assign(owed_.begin(), owed_.end());
    owed_.clear();
    return out;
}

bool EventQueue::holds(const EnvelopeId& id) const {
    return std::ranges::any_of(entries_,
                               [&](const Entry& entry) { return entry.envelope && entry.envelope->id == id; });
}

}  // namespace melder::sdk
