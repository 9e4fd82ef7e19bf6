#include <gtest/gtest.h>

#include "client/request_table.hpp"

namespace melder::client {
namespace {

using namespace std::chrono_literals;
using Reply = LinkConnection::Reply;
using Parts = std::vector<Result<wire::Frame>>;

const RequestTable::TimePoint start{};

LinkConnection::PartHandler into(Parts& parts, std::size_t expected = 1) {
    return [&parts, expected](Result<wire::Frame> part) {
        parts.push_back(std::move(part));
        return parts.size() < expected ? Reply::more_to_come : Reply::last_part;
    };
}
wire::Frame done(std::uint32_t request) {
    wire::Frame frame;
    frame.set_request(request);
    frame.mutable_done();
    return frame;
}

TEST(RequestTable, a_reply_goes_to_its_request_and_to_no_other) {
    RequestTable table;
    Parts first, second;
    const auto one = table.add(into(first), 1s, start);
    const auto two = table.add(into(second), 1s, start);
    ASSERT_NE(one, two);
    auto frame = done(two);
    EXPECT_TRUE(table.deliver(frame, start));
    EXPECT_TRUE(first.empty());
    EXPECT_EQ(second.size(), 1u);
    auto again = done(two);
    EXPECT_FALSE(table.deliver(again, start));
}

TEST(RequestTable, a_refusal_is_an_error_with_its_wait_and_ends_the_request) {
    RequestTable table;
    Parts parts;
    wire::Frame frame;
    frame.set_request(table.add(into(parts, 5), 1s, start));
    frame.mutable_error()->set_code(static_cast<std::uint32_t>(Errc::busy));
    frame.mutable_error()->set_retry_after_ms(700);
    EXPECT_TRUE(table.deliver(frame, start));
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].error(), Errc::busy);
    EXPECT_EQ(parts[0].error().retry_after_ms(), 700u);
    EXPECT_TRUE(table.empty());
}

TEST(RequestTable, silence_ends_with_the_deadline) {
    RequestTable table;
    Parts parts;
    (void)table.add(into(parts), 1s, start);
    EXPECT_EQ(table.next_due(), start + 1s);
    table.expire(start + 999ms);
    EXPECT_TRUE(parts.empty());
    table.expire(start + 1s);
    ASSERT_EQ(parts.size(), 1u);
    EXPECT_EQ(parts[0].error(), Errc::deadline_exceeded);
}

TEST(RequestTable, each_part_begins_the_deadline_anew) {
    RequestTable table;
    Parts parts;
    auto frame = done(table.add(into(parts, 2), 1s, start));
    auto second = frame;
    EXPECT_TRUE(table.deliver(frame, start + 900ms));
    table.expire(start + 1500ms);
    EXPECT_TRUE(table.deliver(second, start + 1600ms));
    EXPECT_EQ(parts.size(), 2u);
    EXPECT_TRUE(parts[1].has_value());
    EXPECT_TRUE(table.empty());
}

TEST(RequestTable, a_request_whose_handler_ends_the_connection_is_told_so) {
    RequestTable table;
    Parts parts;
    wire::Frame frame = done(table.add(
        [&](Result<wire::Frame> part) {
            parts.push_back(std::move(part));
            if (parts.size() == 1) table.fail_all(Errc::network);
            return Reply::more_to_come;
        },
        1s, start));
    EXPECT_TRUE(table.deliver(frame, start));
    ASSERT_EQ(parts.size(), 2u);
    EXPECT_EQ(parts[1].error(), Errc::network);
}

}  // namespace
}  // namespace melder::client
