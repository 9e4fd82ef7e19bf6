// /health, /metrics and SIGHUP of the real melder-server over real HTTP; and that docs/METRICS.md and the dashboard say
// what the server exports, no more and no less.

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/json.hpp>
#include <csignal>

#include <gtest/gtest.h>

#include "core/crypto.hpp"
#include "server/link/tls_identity.hpp"
#include "tests/apps/run_command.hpp"
#include "tests/apps/watched_server.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

std::string read_file(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

/// The pin of the certificate that a new connection is shown; zeros if the handshake fails.
Hash shown_pin(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Hash pin;
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
        const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
        SSL_set_fd(ssl.get(), descriptor);
        if (SSL_connect(ssl.get()) == 1) {
            unsigned char* der = nullptr;
            const auto size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(SSL_get0_peer_certificate(ssl.get())), &der);
            pin = sha256(BytesView(der, static_cast<std::size_t>(size)));
            OPENSSL_free(der);
        }
    }
    ::close(descriptor);
    return pin;
}

/// What one scrape said.
struct Scrape {
    std::map<std::string, std::string> types;             ///< of each family
    std::map<std::string, std::set<std::string>> labels;  ///< of each family, without `le`
    std::map<std::string, double> samples;                ///< by name and labels as written
    std::set<std::string> label_values;
    [[nodiscard]] double value(const std::string& sample) const {
        const auto found = samples.find(sample);
        return found == samples.end() ? -1 : found->second;
    }
};

std::string family_of(const Scrape& scrape, std::string name) {
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
        if (!name.ends_with(suffix)) continue;
        const auto base = name.substr(0, name.size() - suffix.size());
        const auto found = scrape.types.find(base);
        if (found != scrape.types.end() && found->second == "histogram") return base;
    }
    return name;
}

