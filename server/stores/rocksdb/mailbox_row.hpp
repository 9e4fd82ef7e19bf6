#pragma once
// The values of the mailbox families. Layouts are versioned by their first byte and only extended.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/ids.hpp"
#include "core/limits.hpp"
#include "server/stores/mailbox_store.hpp"

namespace melder::server {

/// One entry of the index: kind (1), expiry (8); of an entry then id (16), hash (32), stored at (8), refusals (1),
/// refusal code (2), deferred since (8, 0: not), body key (16), body bytes (4), device header (the rest).
struct MailboxRow {
    enum class Kind : std::uint8_t { entry = 1, marker = 2 };
    Kind kind = Kind::entry;
    UnixTime expires_at;
    EnvelopeId id;
    Hash hash;
    UnixTime stored_at;
    EntryMarks marks;
    std::string body_key;
    std::uint32_t body_bytes = 0;
    std::string header;

    [[nodiscard]] std::string encode() const;
    /// `store_corrupt`
    [[nodiscard]] static Result<MailboxRow> parse(std::string_view value);
    /// Kind and expiry alone: what the compaction filter needs. False if the value is too short.
    [[nodiscard]] static bool parse_expiry(std::string_view value, Kind& kind, UnixTime& expires_at) noexcept;
    /// What remains of an entry that expired unread.
    [[nodiscard]] static std::string marker(UnixTime expires_at);
};

/// A marker that nobody came to count is forgotten after the longest lifetime of an envelope.
inline constexpr auto marker_kept = limits::ttl_longest;

[[nodiscard]] std::string encode_body(UnixTime expires_at, std::string_view body);
/// Expiry, then the encoded EnvelopeBody; `store_corrupt`.
[[nodiscard]] Result<UnixTime> body_expiry(std::string_view value);
[[nodiscard]] std::string_view body_of(std::string_view value);

}  // namespace melder::server
