// The link's values and decisions: no sockets, no clock.

#include <gtest/gtest.h>

#include "core/frame_codec.hpp"
#include "core/limits.hpp"
#include "proto/link.pb.h"
#include "server/link/access.hpp"
#include "server/link/deadlines.hpp"
#include "server/link/http_upgrade.hpp"
#include "server/link/outbox.hpp"
#include "server/link/timer_wheel.hpp"
#include "server/log.hpp"
#include "tests/server/link_client_frames.hpp"

namespace melder::server {
namespace {

using test::joined;
using test::pattern;
using namespace std::chrono_literals;

// ---- frames in a message ----------------------------------------------------------------------------------------

TEST(FrameReader, gives_back_what_was_appended) {
    for (const std::size_t size : {1UL, 127UL, 128UL, 16383UL, 16384UL, 100'000UL}) {
        Bytes message;
        append_frame(message, BytesView(pattern(size)));
        append_frame(message, BytesView(pattern(3)));
        EXPECT_EQ(message.size(), framed_bytes(size) + framed_bytes(3));
        FrameReader reader(message);
        EXPECT_EQ(to_bytes(*reader.next().value()), pattern(size));
        EXPECT_EQ(to_bytes(*reader.next().value()), pattern(3));
        EXPECT_FALSE(reader.next().value().has_value());
    }
}

TEST(FrameReader, an_encoded_frame_reads_the_same_as_a_frame) {
    wire::Frame frame;
    frame.set_request(7);
    frame.mutable_fetch_log()->set_limit(5);
    Bytes from_message;
    append_frame(from_message, frame, frame.ByteSizeLong());
    Bytes from_bytes;
    append_frame(from_bytes, view(frame.SerializeAsString()));
    EXPECT_EQ(from_message, from_bytes);
}

TEST(FrameReader, refuses_what_is_not_a_sequence_of_frames) {
    for (const Bytes& message : {Bytes{}, Bytes{5, 1, 2}, Bytes{0x80}, Bytes{0x81, 0x00, 1},
                                 Bytes{0xff, 0xff, 0xff, 0x01}, Bytes{0x80, 0x80, 0x00}}) {
        FrameReader reader(message);
        EXPECT_TRUE(reader.next().has_error()) << to_hex(message);
    }
}

TEST(FrameReader, stops_at_the_number_of_frames_a_message_may_hold) {
    const Bytes message(2 * (limits::frames_per_message + 1), 0x01);
    FrameReader reader(message);
    for (std::size_t i = 0; i < limits::frames_per_message; ++i)
        ASSERT_TRUE(reader.next().has_value());
    EXPECT_EQ(reader.next().error(), Errc::too_large);
    // A reader that goes on where another stopped counts on.
    FrameReader first(message);
    ASSERT_TRUE(first.next().has_value());
    FrameReader second(first.rest(), first.count());
    for (std::size_t i = 1; i < limits::frames_per_message; ++i)
        ASSERT_TRUE(second.next().has_value());
    EXPECT_EQ(second.next().error(), Errc::too_large);
}

// ---- who may send what ------------------------------------------------------------------------------------------

std::vector<wire::Frame::BodyCase> allowed(Peer::Kind kind) {
    std::vector<wire::Frame::BodyCase> out;
    for (int body = 0; body < 128; ++body) {
        if (may_send(kind, static_cast<wire::Frame::BodyCase>(body)))
            out.push_back(static_cast<wire::Frame::BodyCase>(body));
    }
    return out;
}

TEST(Access, a_restricted_session_has_trust_list_log_own_grant_and_receipts_and_nothing_else) {
    using F = wire::Frame;
    EXPECT_EQ(allowed(Peer::Kind::restricted),
              (std::vector<F::BodyCase>{F::kOfferTrustList, F::kFetchTrustList, F::kFetchLog, F::kFetchStatement,
                                        F::kFetchOwnGrant, F::kUploadReceipt}));
}

TEST(Access, administrators_have_no_part_in_delivery_and_devices_none_in_administration) {
    for (const auto body : allowed(Peer::Kind::admin))
        EXPECT_TRUE(body >= 80 || body == 10 || (body >= 56 && body <= 60)) << body;
    for (const auto body : allowed(Peer::Kind::device))
        EXPECT_LT(body, 80) << body;
}

TEST(Access, nobody_sends_what_only_a_server_says) {
    using F = wire::Frame;
    for (const auto kind : {Peer::Kind::device, Peer::Kind::restricted, Peer::Kind::admin}) {
        for (const auto body :
             {F::kHello, F::kWelcome, F::kEnrolled, F::kError, F::kDone, F::kSubmitResult, F::kDeliver,
              F::kMailboxEmpty, F::kReplaced, F::kBundles, F::kDevices, F::kTrustList, F::kLogPage, F::kStatement,
              F::kOwnGrant, F::kDeviceList, F::kLogin, F::kAdminLogin, F::kEnrol}) {
            EXPECT_FALSE(may_send(kind, body)) << body;
        }
    }
}

// ---- time -------------------------------------------------------------------------------------------------------

constexpr LinkTime at(std::chrono::milliseconds since_start) {
    return LinkTime(since_start);
}

TEST(Deadlines, a_handshake_or_login_is_given_up_after_ten_seconds_whatever_was_heard) {
    const LinkTimes times;
    for (const auto phase : {Deadlines::Phase::handshake, Deadlines::Phase::login}) {
        Deadlines deadlines;
        deadlines.enter(phase, at(0s));
        deadlines.hear(at(9s));
        EXPECT_EQ(deadlines.check(times, at(9'999ms)).due, Deadlines::Due::nothing);
        EXPECT_EQ(deadlines.check(times, at(0s)).next, at(10s));
        EXPECT_EQ(deadlines.check(times, at(10s)).due, Deadlines::Due::give_up);
    }
}

TEST(Deadlines, a_silent_peer_is_pinged_once_after_30_seconds_and_dead_after_45) {
    const LinkTimes times;
    Deadlines deadlines;
    deadlines.enter(Deadlines::Phase::open, at(0s));
    EXPECT_EQ(deadlines.check(times, at(29'999ms)).due, Deadlines::Due::nothing);
    const auto ping = deadlines.check(times, at(30s));
    EXPECT_EQ(ping.due, Deadlines::Due::ping);
    EXPECT_EQ(ping.next, at(45s));
    EXPECT_EQ(deadlines.check(times, at(31s)).due, Deadlines::Due::nothing);
    EXPECT_EQ(deadlines.check(times, at(45s)).due, Deadlines::Due::give_up);
}

TEST(Deadlines, whoever_answers_is_alive_and_pinged_again_later) {
    const LinkTimes times;
    Deadlines deadlines;
    deadlines.enter(Deadlines::Phase::open, at(0s));
    EXPECT_EQ(deadlines.check(times, at(30s)).due, Deadlines::Due::ping);
    deadlines.hear(at(31s));
    EXPECT_EQ(deadlines.check(times, at(45s)).due, Deadlines::Due::nothing);
    EXPECT_EQ(deadlines.check(times, at(61s)).due, Deadlines::Due::ping);
    EXPECT_EQ(deadlines.check(times, at(76s)).due, Deadlines::Due::give_up);
}

std::vector<SessionId> ids(const std::vector<TimerWheel::Entry>& entries) {
    std::vector<SessionId> out;
    for (const auto& entry : entries)
        out.push_back(entry.id);
    return out;
}

TEST(TimerWheel, an_entry_comes_out_at_its_tick_and_not_before) {
    TimerWheel wheel(250ms, at(0s));
    const auto tick = wheel.schedule(1, at(1'001ms));
    EXPECT_TRUE(wheel.expire(at(1'249ms)).empty());
    const auto entries = wheel.expire(at(1'250ms));
    ASSERT_EQ(ids(entries), std::vector<SessionId>{1});
    EXPECT_EQ(entries[0].tick, tick);
    EXPECT_TRUE(wheel.expire(at(100s)).empty());
}

TEST(TimerWheel, what_is_due_already_comes_out_at_the_next_tick) {
    TimerWheel wheel(250ms, at(0s));
    EXPECT_TRUE(wheel.expire(at(10s)).empty());
    EXPECT_GT(wheel.schedule(1, at(1s)), 0U);
    EXPECT_EQ(ids(wheel.expire(at(10'250ms))), std::vector<SessionId>{1});
}

TEST(TimerWheel, what_lies_beyond_one_turn_comes_out_early_rather_than_never) {
    TimerWheel wheel(250ms, at(0s));
    EXPECT_GT(wheel.schedule(1, at(1000h)), 0U);
    EXPECT_EQ(ids(wheel.expire(at(64s))), std::vector<SessionId>{1});
}

TEST(TimerWheel, a_stall_of_many_turns_loses_nobody) {
    TimerWheel wheel(250ms, at(0s));
    for (SessionId id = 1; id <= 300; ++id)
        EXPECT_GT(wheel.schedule(id, at(id * 200ms)), 0U);
    EXPECT_EQ(wheel.expire(at(10h)).size(), 300U);
    EXPECT_GT(wheel.schedule(9, at(10h + 1s)), 0U);
    EXPECT_EQ(ids(wheel.expire(at(10h + 1s))), std::vector<SessionId>{9});
}

// ---- outbox -----------------------------------------------------------------------------------------------------

Bytes drain(Outbox& outbox, std::size_t piece = ~std::size_t{0}) {
    Bytes out;
    while (!outbox.empty()) {
        const auto front = outbox.front();
        const auto n = std::min(piece, front.size());
        out.insert(out.end(), front.begin(), front.begin() + static_cast<std::ptrdiff_t>(n));
        outbox.consume(n);
    }
    return out;
}

TEST(Outbox, everything_that_waits_leaves_as_one_message) {
    OutboxBudget budget(1 << 20);
    Outbox outbox(budget);
    for (int i = 0; i < 10; ++i)
        outbox.add(BytesView(pattern(10)));
    const auto bytes = to_bytes(outbox.front());
    ASSERT_EQ(bytes.size(), 2U + 10 * 11);
    EXPECT_EQ(bytes[0], 0x82);
    EXPECT_EQ(bytes[1], 110);
    EXPECT_EQ(outbox.queued_bytes(), bytes.size());
    EXPECT_EQ(budget.used_bytes(), bytes.size());
    outbox.consume(bytes.size());
    EXPECT_TRUE(outbox.empty());
    EXPECT_EQ(budget.used_bytes(), 0U);
}

TEST(Outbox, no_message_exceeds_128_KiB) {
    OutboxBudget budget(1 << 20);
    Outbox outbox(budget);
    const auto frame = pattern(50'000);
    for (int i = 0; i < 5; ++i)
        outbox.add(BytesView(frame));
    std::vector<std::size_t> messages;
    while (!outbox.empty()) {
        messages.push_back(outbox.front().size());
        outbox.consume(outbox.front().size());
    }
    EXPECT_EQ(messages, (std::vector<std::size_t>{10 + 2 * 50'003, 10 + 2 * 50'003, 4 + 50'003}));
    outbox.add(BytesView(pattern(limits::message_bytes - 3)));
    EXPECT_EQ(outbox.front().size(), 10 + limits::message_bytes);
}

TEST(Outbox, control_frames_keep_their_place_between_messages) {
    OutboxBudget budget(1 << 20);
    Outbox outbox(budget);
    outbox.add(BytesView(pattern(3)));
    outbox.add_raw(Bytes{0x8a, 0});
    outbox.add(BytesView(pattern(2)));
    EXPECT_EQ(drain(outbox, 3), joined({{0x82, 4, 3}, pattern(3), {0x8a, 0, 0x82, 3, 2}, pattern(2)}));
}

TEST(Outbox, what_was_shown_stays_the_same_while_more_is_added) {
    OutboxBudget budget(1 << 20);
    Outbox outbox(budget);
    outbox.add(BytesView(pattern(100)));
    const auto shown = to_bytes(outbox.front());
    outbox.consume(10);
    outbox.add(BytesView(pattern(100)));
    outbox.add_raw(Bytes{0x8a, 0});
    const auto again = outbox.front().first(shown.size() - 10);
    EXPECT_EQ(to_bytes(again), to_bytes(BytesView(shown).subspan(10)));
}

TEST(Outbox, gives_its_budget_back_when_it_dies) {
    OutboxBudget budget(1000);
    {
        Outbox outbox(budget);
        outbox.add(BytesView(pattern(900)));
        EXPECT_FALSE(outbox.budget_has_room(100));
        EXPECT_TRUE(outbox.budget_has_room(97));
    }
    EXPECT_EQ(budget.used_bytes(), 0U);
}

// ---- HTTP upgrade -----------------------------------------------------------------------------------------------

constexpr std::string_view good_request =
    "GET / HTTP/1.1\r\nHost: relay\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

struct UpgradeOutcome {
    HttpUpgrade::State state;
    std::string response;
    std::size_t unread;
};

UpgradeOutcome upgrade(std::string_view request, std::size_t piece = ~std::size_t{0}) {
    HttpUpgrade http;
    auto bytes = to_bytes(view(request));
    std::span<Byte> rest(bytes);
    auto state = HttpUpgrade::State::need_more;
    while (state == HttpUpgrade::State::need_more && !rest.empty()) {
        auto input = rest.first(std::min(piece, rest.size()));
        const auto before = input.size();
        state = http.take(input);
        rest = rest.subspan(before - input.size());
    }
    return {state, http.response(), rest.size()};
}

std::string without(std::string_view header) {
    std::string request(good_request);
    const auto at = request.find(header);
    return request.erase(at, request.find("\r\n", at) + 2 - at);
}

TEST(HttpUpgrade, answers_the_example_of_RFC_6455) {
    for (const std::size_t piece : {1UL, 3UL, 1000UL}) {
        const auto outcome = upgrade(good_request, piece);
        EXPECT_EQ(outcome.state, HttpUpgrade::State::accepted);
        EXPECT_TRUE(outcome.response.starts_with("HTTP/1.1 101 "));
        EXPECT_NE(outcome.response.find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), std::string::npos);
    }
}

TEST(HttpUpgrade, leaves_what_follows_the_header_to_the_codec) {
    EXPECT_EQ(upgrade(std::string(good_request) + "abc").unread, 3U);
}

TEST(HttpUpgrade, a_header_over_8_KiB_is_refused) {
    std::string request(good_request);
    request.insert(request.find("Host"), "X-Long: " + std::string(8 * 1024, 'x') + "\r\n");
    const auto outcome = upgrade(request);
    EXPECT_EQ(outcome.state, HttpUpgrade::State::refused);
    EXPECT_TRUE(outcome.response.starts_with("HTTP/1.1 431 "));
}

TEST(HttpUpgrade, everything_the_handshake_needs_is_required) {
    for (const std::string_view header : {"Upgrade:", "Connection:", "Sec-WebSocket-Key:"}) {
        EXPECT_TRUE(upgrade(without(header)).response.starts_with("HTTP/1.1 400 ")) << header;
    }
    EXPECT_TRUE(upgrade(without("Sec-WebSocket-Version:")).response.starts_with("HTTP/1.1 426 "));
    for (const std::string_view request :
         {"POST / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n", "GET / HTTP/1.0\r\nUpgrade: websocket\r\n\r\n"}) {
        EXPECT_EQ(upgrade(request).state, HttpUpgrade::State::refused);
    }
    std::string short_key(good_request);
    short_key.replace(short_key.find("dGhl"), 24, "c2hvcnQ=");
    EXPECT_EQ(upgrade(short_key).state, HttpUpgrade::State::refused);
}

// ---- log --------------------------------------------------------------------------------------------------------

TEST(LogValue, a_local_fact_cannot_break_out_of_its_line) {
    EXPECT_EQ(LogValue(LocalFact("a\"b\nc\\")).text(), "\"a\\\"b?c\\\\\"");
    EXPECT_EQ(LogValue(Errc::busy).text(), "busy");
    EXPECT_EQ(LogValue(EnrolmentId()).text(), std::string(32, '0'));
}

}  // namespace
}  // namespace melder::server
