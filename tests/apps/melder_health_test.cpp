// /health of the real melder-server over real HTTP: while it starts, serves, lacks something, and stops.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <csignal>

#include "tests/apps/run_command.hpp"
#include "tests/apps/watch_fixture.hpp"

namespace melder::testing {
namespace {

using MelderHealth = MelderWatch;

std::uint16_t free_port() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), size);
    ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&address), &size);
    ::close(descriptor);
    return ntohs(address.sin_port);
}

TEST_F(MelderHealth, health_says_ready_and_in_how_many_days_what_ends) {
    start();
    auto ready = health(200);
    EXPECT_EQ(ready["status"], "ready");
    EXPECT_TRUE(ready["reasons"].as_array().empty());
    EXPECT_EQ(ready["ends_in_days"].at("trust_list"), 364);
    EXPECT_EQ(ready["ends_in_days"].at("tls"), 36'499);
    EXPECT_FALSE(ready["ends_in_days"].as_object().contains("grants"));

    static_cast<void>(world.phone(system_random().id<OfficerId>()));
    EXPECT_EQ(health(200)["ends_in_days"].at("grants"), 364);
    const auto figures = scrape();
    EXPECT_NEAR(figures.value("melder_days_until_end{what=\"grants\"}"), 365, 0.01);
    EXPECT_NEAR(figures.value("melder_days_until_end{what=\"trust_list\"}"), 365, 0.01);
    EXPECT_EQ(figures.value("melder_serving"), 1);
}

TEST_F(MelderHealth, health_names_what_is_wrong_and_goes_on_answering_200) {
    ASSERT_EQ(run_command("openssl req -x509 -new -key " + key("tls.key").string() +
                          " -subj /CN=melder -days 30 -out " + key("tls.crt").string())
                  .exit_code,
              0);
    start();
    auto degraded = health(200);
    EXPECT_EQ(degraded["status"], "degraded");
    EXPECT_EQ(json::serialize(degraded["reasons"]), R"(["tls_ends"])");
    EXPECT_EQ(degraded["ends_in_days"].at("tls"), 29);
    EXPECT_EQ(scrape().value("melder_health_reason{reason=\"tls_ends\"}"), 1);
}

TEST_F(MelderHealth, a_store_that_refuses_a_write_is_told) {
    start();
    const auto sender = world.phone(system_random().id<OfficerId>());
    const auto recipient = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(sender).value();
    EXPECT_EQ(health(200)["status"], "ready");
    server.limit_file_size(1);
    static_cast<void>(submit(*link, Lane::urgent, recipient.id()));
    EXPECT_TRUE(soon([&] { return json::serialize(health(200)["reasons"]) == R"(["store_failing"])"; }))
        << json::serialize(health(200)["reasons"]);
    EXPECT_GE(scrape().value("melder_store_commit_failures_total"), 1);
}

TEST_F(MelderHealth, each_disk_is_told_apart_once_its_directory_is_gone) {
    start();
    const auto data = world.directory() / "data";
    const auto away = world.directory() / "away";
    fs::rename(data, away);
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["data_disk_low"])");
    EXPECT_EQ(scrape().value("melder_disk_free_bytes{place=\"data\"}"), -1);
    EXPECT_GT(scrape().value("melder_disk_free_bytes{place=\"order_log_copy\"}"), 0);
    fs::rename(away, data);
    EXPECT_EQ(health(200)["status"], "ready");
}

TEST_F(MelderHealth, a_second_place_of_the_order_log_that_is_gone_is_told) {
    start();
    const auto place = fs::path(world.config().order_log_copy).parent_path();
    fs::rename(place, world.directory() / "away");
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["order_log_copy_disk_low","order_log_copy_unwritable"])");
}

TEST_F(MelderHealth, a_start_on_a_backup_is_told_until_the_next_one) {
    start();
    server.signal(SIGTERM);
    ASSERT_EQ(server.wait(), 0);
    start(true);
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["restored_store"])");
    server.signal(SIGTERM);
    ASSERT_EQ(server.wait(), 0);
    start();
    EXPECT_EQ(health(200)["status"], "ready");
}

/// The system's, moved.
class ShiftedClock final : public Clock {
public:
    [[nodiscard]] UnixTime wall() const override { return system_clock().wall(); }
    [[nodiscard]] BootTime boot() const override { return system_clock().boot() + Millis(shift_ms.load()); }
    std::atomic<std::int64_t> shift_ms{0};
};

