#include "sdk/crypto/session_record.hpp"

#include <map>

#include "core/limits.hpp"
#include "sdk/crypto/content_wire.hpp"

namespace melder::sdk {
namespace {

namespace wf = content_wire;

// RecordStructure, SessionStructure, Chain, ChainKey and MessageKey of LocalStorageProtocol.proto.
constexpr std::uint32_t present_field = 1;
constexpr std::uint32_t archived_field = 2;
constexpr std::uint32_t receiving_field = 7;
constexpr std::uint32_t base_key_field = 13;
constexpr std::uint32_t ratchet_key_field = 1;
constexpr std::uint32_t chain_key_field = 3;
constexpr std::uint32_t message_key_field = 4;
constexpr std::uint32_t index_field = 1;
// Ours.
constexpr std::uint32_t mark_field = 100;
constexpr std::uint32_t mark_chain_field = 1;
constexpr std::uint32_t mark_below_field = 2;
constexpr std::uint32_t mark_day_field = 3;

constexpr auto day_length = std::chrono::hours(24);

struct Field {
    std::uint32_t tag = 0;
    BytesView raw;      ///< with its key
    BytesView payload;  ///< of a length-delimited one
    std::uint64_t number = 0;
};

/// Throws protozero::exception for what is no message.
template <class Take>
void for_each_field(BytesView message, Take take) {
    protozero::pbf_reader reader(reinterpret_cast<const char*>(message.data()), message.size());
    auto rest = message;
    while (reader.next()) {
        Field field;
        field.tag = reader.tag();
        if (reader.wire_type() == wf::pbf_wire_type::length_delimited) {
            field.payload = wf::view_of(reader.get_view());
        } else if (reader.wire_type() == wf::pbf_wire_type::varint) {
            field.number = reader.get_uint64();
        } else {
            reader.skip();
        }
        const auto left = reader.data().size();
        field.raw = rest.first(rest.size() - left);
        rest = rest.last(left);
        take(field);
    }
}

std::uint32_t index_of(BytesView key) {
    std::uint32_t index = 0;
    for_each_field(key, [&](const Field& field) {
        if (field.tag == index_field) index = static_cast<std::uint32_t>(field.number);
    });
    return index;
}

SessionRecordView::Chain read_chain(BytesView encoded) {
    SessionRecordView::Chain chain;
    chain.encoded = encoded;
    for_each_field(encoded, [&](const Field& field) {
        if (field.tag == ratchet_key_field) chain.ratchet_key = field.payload;
        if (field.tag == chain_key_field) chain.next = index_of(field.payload);
        if (field.tag == message_key_field) ++chain.skipped;
    });
    return chain;
}

SessionRecordView::State read_state(BytesView encoded, bool archived) {
    SessionRecordView::State state;
    state.archived = archived;
    state.encoded = encoded;
    for_each_field(encoded, [&](const Field& field) {
        if (field.tag == receiving_field) state.receiving.push_back(read_chain(field.payload));
        if (field.tag == base_key_field) state.base_key = field.payload;
    });
    return state;
}

ByteArray<8> name_of(BytesView ratchet_key) {
    ByteArray<8> name{};
    if (ratchet_key.size() > name.size()) std::ranges::copy(ratchet_key.subspan(1, name.size()), name.begin());
    return name;
}

/// What leaves a chain: keys below a counter, then as many of the rest, oldest first.
struct Drop {
    std::uint32_t below = 0;
    std::size_t first = 0;
};
using Drops = std::map<const Byte*, Drop>;  ///< by where the chain is encoded

template <class Sink>
void write_chain(Sink& sink, BytesView encoded, Drop drop) {
    for_each_field(encoded, [&](const Field& field) {
        if (field.tag == message_key_field) {
            if (drop.below > 0 && index_of(field.payload) < drop.below) return;
            if (drop.first > 0) {
                --drop.first;
                return;
            }
        }
        sink.bytes(field.raw);
    });
}

template <class Sink>
void write_state(Sink& sink, BytesView encoded, const Drops& drops) {
    for_each_field(encoded, [&](const Field& field) {
        const auto found = field.tag == receiving_field ? drops.find(field.payload.data()) : drops.end();
        if (found == drops.end()) return sink.bytes(field.raw);
        wf::put_message(sink, receiving_field, [&](auto& inner) { write_chain(inner, field.payload, found->second); });
    });
}

template <class Sink>
void write_marks(Sink& sink, const std::vector<SkippedMark>& marks) {
    for (const auto& mark : marks) {
        wf::put_message(sink, mark_field, [&](auto& inner) {
            wf::put_bytes(inner, mark_chain_field, mark.chain);
            wf::put_number(inner, mark_below_field, mark.below);
            wf::put_number(inner, mark_day_field, mark.day);
        });
    }
}

void add_mark(std::vector<SkippedMark>& marks, const SkippedMark& mark) {
    const auto same = std::ranges::find_if(
        marks, [&](const SkippedMark& other) { return other.chain == mark.chain && other.day == mark.day; });
    if (same == marks.end()) {
        marks.push_back(mark);
    } else {
        same->below = std::max(same->below, mark.below);
    }
}

std::size_t keys_from(const SessionRecordView::Chain& chain, std::uint32_t below) {
    if (below == 0) return chain.skipped;
    std::size_t count = 0;
    for_each_field(chain.encoded, [&](const Field& field) {
        if (field.tag == message_key_field && index_of(field.payload) >= below) ++count;
    });
    return count;
}

/// Takes the marks that are due, or whose chain is gone, and says what leaves with them; then what is too much.
Drops choose_drops(const std::vector<SessionRecordView::State>& states, std::vector<SkippedMark>& marks,
                   std::uint32_t today) {
    constexpr auto days = static_cast<std::uint32_t>(limits::skipped_keys_longest / day_length);
    Drops drops;
    std::vector<SkippedMark> live;
    std::vector<std::pair<const Byte*, std::size_t>> left;  // oldest first
    std::size_t total = 0;
    for (auto state = states.rbegin(); state != states.rend(); ++state) {
        for (const auto& chain : state->receiving) {
            std::uint32_t below = 0;
            for (const auto& mark : marks) {
                if (mark.chain != name_of(chain.ratchet_key)) continue;
                if (today > mark.day && today - mark.day > days) {
                    below = std::max(below, mark.below);
                } else {
                    live.push_back(mark);
                }
            }
            const auto keys = keys_from(chain, below);
            if (keys != chain.skipped) drops[chain.encoded.data()].below = below;
            left.emplace_back(chain.encoded.data(), keys);
            total += keys;
        }
    }
    for (const auto& [chain, keys] : left) {
        if (total <= limits::skipped_keys) break;
        const auto excess = std::min(keys, total - limits::skipped_keys);
        if (excess > 0) drops[chain].first = excess;
        total -= excess;
    }
    marks = std::move(live);
    return drops;
}

}  // namespace

Result<SessionRecordView> SessionRecordView::parse(BytesView record) {
    SessionRecordView view;
    try {
        for_each_field(record, [&](const Field& field) {
            if (field.tag == present_field) view.states_.insert(view.states_.begin(), read_state(field.payload, false));
            if (field.tag == archived_field) view.states_.push_back(read_state(field.payload, true));
        });
    } catch (const protozero::exception&) {
        return Error(Errc::vault_unreadable, "a session record");
    }
    return view;
}

std::uint32_t SessionRecordView::next_counter(const X25519Public& ratchet_key) const {
    const auto encoded = to_djb_key(ratchet_key);
    for (const auto& state : states_) {
        for (const auto& chain : state.receiving) {
            if (equal(chain.ratchet_key, encoded)) return chain.next;
        }
    }
    return 0;
}

bool SessionRecordView::has_base_key(const X25519Public& key) const {
    const auto encoded = to_djb_key(key);
    return std::ranges::any_of(states_, [&](const State& state) { return equal(state.base_key, encoded); });
}

std::size_t SessionRecordView::archived_states() const {
    return static_cast<std::size_t>(std::ranges::count_if(states_, &State::archived));
}

std::size_t SessionRecordView::skipped_keys() const {
    std::size_t count = 0;
    for (const auto& state : states_) {
        for (const auto& chain : state.receiving)
            count += chain.skipped;
    }
    return count;
}

Result<KeptRecord> KeptRecord::split(BytesView kept) {
    KeptRecord out;
    std::size_t own = 0;
    try {
        for_each_field(kept, [&](const Field& field) {
            if (field.tag != mark_field) return;
            own += field.raw.size();
            SkippedMark mark;
            for_each_field(field.payload, [&](const Field& inner) {
                if (inner.tag == mark_chain_field && inner.payload.size() == mark.chain.size())
                    std::ranges::copy(inner.payload, mark.chain.begin());
                if (inner.tag == mark_below_field) mark.below = static_cast<std::uint32_t>(inner.number);
                if (inner.tag == mark_day_field) mark.day = static_cast<std::uint32_t>(inner.number);
            });
            out.marks.push_back(mark);
        });
    } catch (const protozero::exception&) {
        return Error(Errc::vault_unreadable, "a session record");
    }
    out.record = SecretBuffer(kept.first(kept.size() - own));  // marks stand at the end
    return out;
}

Result<SecretBuffer> keep_record(KeptRecord kept, const std::optional<SkippedNow>& skipped, UnixTime now) {
    MELDER_TRY(const auto view, SessionRecordView::parse(kept.record.expose()));
    auto states = view.states();
    const bool too_many = view.archived_states() > limits::archived_states;
    if (too_many) states.resize(states.size() - (view.archived_states() - limits::archived_states));

    const auto today = now.ms <= 0 ? 0u : static_cast<std::uint32_t>(Millis(now.ms) / day_length);
    if (skipped && today > 0)
        add_mark(kept.marks, {name_of(to_djb_key(skipped->ratchet_key)), skipped->counter, today});
    if (!too_many && kept.marks.empty() && view.skipped_keys() <= limits::skipped_keys) return std::move(kept.record);

    const auto drops = choose_drops(states, kept.marks, today);
    return wf::build<SecretBuffer>([&](auto& sink) {
        if (!too_many && drops.empty()) {
            sink.bytes(kept.record.expose());
            return write_marks(sink, kept.marks);
        }
        for (const auto& state : states) {
            wf::put_message(sink, state.archived ? archived_field : present_field,
                            [&](auto& inner) { write_state(inner, state.encoded, drops); });
        }
        write_marks(sink, kept.marks);
    });
}

}  // namespace melder::sdk
