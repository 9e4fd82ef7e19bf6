// /metrics of the real melder-server over real HTTP, and that docs/METRICS.md says what it exports, no more and no
// less.

#include <regex>

#include "tests/apps/watch_fixture.hpp"

namespace melder::testing {
namespace {

using MelderMetrics = MelderWatch;

TEST_F(MelderMetrics, every_exported_metric_is_documented_and_every_documented_one_is_exported) {
    start();
    const auto rows = documented_metrics();
    ASSERT_GT(rows.size(), 50U);
    const auto phone = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(phone).value();
    ASSERT_TRUE(submit(*link, Lane::normal, system_random().id<EnrolmentId>()).has_value());
    auto figures = scrape();
    ASSERT_TRUE(soon([&] {  // the loops have come to their timers
        figures = scrape();
        return !figures.labels.at("melder_link_loop_silent_seconds").empty();
    }));
    for (const auto& [name, type] : figures.types) {
        const auto row = rows.find(name);
        if (row == rows.end()) {
            ADD_FAILURE() << name << " is exported and not in docs/METRICS.md";
            continue;
        }
        EXPECT_EQ(row->second.type, type) << name;
        if (figures.labels.at(name).empty() && row->second.labels == std::set<std::string>{"code"}) continue;
        EXPECT_EQ(row->second.labels, figures.labels.at(name)) << name;
    }
    for (const auto& [name, row] : rows)
        EXPECT_TRUE(figures.types.contains(name)) << name << " is in docs/METRICS.md and not exported";
}

TEST_F(MelderMetrics, every_reason_is_documented) {
    start();
    const auto text = read_file(fs::path(MELDER_SOURCE_DIR) / "docs/METRICS.md");
    std::size_t reasons = 0;
    for (const auto& [sample, value] : scrape().samples) {
        const std::string begin = "melder_health_reason{reason=\"";
        if (!sample.starts_with(begin)) continue;
        ++reasons;
        const auto reason = sample.substr(begin.size(), sample.size() - begin.size() - 2);
        EXPECT_NE(text.find("| `" + reason + "` | "), std::string::npos) << reason;
    }
    EXPECT_EQ(reasons, 12U);
}

TEST_F(MelderMetrics, an_envelopes_way_to_an_absent_device_and_on_to_it_is_counted) {
    start();
    const auto sender = world.phone(system_random().id<OfficerId>());
    const auto recipient = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(sender).value();
    ASSERT_TRUE(submit(*link, Lane::urgent, recipient.id()).has_value());
    auto figures = scrape();
    EXPECT_EQ(figures.value("melder_relay_submitted_total{lane=\"urgent\"}"), 1);
    EXPECT_EQ(figures.value("melder_relay_puts_total{lane=\"urgent\",outcome=\"stored\"}"), 1);
    EXPECT_EQ(figures.value("melder_relay_forwarded_total{lane=\"urgent\"}"), 0);
    EXPECT_EQ(figures.value("melder_relay_submit_seconds_count"), 1);
    EXPECT_EQ(figures.value("melder_link_logins_total{kind=\"device\"}"), 1);
    EXPECT_EQ(figures.value("melder_link_logins_total{kind=\"enrolment\"}"), 2);
    EXPECT_EQ(figures.value("melder_keyserver_grants_total"), 2);
    EXPECT_EQ(figures.value("melder_directory_devices{state=\"active\"}"), 2);
    EXPECT_GT(figures.value("melder_store_commit_seconds_count"), 3);
    EXPECT_GT(figures.value("melder_store_wal_bytes"), 1000);

    const auto other = world.login(recipient).value();
    const auto delivered = other->await(wire::Frame::kDeliver);
    ASSERT_TRUE(delivered.has_value());
    wire::Frame ack;
    auto& ref = *ack.mutable_ack()->add_envelopes();
    ref.set_lane(wire::LANE_URGENT);
    ref.set_envelope_id(delivered->deliver().envelopes(0).envelope_id());
    other->send(ack);
    ASSERT_TRUE(other->await(wire::Frame::kMailboxEmpty).has_value());
    EXPECT_TRUE(soon([&] {
        world.io.poll();
        figures = scrape();
        return figures.value("melder_relay_acknowledged_total{lane=\"urgent\"}") == 1 &&
               figures.value("melder_relay_drain_seconds_count") == 2;
    })) << figures.value("melder_relay_drain_seconds_count");
    EXPECT_EQ(figures.value("melder_relay_forwarded_total{lane=\"urgent\"}"), 1);
}

TEST_F(MelderMetrics, refusals_are_counted_by_their_code) {
    start();
    const auto sender = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(sender).value();
    ASSERT_TRUE(submit(*link, Lane::normal, system_random().id<EnrolmentId>()).has_value());
    wire::Frame take;
    take.mutable_take_bundles()->add_devices(sender.id().string());
    ASSERT_TRUE(link->request(std::move(take)).has_value());
    ASSERT_TRUE(world.connect()->login(sender.id(), generate_p256().private_key).has_error());
    const auto revoked = world.phone(system_random().id<OfficerId>());
    ASSERT_TRUE(world.order(OrderKind::revoke, revoked.id(), {&world.chief}).has_value());

    const auto figures = scrape();
    EXPECT_EQ(figures.value("melder_relay_sender_refusals_total{code=\"unknown_device\"}"), 1);
    EXPECT_EQ(figures.value("melder_keyserver_refusals_total{code=\"no_prekeys\"}"), 1);
    EXPECT_EQ(figures.value("melder_keyserver_requests_total{request=\"take_bundles\"}"), 1);
    EXPECT_EQ(figures.value("melder_link_login_refusals_total{code=\"login_refused\"}"), 1);
    EXPECT_EQ(figures.value("melder_keyserver_orders_total"), 1);
    EXPECT_EQ(figures.value("melder_directory_order_log_entries"), 2);  // the first is the trust list's
    EXPECT_EQ(figures.value("melder_directory_devices{state=\"revoked\"}"), 1);
}

TEST_F(MelderMetrics, what_a_device_does_with_its_envelopes_is_counted) {
    start();
    const auto sender = world.phone(system_random().id<OfficerId>());
    const auto recipient = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(sender).value();
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(submit(*link, Lane::normal, recipient.id()).has_value());
    const auto other = world.login(recipient).value();
    std::vector<wire::EnvelopeRef> refs;
    while (refs.size() < 2) {
        const auto delivered = other->await(wire::Frame::kDeliver);
        ASSERT_TRUE(delivered.has_value());
        for (const auto& envelope : delivered->deliver().envelopes()) {
            auto& ref = refs.emplace_back();
            ref.set_lane(wire::LANE_NORMAL);
            ref.set_envelope_id(envelope.envelope_id());
        }
    }
    wire::Frame received;
    *received.mutable_received()->add_envelopes() = refs[0];
    other->send(received);
    wire::Frame refuse;
    auto& refusal = *refuse.mutable_refuse()->add_refusals();
    *refusal.mutable_envelope() = refs[0];
    refusal.set_code(static_cast<std::uint32_t>(Errc::undecryptable));
    other->send(refuse);
    wire::Frame defer;
    *defer.mutable_defer()->add_envelopes() = refs[1];
    other->send(defer);
    Scrape figures;
    EXPECT_TRUE(soon([&] {
        world.io.poll();
        figures = scrape();
        return figures.value("melder_relay_deferred_total{lane=\"normal\"}") == 1;
    }));
    EXPECT_EQ(figures.value("melder_relay_received_total{lane=\"normal\"}"), 1);
    EXPECT_EQ(figures.value("melder_relay_refused_total{lane=\"normal\"}"), 1);
    EXPECT_EQ(figures.value("melder_relay_device_refusals_total{code=\"undecryptable\"}"), 1);
}

TEST_F(MelderMetrics, what_a_connection_did_and_was_not_allowed_is_counted) {
    start();
    HttpClient stranger(server.port());
    stranger.send("this is no TLS, and nothing else either\r\n\r\n");
    static_cast<void>(stranger.read_all());
    const auto phone = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(phone).value();
    wire::Frame status;
    status.mutable_status();
    EXPECT_TRUE(link->request(std::move(status)).has_error()) << "an administrator's";
    const auto revoked = world.phone(system_random().id<OfficerId>());
    ASSERT_TRUE(world.order(OrderKind::revoke, revoked.id(), {&world.chief}).has_value());
    ASSERT_TRUE(world.login(revoked).has_value());

    const auto figures = scrape();
    EXPECT_EQ(figures.value("melder_link_handshakes_total{result=\"failed\"}"), 1);
    EXPECT_EQ(figures.value("melder_link_refused_frames_total"), 1);
    EXPECT_EQ(figures.value("melder_link_logins_total{kind=\"restricted\"}"), 1);
    for (const auto* direction : {"in", "out"}) {
        const auto label = std::string("{direction=\"") + direction + "\"}";
        EXPECT_GE(figures.value("melder_link_frames_total" + label), 5) << direction;
        EXPECT_GE(figures.value("melder_link_messages_total" + label), 5) << direction;
    }
}

TEST_F(MelderMetrics, no_metric_names_a_person_or_a_device) {
    start();
    const auto officer = system_random().id<OfficerId>();
    const auto phone = world.phone(officer);
    const auto link = world.login(phone).value();
    ASSERT_TRUE(submit(*link, Lane::normal, system_random().id<EnrolmentId>()).has_value());
    const auto body = server.get("/metrics").body;
    for (const auto& name : {phone.id().hex(), officer.hex(), phone.grant.display_name, phone.grant.service_number,
                             std::string("LKA"), std::string("127.0.0.1")})
        EXPECT_EQ(body.find(name), std::string::npos) << name;
    // And no value could: words of the code, numbers of cores, the version.
    const std::regex word(R"([a-z][a-z_]{1,31}|[0-9]{1,3}|[0-9]+\.[0-9]+\.[0-9]+)");
    for (const auto& value : parse_scrape(body).label_values)
        EXPECT_TRUE(std::regex_match(value, word)) << value;
}

TEST_F(MelderMetrics, the_process_tells_about_itself) {
    start();
    const auto first = scrape();
    EXPECT_GT(first.value("process_resident_memory_bytes"), 1e6);
    EXPECT_GT(first.value("process_max_fds"), first.value("process_open_fds"));
    const auto sender = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(sender).value();
    const auto second = scrape();
    EXPECT_GT(second.value("process_open_fds"), 10);
    EXPECT_GT(second.value("process_cpu_seconds_total"), first.value("process_cpu_seconds_total"));
    EXPECT_EQ(second.value("process_start_time_seconds"), first.value("process_start_time_seconds"));
    double sessions = 0;
    for (const auto& [sample, value] : second.samples) {
        if (sample.starts_with("melder_link_sessions{")) sessions += value;
        if (sample.starts_with("melder_link_loop_silent_seconds{")) EXPECT_LT(value, 5) << sample;
    }
    EXPECT_EQ(sessions, 1);
    EXPECT_LT(second.value("melder_directory_feed_age_seconds"), 10);
}

}  // namespace
}  // namespace melder::testing
