// What those who have not logged in may take up, over real sockets.

#include "tests/server/link_fixture.hpp"

namespace melder::server::test {
namespace {

TEST_F(Link, beyond_its_places_an_address_is_closed_at_once_and_a_login_gives_its_place_back) {
    config.admission.handshakes_per_source = 2;
    start();
    const auto first = connect();
    const auto second = connect();
    LinkTestClient third(server->port());
    EXPECT_FALSE(third.handshake());
    EXPECT_TRUE(third.read_to_end());
    EXPECT_EQ(server->counters().not_admitted, 1U);

    first->send(login_frame(device, first->exporter(), first->hello()));
    ASSERT_TRUE(first->read()->has_welcome());
    EXPECT_TRUE(LinkTestClient(server->port()).open());
    EXPECT_EQ(server->counters().not_admitted, 1U);
}

TEST_F(Link, a_connection_that_ends_before_its_login_gives_its_place_back) {
    config.admission.handshakes = 1;
    config.times.login = 50ms;
    start();
    LinkTestClient silent(server->port());
    ASSERT_TRUE(silent.open());
    EXPECT_TRUE(silent.read_to_end());
    const auto until = std::chrono::steady_clock::now() + 5s;
    bool opened = false;
    while (!opened && std::chrono::steady_clock::now() < until)
        opened = LinkTestClient(server->port()).open();
    EXPECT_TRUE(opened);
}

TEST_F(Link, too_many_enrolments_of_an_address_are_busy_with_a_time_and_logins_go_on) {
    config.admission.enrolments_per_minute = 1;
    start();
    wire::Frame frame;
    frame.mutable_enrol()->set_body("body");
    frame.mutable_enrol()->set_signature("no signature");
    const auto first = connect();
    first->send(frame);
    expect_error(first->read(), Errc::bad_signature);
    const auto second = connect();
    second->send(frame);
    const auto answer = second->read();
    expect_error(answer, Errc::busy);
    EXPECT_GT(answer->error().retry_after_ms(), 0U);
    EXPECT_LE(answer->error().retry_after_ms(), 60'000U);
    EXPECT_TRUE(second->read_to_end());
    (void)log_in(device);
}

}  // namespace
}  // namespace melder::server::test
