#pragma once
// The sealed envelope's outer format: all that a relay may read. Opening it is the SDK's (sdk/crypto/sealed_envelope).

#include <optional>

#include "core/bytes.hpp"
#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace melder::wire {
class EnvelopeBody;
class DeviceHeader;
}  // namespace melder::wire

namespace melder {

/// Delivery classes; each is a lane of a mailbox with its own window and quota. Order is the drain order.
enum class Lane : std::uint8_t { transient = 1, receipt = 2, keys = 3, normal = 4, urgent = 5 };
inline constexpr Lane drain_order[] = {Lane::urgent, Lane::keys, Lane::normal, Lane::receipt};
inline constexpr std::size_t lane_count = 6;  ///< array size to index by Lane; 0 unused
[[nodiscard]] std::string_view name_of(Lane lane) noexcept;
[[nodiscard]] Result<Lane> lane_from(std::uint32_t number);

inline constexpr std::uint8_t suite_1 = 1;

/// H. In suite 1 eleven bytes: suite (1), lane (1), expiry in ms since 1970 (8, big-endian), bucket index (1).
struct SharedHeader {
    std::uint8_t suite = suite_1;
    Lane lane = Lane::normal;
    UnixTime expires_at;
    std::uint8_t bucket = 0;  ///< index into limits::buckets_bytes

    static constexpr std::size_t size_bytes = 11;
    [[nodiscard]] ByteArray<size_bytes> encode() const noexcept;
    /// `malformed`, or `unsupported` for another suite.
    [[nodiscard]] static Result<SharedHeader> parse(BytesView bytes);
};

/// Checks the outer shape of a body: H parses, E and com have 32 bytes, B has exactly its bucket's length.
[[nodiscard]] Result<SharedHeader> check_body(const wire::EnvelopeBody& body);
/// Recipient id, wrapped key and tag have their lengths.
[[nodiscard]] Result<EnrolmentId> check_device_header(const wire::DeviceHeader& header);

/// SHA-256 over body fields and one device's header, length-prefixed: "the same id and bytes".
[[nodiscard]] Hash envelope_hash(const wire::EnvelopeBody& body, const wire::DeviceHeader& header);

}  // namespace melder
