#include "sdk/account/event_queue.hpp"

#include <gtest/gtest.h>

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;

EnvelopeKey envelope(std::uint8_t n) {
    ByteArray<16> bytes{};
    bytes[0] = n;
    return {Lane::normal, EnvelopeId(bytes)};
}
EventId put(EventQueue& queue, std::uint8_t n, std::size_t bytes = 100, std::optional<UnixTime> expiry = std::nullopt) {
    return queue.push(UnknownReceived{}, bytes, envelope(n), expiry);
}

TEST(EventQueue, brings_events_in_order_and_each_reader_once) {
    EventQueue queue;
    const auto a = put(queue, 1);
    const auto b = put(queue, 2);
    EXPECT_EQ(queue.take_next()->id, a);
    EXPECT_EQ(queue.take_next()->id, b);
    EXPECT_EQ(queue.take_next(), nullptr);
}

TEST(EventQueue, a_new_reader_gets_what_is_not_acknowledged) {
    EventQueue queue;
    const auto a = put(queue, 1);
    const auto b = put(queue, 2);
    (void)queue.take_next();
    (void)queue.take_next();
    EXPECT_EQ(queue.remove(a)->envelope, envelope(1));
    queue.restart();
    EXPECT_EQ(queue.take_next()->id, b);
    EXPECT_EQ(queue.take_next(), nullptr);
    EXPECT_FALSE(queue.remove(a));
}

TEST(EventQueue, no_received_is_due_while_sixty_four_events_are_unread) {
    EventQueue queue;
    for (std::uint8_t n = 0; n < 63; ++n)
        put(queue, n);
    EXPECT_EQ(queue.take_received().size(), 63U);
    put(queue, 63);
    EXPECT_TRUE(queue.take_received().empty());
    (void)queue.take_next();
    EXPECT_EQ(queue.take_received(), std::vector{envelope(63)});
    EXPECT_TRUE(queue.take_received().empty());
}

TEST(EventQueue, no_received_is_due_while_a_mebibyte_is_unread) {
    EventQueue queue;
    put(queue, 1, 1024 * 1024);
    EXPECT_TRUE(queue.take_received().empty());
    (void)queue.take_next();
    EXPECT_EQ(queue.take_received().size(), 1U);
}

TEST(EventQueue, what_expired_is_gone_read_or_not) {
    EventQueue queue;
    const UnixTime now{1000};
    put(queue, 1, 10, now + 1s);
    put(queue, 2, 10, now + 2s);
    (void)queue.take_next();
    EXPECT_EQ(queue.remove_expired(now + 1s), std::vector{envelope(1)});
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(queue.unread(), 1U);
    EXPECT_TRUE(queue.holds(envelope(2).id));
    EXPECT_FALSE(queue.holds(envelope(1).id));
}

TEST(EventQueue, only_the_last_unread_change_of_the_connection_is_kept) {
    EventQueue queue;
    for (int i = 0; i < 1000; ++i)
        queue.push(ConnectionChanged{ConnectionState::offline, std::nullopt, 1ms}, 0, std::nullopt);
    queue.push(ConnectionChanged{ConnectionState::online, std::nullopt, 0ms}, 0, std::nullopt);
    EXPECT_EQ(queue.size(), 1U);
    EXPECT_EQ(std::get<ConnectionChanged>(queue.take_next()->what).state, ConnectionState::online);
}

TEST(EventQueue, a_peer_cannot_grow_memory_with_gaps) {
    EventQueue queue;
    for (std::uint64_t i = 0; i < 10'000; ++i)
        queue.push(GapNoticed{{}, {}, i, i, false}, 0, std::nullopt);
    EXPECT_EQ(queue.size(), EventQueue::peer_notices);
    EXPECT_EQ(std::get<GapNoticed>(queue.take_next()->what).first, 10'000 - EventQueue::peer_notices);
}

}  // namespace
}  // namespace melder::sdk
