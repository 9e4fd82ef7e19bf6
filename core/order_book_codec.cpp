// The order book's own saved form, for the vault. Layout, big-endian:
//   1 byte version · 8 size · size × 32 heads · 4 count · per target: 16 id · 8 counter · 1 flags · 1 standing ·
//   [32 last order] · [16 replaced by] · [4 length ‖ Signed superseding grant]
#include <map>

#include "core/endian.hpp"
#include "core/order_log.hpp"

namespace melder {

namespace {

constexpr Byte format_version = 1;
constexpr Byte has_last_order = 1;
constexpr Byte has_replaced_by = 2;
constexpr Byte has_superseding_grant = 4;

void append(Bytes& out, BytesView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Takes from the front; every read is checked against what is left.
class Reader {
public:
    explicit Reader(BytesView bytes) : left_(bytes) {}
    [[nodiscard]] Result<BytesView> take(std::size_t count) {
        if (left_.size() < count) return Errc::malformed;
        const auto out = left_.first(count);
        left_ = left_.subspan(count);
        return out;
    }
    template <std::unsigned_integral T>
    [[nodiscard]] Result<T> number() {
        MELDER_TRY(const auto bytes, take(sizeof(T)));
        return from_big_endian<T>(std::span<const Byte, sizeof(T)>(bytes));
    }
    template <class IdType>
    [[nodiscard]] Result<IdType> id() {
        MELDER_TRY(const auto bytes, take(IdType::size_bytes));
        return IdType::from(bytes);
    }
    [[nodiscard]] std::size_t left() const { return left_.size(); }

private:
    BytesView left_;
};

Result<OrderBook::State> read_state(Reader& in) {
    OrderBook::State state;
    MELDER_TRY(state.counter, in.number<std::uint64_t>());
    MELDER_TRY(const auto flags, in.number<Byte>());
    MELDER_TRY(const auto standing, in.number<Byte>());
    if (flags > 7 || standing > static_cast<Byte>(DeviceStanding::replaced)) return Errc::malformed;
    state.standing = static_cast<DeviceStanding>(standing);
    if ((flags & has_last_order) != 0) {
        MELDER_TRY(state.last_order, in.id<Hash>());
    }
    if ((flags & has_replaced_by) != 0) {
        MELDER_TRY(state.replaced_by, in.id<EnrolmentId>());
    }
    if ((flags & has_superseding_grant) != 0) {
        MELDER_TRY(const auto length, in.number<std::uint32_t>());
        MELDER_TRY(const auto encoded, in.take(length));
        MELDER_TRY(state.superseding_grant, SignedBytes::parse(encoded));
    }
    return state;
}

}  // namespace

Bytes OrderBook::encode() const {
    Bytes out{format_version};
    append(out, big_endian(size_));
    for (const auto& head : heads_)
        append(out, head.view());
    append(out, big_endian(static_cast<std::uint32_t>(states_.size())));
    // Sorted, so that equal books have equal bytes.
    const std::map<EnrolmentId, State> sorted(states_.begin(), states_.end());
    for (const auto& [id, state] : sorted) {
        append(out, id.view());
        append(out, big_endian(state.counter));
        const unsigned flags = (state.last_order ? has_last_order : 0U) | (state.replaced_by ? has_replaced_by : 0U) |
                               (state.superseding_grant ? has_superseding_grant : 0U);
        out.push_back(static_cast<Byte>(flags));
        out.push_back(static_cast<Byte>(state.standing));
        if (state.last_order) append(out, state.last_order->view());
        if (state.replaced_by) append(out, state.replaced_by->view());
        if (state.superseding_grant) append(out, length_prefixed({state.superseding_grant->encode()}));
    }
    return out;
}

Result<OrderBook> OrderBook::decode(BytesView bytes) {
    Reader in(bytes);
    MELDER_TRY(const auto version, in.number<Byte>());
    if (version != format_version) return Errc::unsupported;
    OrderBook out;
    MELDER_TRY(out.size_, in.number<std::uint64_t>());
    if (out.size_ > in.left() / Hash::size_bytes) return Errc::malformed;
    out.heads_.reserve(static_cast<std::size_t>(out.size_));
    for (std::uint64_t i = 0; i < out.size_; ++i) {
        MELDER_TRY(const auto head, in.id<Hash>());
        out.heads_.push_back(head);
    }
    if (!out.heads_.empty()) out.head_ = out.heads_.back();
    MELDER_TRY(const auto count, in.number<std::uint32_t>());
    for (std::uint32_t i = 0; i < count; ++i) {
        MELDER_TRY(const auto id, in.id<EnrolmentId>());
        MELDER_TRY(auto state, read_state(in));
        if (!out.states_.emplace(id, std::move(state)).second) return Errc::malformed;
    }
    if (in.left() != 0) return Errc::malformed;
    return out;
}

}  // namespace melder