Scrape parse_scrape(const std::string& text) {
    Scrape scrape;
    std::istringstream in(text);
    const std::regex type(R"(# TYPE (\S+) (\S+))");
    const std::regex sample(R"(([a-z_]+)(\{(.*)\})? (\S+))");
    const std::regex label(R"re(([a-z_]+)="([^"]*)")re");
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (std::regex_match(line, match, type)) {
            EXPECT_TRUE(scrape.types.emplace(match[1], match[2]).second) << "twice: " << line;
            scrape.labels[match[1]];
        } else if (line.starts_with('#')) {
            EXPECT_TRUE(line.starts_with("# HELP ")) << line;
        } else if (std::regex_match(line, match, sample)) {
            scrape.samples[match[1].str() + match[2].str()] = std::stod(match[4]);
            const auto family = family_of(scrape, match[1]);
            EXPECT_TRUE(scrape.types.contains(family)) << line;
            const auto labels = match[3].str();
            for (std::sregex_iterator it(labels.begin(), labels.end(), label), end; it != end; ++it) {
                if ((*it)[1] == "le") continue;
                scrape.labels[family].insert((*it)[1]);
                scrape.label_values.insert((*it)[2]);
            }
        } else {
            ADD_FAILURE() << "no line of the text format: " << line;
        }
    }
    return scrape;
}

struct Documented {
    std::string type;
    std::set<std::string> labels;
};
/// The rows of the tables of metrics in docs/METRICS.md.
std::map<std::string, Documented> documented() {
    std::map<std::string, Documented> out;
    std::istringstream in(read_file(fs::path(MELDER_SOURCE_DIR) / "docs/METRICS.md"));
    const std::regex row(R"(\| `([a-z_]+)` \| (counter|gauge|histogram) \|([^|]*)\| .+ \|)");
    const std::regex label("`([a-z_]+)`");
    std::smatch match;
    for (std::string line; std::getline(in, line);) {
        if (!std::regex_match(line, match, row)) continue;
        auto& one = out[match[1]];
        one.type = match[2];
        const auto labels = match[3].str();
        for (std::sregex_iterator it(labels.begin(), labels.end(), label), end; it != end; ++it)
            one.labels.insert((*it)[1]);
    }
    return out;
}

class MelderWatch : public ::testing::Test {
protected:
    MelderWatch() : server(world.directory()) { replace_in_config("[watch]\nlisten = \"\"", watch); }

    void replace_in_config(const std::string& from, const std::string& to) {
        auto text = read_file(config_file());
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        std::ofstream(config_file()) << text;
    }
    [[nodiscard]] fs::path config_file() const { return world.directory() / "melder.toml"; }
    [[nodiscard]] fs::path key(const std::string& name) const { return world.directory() / "keys" / name; }
    void start() {
        ASSERT_TRUE(server.start()) << server.log();
        world.use_port(server.port());
    }
    [[nodiscard]] Scrape scrape() const {
        const auto reply = server.get("/metrics");
        EXPECT_EQ(reply.status, 200U);
        EXPECT_NE(reply.header.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
        return parse_scrape(reply.body);
    }
    [[nodiscard]] json::object health(unsigned status) const {
        const auto reply = server.get("/health");
        EXPECT_EQ(reply.status, status) << reply.body;
        EXPECT_NE(reply.header.find("Content-Type: application/json"), std::string::npos);
        return json::parse(reply.body).as_object();
    }
    [[nodiscard]] Hash pin_of(const std::string& name) const {
        return server::spki_sha256_of(read_file(key(name))).value();
    }
    /// As `keys next` does: the next key takes the place of the one in use.
    void put_next_key_in_place() {
        for (const std::string end : {".crt", ".key"})
            fs::copy_file(key("tls-next" + end), key("tls" + end), fs::copy_options::overwrite_existing);
    }
    Result<wire::Frame> submit(Link& link, Lane lane, const EnrolmentId& recipient) {
        wire::Frame frame;
        *frame.mutable_submit() = make_submit(system_random().id<EnvelopeId>(), lane, {recipient},
                                              system_clock().wall() + std::chrono::hours(1));
        return link.request(std::move(frame));
    }

    const std::string watch = "[watch]\nlisten = \"127.0.0.1:0\"";
    World world;
    WatchedServer server;
};

TEST_F(MelderWatch, health_says_ready_and_in_how_many_days_what_ends) {
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

TEST_F(MelderWatch, health_names_what_is_wrong_and_goes_on_answering_200) {
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

TEST_F(MelderWatch, every_exported_metric_is_documented_and_every_documented_one_is_exported) {
    start();
    const auto rows = documented();
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

TEST_F(MelderWatch, every_reason_is_documented) {
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

TEST_F(MelderWatch, an_envelopes_way_to_an_absent_device_and_on_to_it_is_counted) {
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

TEST_F(MelderWatch, refusals_are_counted_by_their_code) {
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

TEST_F(MelderWatch, no_metric_names_a_person_or_a_device) {
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

TEST_F(MelderWatch, the_process_tells_about_itself) {
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

TEST_F(MelderWatch, health_says_unavailable_while_the_server_stops) {
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

TEST_F(MelderWatch, SIGHUP_gives_new_handshakes_the_new_certificate_and_leaves_sessions_alone) {
    start();
    const auto phone = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(phone).value();
    const auto former = pin_of("tls.crt");
    EXPECT_EQ(shown_pin(server.port()), former);
    put_next_key_in_place();
    EXPECT_EQ(shown_pin(server.port()), former);

    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reloaded log_level=\"info\"")) << server.log();
    ASSERT_NE(pin_of("tls-next.crt"), former);
    EXPECT_EQ(shown_pin(server.port()), pin_of("tls-next.crt"));
    wire::Frame check;
    check.mutable_check_prekeys();
    EXPECT_TRUE(link->request(std::move(check)).has_value());
    EXPECT_TRUE(world.login(world.phone(system_random().id<OfficerId>())).has_value());
    EXPECT_EQ(health(200)["status"], "ready");
}

TEST_F(MelderWatch, a_broken_TLS_file_is_named_in_the_log_and_the_former_one_stays) {
    start();
    const auto former = shown_pin(server.port());
    const auto good = read_file(key("tls.crt"));
    std::ofstream(key("tls.crt")) << good.substr(0, good.size() / 2);
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reload_failed code=config_invalid")) << server.log();
    EXPECT_TRUE(server.has_logged("tls.crt: no readable certificate in PEM form"));
    EXPECT_EQ(shown_pin(server.port()), former);

    // Half of a rotation: certificate and key do not belong together.
    fs::copy_file(key("tls-next.crt"), key("tls.crt"), fs::copy_options::overwrite_existing);
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("tls.key: no readable private key in PEM form that belongs to the certificate"))
        << server.log();
    EXPECT_EQ(shown_pin(server.port()), former);
    put_next_key_in_place();
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reloaded log_level=\"info\"")) << server.log();
    EXPECT_EQ(shown_pin(server.port()), pin_of("tls-next.crt"));
}

TEST_F(MelderWatch, a_key_that_no_phone_would_believe_is_not_taken_over) {
    start();
    const auto former = shown_pin(server.port());
    const auto foreign = server::make_tls_identity();
    std::ofstream(key("tls.crt")) << foreign.certificate_pem;
    std::ofstream(key("tls.key")) << as_chars(foreign.private_key_pem.expose());
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reload_failed code=wrong_server_key")) << server.log();
    EXPECT_EQ(shown_pin(server.port()), former);
}

TEST_F(MelderWatch, a_server_started_with_such_a_key_says_so) {
    const auto foreign = server::make_tls_identity();
    std::ofstream(key("tls.crt")) << foreign.certificate_pem;
    std::ofstream(key("tls.key")) << as_chars(foreign.private_key_pem.expose());
    start();
    EXPECT_TRUE(server.has_logged("tls_key_not_pinned")) << server.log();
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["tls_not_pinned"])");
}

TEST_F(MelderWatch, SIGHUP_changes_the_log_level) {
    start();
    replace_in_config("level = \"info\"", "level = \"error\"");
    server.signal(SIGHUP);
    // The level is taken over first, so that this reload is silent already; the next one is not.
    replace_in_config("level = \"error\"", "level = \"debug\"");
    EXPECT_TRUE(soon([&] {
        server.signal(SIGHUP);
        return server.log().find("reloaded log_level=\"debug\"") != std::string::npos;
    })) << server.log();
    EXPECT_EQ(server.log().find("reloaded log_level=\"error\""), std::string::npos);
}

TEST_F(MelderWatch, a_garbled_configuration_changes_nothing_and_what_waits_for_a_start_is_named) {
    start();
    replace_in_config("cores = 0", "cores = 0x");
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reload_failed code=config_invalid")) << server.log();
    EXPECT_TRUE(server.has_logged("melder.toml, line ")) << server.log();
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["reload_failed"])");
    replace_in_config("cores = 0x", "cores = 1");
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("change_needs_restart key=\"link.cores\"")) << server.log();
    EXPECT_TRUE(server.has_logged("reloaded"));
    EXPECT_EQ(health(200)["status"], "ready");
    EXPECT_EQ(server.log().find("change_needs_restart key=\"link.listen\""), std::string::npos);
}

TEST_F(MelderWatch, a_taken_port_ends_the_start_with_the_key_to_change) {
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

TEST_F(MelderWatch, an_address_beyond_this_machine_is_refused_with_its_line) {
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

TEST(MelderDashboard, asks_only_for_metrics_that_are_documented_and_shows_each_of_them) {
    const auto text = read_file(fs::path(MELDER_SOURCE_DIR) / "deploy/grafana/melder.json");
    const auto dashboard = json::parse(text).as_object();
    const auto rows = documented();
    std::set<std::string> shown;
    std::size_t queries = 0;
    const std::regex metric("\\b(melder|process)_[a-z_]+");
    const auto check = [&](const std::string& query) {
        ++queries;
        std::size_t names = 0;
        for (std::sregex_iterator it(query.begin(), query.end(), metric), end; it != end; ++it, ++names) {
            auto name = it->str();
            for (const std::string suffix : {"_bucket", "_count", "_sum"}) {
                const auto base = name.ends_with(suffix) ? name.substr(0, name.size() - suffix.size()) : name;
                const auto row = rows.find(base);
                if (base != name && row != rows.end() && row->second.type == "histogram") name = base;
            }
            EXPECT_TRUE(rows.contains(name)) << name << " in " << query;
            shown.insert(name);
        }
        EXPECT_GT(names, 0U) << query;
    };
    for (const auto& panel : dashboard.at("panels").as_array()) {
        if (panel.at("type") == "row") continue;
        for (const auto& target : panel.at("targets").as_array())
            check(std::string(target.at("expr").as_string()));
    }
    for (const auto& variable : dashboard.at("templating").at("list").as_array()) {
        if (variable.at("type") == "query") check(std::string(variable.at("query").at("query").as_string()));
    }
    EXPECT_GT(queries, 50U);
    for (const auto& [name, row] : rows)
        EXPECT_TRUE(shown.contains(name)) << name << " is documented and on no panel";
}

}  // namespace
}  // namespace melder::testing
