// The listener for operators over real sockets, with deadlines short enough for a test.

#include "server/watch/watch_listener.hpp"

#include <atomic>
#include <stdexcept>

#include <poll.h>

#include <gtest/gtest.h>

#include "tests/server/http_client.hpp"

namespace melder::server {
namespace {

using testing::http;
using testing::HttpClient;
using testing::parse_reply;
using namespace std::chrono_literals;

constexpr std::string_view get_health = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n";

class WatchListenerTest : public ::testing::Test {
protected:
    void start(WatchLimits limits = {}) {
        auto started = WatchListener::start(
            {"127.0.0.1", 0},
            [this](WatchPage page) {
                ++asked;
                if (page == WatchPage::metrics) throw std::runtime_error("no figures");
                return WatchListener::Answer{health_status, "application/json", answer_body};
            },
            Log::none(), limits);
        ASSERT_TRUE(started.has_value()) << started.error().message();
        listener = std::move(*started);
        port = listener->port();
    }
    std::atomic<unsigned> asked{0};
    unsigned health_status = 200;
    std::string answer_body = "{}";
    std::uint16_t port = 0;
    std::unique_ptr<WatchListener> listener;
};

TEST_F(WatchListenerTest, an_answer_arrives_whole_with_its_status_and_the_connection_ends) {
    health_status = 503;
    start();
    const auto reply = http(port, "GET", "/health?verbose=1");
    EXPECT_EQ(reply.status, 503U);
    EXPECT_EQ(reply.body, "{}");
    for (const auto* field :
         {"Content-Type: application/json", "Content-Length: 2", "Connection: close", "Cache-Control: no-store"})
        EXPECT_NE(reply.header.find(field), std::string::npos) << reply.header;
}

TEST_F(WatchListenerTest, HEAD_gets_the_header_alone) {
    start();
    const auto reply = http(port, "HEAD", "/health");
    EXPECT_EQ(reply.status, 200U);
    EXPECT_NE(reply.header.find("Content-Length: 2"), std::string::npos);
    EXPECT_EQ(reply.body, "");
}

TEST_F(WatchListenerTest, what_is_not_served_is_refused_and_not_asked_for) {
    start();
    EXPECT_EQ(http(port, "GET", "/").status, 404U);
    EXPECT_EQ(http(port, "GET", "/healthy").status, 404U);
    EXPECT_EQ(http(port, "POST", "/nowhere").status, 404U);
    const auto post = http(port, "POST", "/health", "Content-Length: 3\r\n");
    EXPECT_EQ(post.status, 405U);
    EXPECT_NE(post.header.find("Allow: GET, HEAD"), std::string::npos);
    EXPECT_EQ(http(port, "BREW", "/metrics").status, 405U);
    EXPECT_EQ(asked, 0U);
}

TEST_F(WatchListenerTest, bytes_that_are_no_HTTP_are_a_bad_request) {
    start();
    HttpClient client(port);
    client.send("\x16\x03\x01 hello\r\n\r\n");
    EXPECT_EQ(parse_reply(client.read_all()).status, 400U);
    EXPECT_EQ(asked, 0U);
}

TEST_F(WatchListenerTest, a_header_of_8_KiB_is_read_and_a_longer_one_refused) {
    start();
    const std::string field = "X-Long: ";
    const auto rest = get_health.size() + field.size() + 2;
    EXPECT_EQ(http(port, "GET", "/health", field + std::string(limits::http_header_bytes - rest, 'a') + "\r\n").status,
              200U);
    EXPECT_EQ(http(port, "GET", "/health", field + std::string(limits::http_header_bytes, 'a') + "\r\n").status, 431U);
}

TEST_F(WatchListenerTest, a_client_that_sends_more_than_was_asked_still_sees_the_answer) {
    start();
    HttpClient client(port);
    client.send("GET /health HTTP/1.1\r\nContent-Length: 30000\r\n\r\n" + std::string(30'000, 'x'));
    EXPECT_EQ(parse_reply(client.read_all()).status, 200U);
    EXPECT_TRUE(client.send("and more")) << "closed over unread bytes, the connection would have been reset";
}

TEST_F(WatchListenerTest, an_exception_becomes_a_500_and_the_next_request_is_served) {
    start();
    EXPECT_EQ(http(port, "GET", "/metrics").status, 500U);
    EXPECT_EQ(http(port, "GET", "/health").status, 200U);
}

TEST_F(WatchListenerTest, whoever_does_not_finish_the_header_is_closed_at_the_deadline) {
    start({.connections = 4, .request = 200ms, .response = 200ms});
    HttpClient slow(port);
    slow.send("GET /health HTTP/1.1\r\n");
    const auto begun = std::chrono::steady_clock::now();
    EXPECT_EQ(slow.read_all(), "");
    const auto waited = std::chrono::steady_clock::now() - begun;
    EXPECT_GE(waited, 150ms);
    EXPECT_LT(waited, 5s);
}

TEST_F(WatchListenerTest, sending_a_byte_now_and_then_does_not_put_the_deadline_off) {
    start({.connections = 1, .request = 200ms, .response = 200ms});
    HttpClient dribbling(port);
    dribbling.send("GET /health HTTP/1.1\r\nX: ");
    const auto begun = std::chrono::steady_clock::now();
    while (dribbling.send("x") && std::chrono::steady_clock::now() - begun < 5s)
        ::poll(nullptr, 0, 5);
    EXPECT_LT(std::chrono::steady_clock::now() - begun, 5s);
    EXPECT_EQ(http(port, "GET", "/health").status, 200U) << "its place is free again";
}

TEST_F(WatchListenerTest, a_client_that_does_not_read_its_answer_is_closed) {
    answer_body = std::string(64U * 1024 * 1024, 'x');  // more than the sockets between them hold
    start({.connections = 1, .request = 5s, .response = 200ms});
    HttpClient deaf(port);
    deaf.send(get_health);
    const auto reply = http(port, "HEAD", "/health");  // had to wait for the only place
    EXPECT_EQ(reply.status, 200U);
    EXPECT_LT(deaf.read_all().size(), answer_body.size());
}

TEST_F(WatchListenerTest, a_client_that_keeps_its_connection_open_after_the_answer_is_closed_too) {
    start({.connections = 1, .request = 5s, .response = 200ms});
    HttpClient lazy(port);
    lazy.send(get_health);
    EXPECT_EQ(http(port, "GET", "/health").status, 200U);  // had to wait for the only place
    EXPECT_EQ(asked, 2U);
}

TEST_F(WatchListenerTest, more_connections_than_allowed_wait_for_a_place) {
    start({.connections = 2, .request = 400ms, .response = 400ms});
    const auto begun = std::chrono::steady_clock::now();
    HttpClient first(port);
    HttpClient second(port);
    first.send("GET");
    second.send("GET");
    EXPECT_EQ(http(port, "GET", "/health").status, 200U);
    EXPECT_GE(std::chrono::steady_clock::now() - begun, 300ms);
}

TEST_F(WatchListenerTest, it_ends_while_connections_are_open) {
    start();
    HttpClient idle(port);
    HttpClient half(port);
    half.send("GET /health HTTP/1.1\r\n");
    EXPECT_EQ(http(port, "GET", "/health").status, 200U);
    listener.reset();
    EXPECT_EQ(half.read_all(), "");
    EXPECT_EQ(http(port, "GET", "/health").status, 0U);
}

TEST_F(WatchListenerTest, a_taken_port_and_a_foreign_address_are_told_with_the_key_to_change) {
    start();
    const auto answer = [](WatchPage) { return WatchListener::Answer{}; };
    const auto taken = WatchListener::start({"127.0.0.1", port}, answer, Log::none());
    ASSERT_TRUE(taken.has_error());
    EXPECT_EQ(taken.error().code(), Errc::port_in_use);
    EXPECT_NE(taken.error().detail().find("watch.listen, 127.0.0.1 port " + std::to_string(port)), std::string::npos);
    const auto foreign = WatchListener::start({"192.0.2.1", 0}, answer, Log::none());
    ASSERT_TRUE(foreign.has_error());
    EXPECT_EQ(foreign.error().code(), Errc::io_error);
}

}  // namespace
}  // namespace melder::server
