#include "core/envelope.hpp"

#include "core/crypto.hpp"
#include "core/endian.hpp"
#include "core/limits.hpp"
#include "core/wire_time.hpp"
#include "proto/envelope.pb.h"

namespace melder {

namespace {

constexpr std::size_t wrapped_key_bytes = 32;
constexpr std::size_t device_tag_bytes = 16;
constexpr std::size_t commitment_bytes = 32;

}  // namespace

std::string_view name_of(Lane lane) noexcept {
    switch (lane) {
        case Lane::transient:
            return "transient";
        case Lane::receipt:
            return "receipt";
        case Lane::keys:
            return "keys";
        case Lane::normal:
            return "normal";
        case Lane::urgent:
            return "urgent";
    }
    return "unknown_lane";
}

Result<Lane> lane_from(std::uint32_t number) {
    if (number < 1 || number >= lane_count) return Error(Errc::malformed, "there is no such lane");
    return static_cast<Lane>(number);
}

ByteArray<SharedHeader::size_bytes> SharedHeader::encode() const noexcept {
    ByteArray<size_bytes> out{};
    out[0] = suite;
    out[1] = static_cast<Byte>(lane);
    std::ranges::copy(big_endian(static_cast<std::uint64_t>(expires_at.ms)), out.begin() + 2);
    out[10] = bucket;
    return out;
}

Result<SharedHeader> SharedHeader::parse(BytesView bytes) {
    if (bytes.empty()) return Errc::malformed;
    if (bytes[0] != suite_1) return Error(Errc::unsupported, "an envelope of another suite");
    if (bytes.size() != size_bytes) return Errc::malformed;
    MELDER_TRY(const auto lane, lane_from(bytes[1]));
    MELDER_TRY(const auto expires_at, time_from_ms(from_big_endian<std::uint64_t>(bytes.subspan<2, 8>())));
    if (bytes[10] >= std::size(limits::buckets_bytes)) return Error(Errc::malformed, "there is no such size bucket");
    return SharedHeader{suite_1, lane, expires_at, bytes[10]};
}

Result<SharedHeader> check_body(const wire::EnvelopeBody& body) {
    MELDER_TRY(const auto header, SharedHeader::parse(view(body.header())));
    if (body.ephemeral().size() != X25519Public::size_bytes || body.commitment().size() != commitment_bytes) {
        return Error(Errc::malformed, "a key or commitment of the wrong length");
    }
    if (body.sealed().size() != limits::buckets_bytes[header.bucket]) {
        return Error(Errc::malformed, "the body does not have its bucket's length");
    }
    return header;
}

Result<EnrolmentId> check_device_header(const wire::DeviceHeader& header) {
    MELDER_TRY(const auto recipient, EnrolmentId::from(header.recipient()));
    if (header.wrapped_key().size() != wrapped_key_bytes || header.tag().size() != device_tag_bytes) {
        return Error(Errc::malformed, "a wrapped key or tag of the wrong length");
    }
    return recipient;
}

Hash envelope_hash(const wire::EnvelopeBody& body, const wire::DeviceHeader& header) {
    const auto length = [](const std::string& field) { return big_endian(static_cast<std::uint32_t>(field.size())); };
    // length_prefixed() would copy up to 62 KiB a recipient on the relay's hot path.
    return sha256({length(body.header()), view(body.header()), length(body.ephemeral()), view(body.ephemeral()),
                   length(body.commitment()), view(body.commitment()), length(body.sealed()), view(body.sealed()),
                   length(header.recipient()), view(header.recipient()), length(header.wrapped_key()),
                   view(header.wrapped_key()), length(header.tag()), view(header.tag())});
}

}  // namespace melder
