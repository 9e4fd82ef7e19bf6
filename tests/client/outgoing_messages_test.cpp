#include "client/outgoing_messages.hpp"

#include <gtest/gtest.h>

#include "core/frame_codec.hpp"
#include "core/limits.hpp"

namespace melder::client {
namespace {

wire::Frame frame_of(std::size_t payload_bytes) {
    wire::Frame frame;
    frame.set_request(1);
    frame.mutable_fetch_statement()->set_client_nonce(std::string(payload_bytes, 'n'));
    return frame;
}

std::size_t frames_in(BytesView message) {
    FrameReader reader(message);
    while (reader.next().value().has_value()) {
    }
    return reader.count();
}

TEST(OutgoingMessages, what_waits_together_leaves_together) {
    OutgoingMessages queue;
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(queue.add(frame_of(10), 1000).has_value());
    EXPECT_EQ(frames_in(queue.take()), 3U);
    EXPECT_TRUE(queue.empty());
}

TEST(OutgoingMessages, nothing_is_added_to_a_message_that_is_leaving) {
    OutgoingMessages queue;
    ASSERT_TRUE(queue.add(frame_of(10), 1000).has_value());
    const auto leaving = queue.take();
    ASSERT_TRUE(queue.add(frame_of(10), 1000).has_value());
    EXPECT_EQ(frames_in(leaving), 1U);
    EXPECT_FALSE(queue.empty());
}

TEST(OutgoingMessages, a_message_keeps_its_limits_of_bytes_and_frames) {
    OutgoingMessages queue;
    ASSERT_TRUE(queue.add(frame_of(600), 1000).has_value());
    ASSERT_TRUE(queue.add(frame_of(600), 1000).has_value());
    EXPECT_EQ(frames_in(queue.take()), 1U);
    EXPECT_EQ(frames_in(queue.take()), 1U);
    for (std::size_t i = 0; i < limits::frames_per_message + 1; ++i)
        ASSERT_TRUE(queue.add(frame_of(1), limits::message_bytes).has_value());
    EXPECT_EQ(frames_in(queue.take()), limits::frames_per_message);
    EXPECT_EQ(frames_in(queue.take()), 1U);
}

TEST(OutgoingMessages, too_long_a_frame_and_too_long_a_queue_are_refused) {
    OutgoingMessages queue;
    EXPECT_EQ(queue.add(frame_of(1000), 1000).error(), Errc::too_large);
    EXPECT_EQ(queue.queued_bytes(), 0U);
    while (queue.add(frame_of(100'000), limits::message_bytes).has_value()) {
    }
    EXPECT_EQ(queue.add(frame_of(100'000), limits::message_bytes).error(), Errc::busy);
    EXPECT_LE(queue.queued_bytes(), limits::outbox_hard_bytes);
}

TEST(OutgoingMessages, a_message_counts_until_it_was_sent) {
    OutgoingMessages queue;
    ASSERT_TRUE(queue.add(frame_of(10), 1000).has_value());
    const auto queued = queue.queued_bytes();
    EXPECT_EQ(queue.take().size(), queued);
    EXPECT_EQ(queue.queued_bytes(), queued);
    queue.sent();
    EXPECT_EQ(queue.queued_bytes(), 0U);
}

}  // namespace
}  // namespace melder::client
