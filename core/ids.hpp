#pragma once
// Strong types for everything that is identified by bytes: an OfficerId can't be passed where an EnrolmentId is meant.

#include <compare>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"

namespace melder {

/// N opaque bytes, told apart by Tag. Ordered by bytes, hashable, printed as hex. Never secret.
template <class Tag, std::size_t N>
class Id {
public:
    static constexpr std::size_t size_bytes = N;
    constexpr Id() noexcept = default;  ///< all zero
    constexpr explicit Id(const ByteArray<N>& bytes) noexcept : bytes_(bytes) {}

    /// `malformed` unless exactly N bytes.
    [[nodiscard]] static Result<Id> from(BytesView bytes) {
        if (bytes.size() != N) return Errc::malformed;
        Id id;
        std::memcpy(id.bytes_.data(), bytes.data(), N);
        return id;
    }
    [[nodiscard]] static Result<Id> from(std::string_view bytes) { return from(melder::view(bytes)); }
    [[nodiscard]] static Result<Id> from_hex(std::string_view text) {
        MELDER_TRY(const auto bytes, melder::from_hex(text));
        return from(BytesView(bytes));
    }

    [[nodiscard]] BytesView view() const noexcept { return bytes_; }
    [[nodiscard]] std::string_view chars() const noexcept { return as_chars(bytes_); }  ///< for protobuf `bytes`
    [[nodiscard]] std::string string() const { return std::string(chars()); }           ///< for protobuf `bytes`
    [[nodiscard]] std::string hex() const { return to_hex(bytes_); }
    [[nodiscard]] bool is_zero() const noexcept { return bytes_ == ByteArray<N>{}; }

    friend constexpr auto operator<=>(const Id&, const Id&) noexcept = default;
    friend constexpr bool operator==(const Id&, const Id&) noexcept = default;

private:
    ByteArray<N> bytes_{};
};

using EnrolmentId = Id<struct EnrolmentIdTag, 16>;  ///< a device's address everywhere; never reused
using OfficerId = Id<struct OfficerIdTag, 16>;
using EnvelopeId = Id<struct EnvelopeIdTag, 16>;  ///< one per upload, chosen by the sender
using ContentId = Id<struct ContentIdTag, 16>;    ///< one per message, survives re-encryption
using GroupId = Id<struct GroupIdTag, 16>;        ///< all zero in a 1:1 message
using Hash = Id<struct HashTag, 32>;              ///< SHA-256 of something public
using KeyId = Id<struct KeyIdTag, 32>;            ///< SHA-256 of a signing key's public bytes
using StoreEpoch = Id<struct StoreEpochTag, 16>;

/// Which of the force's apps a device belongs to: [a-z0-9-]{1,32}. An officer's devices are those of one app.
inline constexpr std::string_view default_app = "messenger";

/// A unit as its full path of ids, e.g. LKA / K5 / K52. Each id is [A-Za-z0-9._-]{1,32}, at most 12 of them.
class UnitPath {
public:
    UnitPath() = default;
    [[nodiscard]] static Result<UnitPath> from(std::vector<std::string> ids);
    /// "LKA/K5/K52"
    [[nodiscard]] static Result<UnitPath> parse(std::string_view text);
    [[nodiscard]] const std::vector<std::string>& ids() const noexcept { return ids_; }
    [[nodiscard]] std::string string() const;
    [[nodiscard]] bool empty() const noexcept { return ids_.empty(); }
    /// The path without its last element; the empty path for a top unit.
    [[nodiscard]] UnitPath parent() const;
    friend bool operator==(const UnitPath&, const UnitPath&) = default;
    friend auto operator<=>(const UnitPath&, const UnitPath&) = default;

private:
    std::vector<std::string> ids_;
};

}  // namespace melder

template <class Tag, std::size_t N>
struct std::hash<melder::Id<Tag, N>> {
    /// Ids are random or hashes, but a peer may choose them: callers that key a table by peer-chosen ids bound it.
    std::size_t operator()(const melder::Id<Tag, N>& id) const noexcept {
        std::size_t value = 0;
        std::memcpy(&value, id.view().data(), sizeof value);
        std::size_t tail = 0;
        std::memcpy(&tail, id.view().data() + N - sizeof tail, sizeof tail);
        return value ^ (tail * 0x9E3779B97F4A7C15ULL);
    }
};