TEST_F(MelderHealth, a_directory_that_was_not_heard_of_for_ten_seconds_lets_nobody_in) {
    ShiftedClock clock;
    const auto process =
        apps::ServerProcess::start(world.config(), {}, clock, system_random(), server::Log::none()).value();
    const auto ask = [&] { return http(process->watch_port(), "GET", "/health"); };
    EXPECT_EQ(ask().status, 200U);
    HttpReply reply;
    EXPECT_TRUE(soon([&] {  // until the next sign of life, which comes every two seconds
        clock.shift_ms += 11'000;
        reply = ask();
        return reply.status == 503;
    }));
    EXPECT_NE(reply.body.find(R"("reasons":["directory_stale"])"), std::string::npos) << reply.body;
    EXPECT_TRUE(soon([&] { return ask().status == 200; })) << "and with it they are let in again";
}

TEST_F(MelderHealth, it_says_unavailable_while_the_server_starts) {
    // A pipe in the place of the order log's copy: the start reads it to an end that never comes.
    const auto copy = world.config().order_log_copy;
    fs::remove(copy);
    ASSERT_EQ(::mkfifo(copy.c_str(), 0600), 0);
    const auto port = free_port();
    replace_in_config(watch, "[watch]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"");
    server.launch(port);
    HttpReply reply;
    ASSERT_TRUE(soon([&] {
        reply = server.get("/health");
        return reply.status != 0;
    })) << server.log();
    EXPECT_EQ(reply.status, 503U);
    EXPECT_NE(reply.body.find(R"({"status":"unavailable","reasons":["not_serving"])"), std::string::npos) << reply.body;
    const auto figures = scrape();
    EXPECT_EQ(figures.value("melder_serving"), 0);
    EXPECT_FALSE(figures.types.contains("melder_link_connections")) << "there is no link yet";
}

TEST_F(MelderHealth, health_says_unavailable_while_the_server_stops) {
    start();
    const auto phone = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(phone).value();  // does not answer the farewell, so the server waits for it
    server.signal(SIGTERM);
    HttpReply reply;
    EXPECT_TRUE(soon([&] {
        reply = server.get("/health");
        return reply.status != 200;
    }));
    EXPECT_EQ(reply.status, 503U);
    EXPECT_NE(reply.body.find(R"({"status":"unavailable","reasons":["not_serving"])"), std::string::npos) << reply.body;
    EXPECT_EQ(server.wait(), 0);
}

TEST_F(MelderHealth, a_server_started_with_such_a_key_says_so) {
    const auto foreign = server::make_tls_identity();
    std::ofstream(key("tls.crt")) << foreign.certificate_pem;
    std::ofstream(key("tls.key")) << as_chars(foreign.private_key_pem.expose());
    start();
    EXPECT_TRUE(server.has_logged("tls_key_not_pinned")) << server.log();
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["tls_not_pinned"])");
}

TEST_F(MelderHealth, a_taken_port_ends_the_start_with_the_key_to_change) {
    start();
    World other;
    const auto config = (other.directory() / "melder.toml").string();
    auto text = read_file(config);
    const std::string off = "[watch]\nlisten = \"\"";
    text.replace(text.find(off), off.size(),
                 "[watch]\nlisten = \"127.0.0.1:" + std::to_string(server.watch_port()) + "\"");
    std::ofstream(config) << text;
    const auto result = run_command(std::string(MELDER_SERVER_BINARY) + " run --config " + config);
    EXPECT_EQ(result.exit_code, 1);
    EXPECT_NE(result.output.find("the listening port is taken: watch.listen, 127.0.0.1 port "), std::string::npos)
        << result.output;
}

TEST_F(MelderHealth, an_address_beyond_this_machine_is_refused_with_its_line) {
    replace_in_config(watch, "[watch]\nlisten = \"0.0.0.0:0\"");
    const auto text = read_file(config_file());
    const auto before = text.substr(0, text.find("listen = \"0.0.0.0:0\""));
    const auto line = 1 + std::count(before.begin(), before.end(), '\n');
    const auto result = run_command(std::string(MELDER_SERVER_BINARY) + " run --config " + config_file().string());
    EXPECT_EQ(result.exit_code, 2);
    EXPECT_NE(result.output.find("line " + std::to_string(line) + ": watch.listen is not this machine's own"),
              std::string::npos)
        << result.output;
}

}  // namespace
}  // namespace melder::testing
