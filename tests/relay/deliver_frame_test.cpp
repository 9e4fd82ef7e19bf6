// The relay's own encoding of a Deliver frame against protobuf's.

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "proto/link.pb.h"
#include "relay/deliver_frame.hpp"

namespace melder::relay {
namespace {

std::string by_protobuf(const Envelope& envelope, std::uint64_t sequence) {
    wire::Frame frame;
    auto& delivery = *frame.mutable_deliver()->add_envelopes();
    delivery.set_lane(static_cast<wire::Lane>(envelope.lane));
    delivery.set_envelope_id(envelope.id.string());
    EXPECT_TRUE(delivery.mutable_body()->ParseFromString(envelope.body->encoded));
    EXPECT_TRUE(delivery.mutable_header()->ParseFromString(envelope.header));
    delivery.set_sequence(sequence);
    return frame.SerializeAsString();
}

TEST(DeliverFrame, is_byte_for_byte_what_protobuf_writes) {
    wire::DeviceHeader header;
    header.set_recipient(std::string(16, 'r'));
    header.set_wrapped_key(std::string(32, 'c'));
    header.set_tag(std::string(16, 't'));
    for (std::size_t bucket = 0; bucket < std::size(limits::buckets_bytes); ++bucket) {
        wire::EnvelopeBody body;
        const SharedHeader shared{suite_1, Lane::urgent, UnixTime{1'800'000'000'000},
                                  static_cast<std::uint8_t>(bucket)};
        body.set_header(to_string(shared.encode()));
        body.set_ephemeral(std::string(32, 'e'));
        body.set_commitment(std::string(32, 'k'));
        body.set_sealed(std::string(limits::buckets_bytes[bucket], 's'));
        for (const auto lane : {Lane::transient, Lane::receipt, Lane::keys, Lane::normal, Lane::urgent}) {
            const Envelope envelope{lane,
                                    EnvelopeId(ByteArray<16>{1, 2, 3}),
                                    Hash(),
                                    shared.expires_at,
                                    header.SerializeAsString(),
                                    std::make_shared<server::SharedBody>(body.SerializeAsString(), shared.expires_at),
                                    EnrolmentId()};
            for (const std::uint64_t sequence : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{127},
                                                 std::uint64_t{128}, std::uint64_t{1} << 49, ~std::uint64_t{0}}) {
                const auto own = encode_deliver_frame(envelope, sequence);
                ASSERT_EQ(as_chars(own), by_protobuf(envelope, sequence))
                    << name_of(lane) << ", bucket " << bucket << ", sequence " << sequence;
            }
        }
    }
}

}  // namespace
}  // namespace melder::relay
