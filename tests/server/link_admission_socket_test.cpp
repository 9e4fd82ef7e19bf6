// What those who have not logged in may take up, over real sockets.

#include <future>

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
    expect_error(first->read(), Errc::second_part_wrong);
    const auto second = connect();
    second->send(frame);
    const auto answer = second->read();
    expect_error(answer, Errc::busy);
    EXPECT_GT(answer->error().retry_after_ms(), 0U);
    EXPECT_LE(answer->error().retry_after_ms(), 60'000U);
    EXPECT_TRUE(second->read_to_end());
    (void)log_in(device);
}

TEST_F(Link, an_unknown_device_is_admitted_before_it_goes_to_its_home_core_and_works_there) {
    // Several, so that some change loops and some do not.
    std::vector<Device> devices(6);
    std::atomic<int> admitted = 0;
    for (const auto& one : devices) {
        authority.set(one.id, one.key.public_key, Peer::Kind::device);
        authority.make_unknown(one.id);
    }
    authority.on_admit = [&](const Bytes&, const std::function<void(Result<void>)>& done) {
        ++admitted;
        done(ok());
    };
    start();
    for (const auto& one : devices) {
        const auto client = log_in(one);
        client->send(fetch_statement(7));
        ASSERT_TRUE(journal.wait_for("frame " + std::to_string(wire::Frame::kFetchStatement),
                                     static_cast<std::size_t>(admitted)));
    }
    EXPECT_EQ(admitted, 6);
}

TEST_F(Link, an_unknown_device_that_is_not_admitted_is_told_why_and_one_with_a_wrong_signature_is_not_asked_about) {
    authority.make_unknown(device.id);
    int asked = 0;
    authority.on_admit = [&](const Bytes&, const std::function<void(Result<void>)>& done) {
        ++asked;
        done(Errc::already_bound);
    };
    start();
    const auto client = connect();
    client->send(login_frame(device, client->exporter(), client->hello()));
    expect_error(client->read(), Errc::already_bound);
    EXPECT_TRUE(client->read_to_end());
    const auto liar = connect();
    Device other;
    other.id = device.id;
    liar->send(login_frame(other, liar->exporter(), liar->hello()));
    expect_error(liar->read(), Errc::login_refused);
    EXPECT_EQ(asked, 1);
}

TEST_F(Link, nothing_is_opened_before_the_admission_was_answered_whatever_else_is_being_sent) {
    authority.make_unknown(device.id);
    std::promise<std::function<void(Result<void>)>> asked;
    authority.on_admit = [&](const Bytes&, std::function<void(Result<void>)> done) {
        asked.set_value(std::move(done));
    };
    start();
    const auto client = connect();
    wire::Frame offer;
    offer.set_request(5);
    auto& list = *offer.mutable_offer_trust_list()->mutable_trust_list();
    list.set_body("list");
    list.add_signatures()->set_key_id(std::string(32, 'k'));
    list.mutable_signatures(0)->set_signature(std::string(64, 's'));
    // The answer to the offer waits to be sent while the login begins to wait.
    client->send({offer, login_frame(device, client->exporter(), client->hello())});
    EXPECT_TRUE(client->read()->has_done());
    Device other;
    authority.set(other.id, other.key.public_key, Peer::Kind::device);
    (void)log_in(other);
    const auto lines = journal.lines();
    EXPECT_EQ(std::ranges::count(lines, "open " + device.id.hex()), 0);
    asked.get_future().get()(ok());
    const auto welcome = client->read();
    EXPECT_TRUE(welcome.has_value() && welcome->has_welcome());
}

TEST_F(Link, a_device_whose_admission_is_never_answered_is_dropped_at_the_login_deadline) {
    authority.make_unknown(device.id);
    std::function<void(Result<void>)> kept;
    authority.on_admit = [&](const Bytes&, std::function<void(Result<void>)> done) { kept = std::move(done); };
    config.times.login = 50ms;
    start();
    const auto client = connect();
    client->send(login_frame(device, client->exporter(), client->hello()));
    EXPECT_TRUE(client->read_to_end());
    kept(ok());  // late: nobody is there any more
}

}  // namespace
}  // namespace melder::server::test
