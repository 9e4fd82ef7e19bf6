#include "server/config/server_config.hpp"

#include <string>

#include <gtest/gtest.h>

namespace melder::server {
namespace {

const std::string complete = R"([link]
listen = ["127.0.0.1:5222", "[::1]:0"]

[keys]
tls_certificate = "keys/tls.crt"
tls_private_key = "keys/tls.key"
statement_key = "keys/statement.key"
directory_key = "keys/directory.key"

[trust]
root_set = "root-set"
trust_list = "/etc/melder/trust-list"

[store]
data_directory = "data"
epoch_file = "epoch"
order_log_copy = "/mnt/second/orders"
)";

Result<ServerConfig> parse(const std::string& text) {
    return ServerConfig::parse(text, "melder.toml", "/srv/melder");
}

std::string replaced(const std::string& from, const std::string& to) {
    auto text = complete;
    text.replace(text.find(from), from.size(), to);
    return text;
}

void expect_refused(const std::string& text, const std::string& sentence) {
    const auto config = parse(text);
    ASSERT_TRUE(config.has_error());
    EXPECT_EQ(config.error().code(), Errc::config_invalid);
    EXPECT_NE(config.error().detail().find(sentence), std::string::npos) << config.error().detail();
}

TEST(ServerConfig, a_complete_file_is_read_and_its_relative_paths_are_resolved) {
    const auto config = parse(complete);
    ASSERT_TRUE(config.has_value()) << config.error().message();
    ASSERT_EQ(config->listen.size(), 2U);
    EXPECT_EQ(config->listen[0].address, "127.0.0.1");
    EXPECT_EQ(config->listen[0].port, 5222);
    EXPECT_EQ(config->listen[1].address, "::1");
    EXPECT_EQ(config->listen[1].port, 0);
    EXPECT_EQ(config->private_key_file, "/srv/melder/keys/tls.key");
    EXPECT_EQ(config->trust_list_file, "/etc/melder/trust-list");
    EXPECT_EQ(config->log.level, LogLevel::info);
}

TEST(ServerConfig, what_those_without_a_login_may_take_up_has_defaults_and_can_be_set_but_not_to_nothing) {
    const auto defaults = parse(complete);
    EXPECT_EQ(defaults->admission.handshakes, limits::handshakes);
    EXPECT_EQ(defaults->admission.handshakes_per_source, limits::handshakes_per_source);
    EXPECT_EQ(defaults->admission.enrolments_per_minute, limits::enrolments_per_source_per_minute);
    const auto set = parse(replaced("[keys]",
                                    "handshakes = 10\nhandshakes_per_address = 5\n"
                                    "enrolments_per_address_a_minute = 3\n[keys]"));
    ASSERT_TRUE(set.has_value()) << set.error().message();
    EXPECT_EQ(set->admission.handshakes, 10U);
    EXPECT_EQ(set->admission.handshakes_per_source, 5U);
    EXPECT_EQ(set->admission.enrolments_per_minute, 3U);
    expect_refused(replaced("[keys]", "handshakes = 0\n[keys]"), "link.handshakes must be a number from 1 to");
}

TEST(ServerConfig, the_limits_on_prekeys_can_be_set) {
    const auto defaults = parse(complete);
    EXPECT_EQ(defaults->prekeys.takes_per_pair, 6U);
    EXPECT_EQ(defaults->prekeys.pair_interval_s, 600U);
    EXPECT_EQ(defaults->prekeys.takes_per_source, 600U);
    EXPECT_EQ(defaults->prekeys.takes_per_source_per_second, 1U);
    EXPECT_EQ(defaults->prekeys.one_time_per_hour, 60U);
    const auto set = parse(complete +
                           "[prekeys]\ntakes_per_pair = 7\npair_interval_s = 60\ntakes_per_source = 8\n"
                           "takes_per_source_per_second = 2\none_time_per_hour = 9\n");
    ASSERT_TRUE(set.has_value()) << set.error().message();
    EXPECT_EQ(set->prekeys.takes_per_pair, 7U);
    EXPECT_EQ(set->prekeys.pair_interval_s, 60U);
    EXPECT_EQ(set->prekeys.takes_per_source, 8U);
    EXPECT_EQ(set->prekeys.takes_per_source_per_second, 2U);
    EXPECT_EQ(set->prekeys.one_time_per_hour, 9U);
    expect_refused(complete + "[prekeys]\ntakes_per_pair = 0\n", "prekeys.takes_per_pair must be a number from 1 to");
}

TEST(ServerConfig, a_syntax_error_names_the_line) {
    expect_refused("[link]\nlisten = [\n\n", "melder.toml, line ");
}

TEST(ServerConfig, a_wrong_value_names_line_key_and_what_would_be_right) {
    expect_refused(replaced("\"127.0.0.1:5222\"", "\"somewhere\""), "melder.toml, line 2: link.listen");
    expect_refused(replaced("\"epoch\"", "17"), "melder.toml, line 16: store.epoch_file must be a string");
}

TEST(ServerConfig, an_unknown_key_is_an_error_because_it_is_most_likely_mistyped) {
    expect_refused(replaced("[keys]", "[keys]\ntls_certificat = \"x\""), "line 5: unknown key \"keys.tls_certificat\"");
    expect_refused(complete + "[relais]\n", "unknown section or key \"relais\"");
}

TEST(ServerConfig, the_order_logs_second_place_is_required) {
    expect_refused(replaced("order_log_copy = \"/mnt/second/orders\"\n", ""), "store.order_log_copy is missing");
}

TEST(ServerConfig, what_guards_the_data_directory_must_not_rest_in_it) {
    expect_refused(replaced("\"epoch\"", "\"data/epoch\""), "store.epoch_file lies inside");
    expect_refused(replaced("\"/mnt/second/orders\"", "\"data/orders\""), "store.order_log_copy lies inside");
    expect_refused(replaced("\"keys/directory.key\"", "\"data/../data/k\""), "keys.directory_key lies inside");
}

TEST(ServerConfig, an_unknown_log_level_is_refused) {
    expect_refused(complete + "[log]\nlevel = \"loud\"\n", "log.level must be debug, info, warn or error");
}

TEST(ServerConfig, endpoints_are_addresses_with_a_port) {
    EXPECT_TRUE(parse_endpoint("0.0.0.0:1").has_value());
    for (const auto* text :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:5", "[127.0.0.1]:5", "host:5", "1.2.3.4:5x"}) {
        EXPECT_TRUE(parse_endpoint(text).has_error()) << text;
    }
}

TEST(ServerConfig, nobody_watches_unless_it_is_said) {
    EXPECT_EQ(parse(complete)->watch, std::nullopt);
    EXPECT_EQ(parse(complete + "[watch]\nlisten = \"\"\n")->watch, std::nullopt);
    const auto watched = parse(complete + "[watch]\nlisten = \"127.0.0.1:9464\"\n");
    ASSERT_TRUE(watched.has_value());
    EXPECT_EQ(watched->watch, (LinkConfig::Endpoint{"127.0.0.1", 9464}));
    EXPECT_TRUE(parse(complete + "[watch]\nlisten = \"[::1]:0\"\n")->watch.has_value());
    EXPECT_TRUE(parse(complete + "[watch]\nlisten = \"127.9.9.9:1\"\n")->watch.has_value());
}

TEST(ServerConfig, whoever_lets_others_watch_must_say_so) {
    for (const auto* address : {"0.0.0.0", "[::]", "192.0.2.1", "128.0.0.1", "[::ffff:127.0.0.1]"}) {
        const auto open = complete + "[watch]\nlisten = \"" + address + ":9464\"\n";
        expect_refused(open, "line 19: watch.listen is not this machine's own");
        expect_refused(open + "beyond_loopback = false\n", "beyond_loopback = true");
        EXPECT_TRUE(parse(open + "beyond_loopback = true\n").has_value()) << address;
    }
    expect_refused(complete + "[watch]\nlisten = \"127.0.0.1\"\n", "line 19: watch.listen must be ADDRESS:PORT");
    expect_refused(complete + "[watch]\nlisten = 9464\n", "line 19: watch.listen must be ADDRESS:PORT");
    expect_refused(complete + "[watch]\nbeyond_loopback = 1\n", "line 19: watch.beyond_loopback must be true or false");
    expect_refused(complete + "[watch]\nport = 9464\n", "line 19: unknown key \"watch.port\"");
}

TEST(ServerConfig, letters_beyond_ASCII_stand_in_comments_only) {
    EXPECT_TRUE(parse("# für die Prüfung\n" + replaced("keys/tls.crt", "keys/#1/tls.crt")).has_value());
    expect_refused(replaced("keys/tls.crt", "schlüssel/tls.crt"), "beyond ASCII");
    expect_refused("[link]\ngröße = 1\n", "line 2");
    expect_refused("[link]\nlisten = \"\"\"\\\n\xef\xbb\xbf\"\"\"\n", "line 2");
    expect_refused(replaced("[trust]", "[trust]\xef\xbb\xb7"), "beyond ASCII");
}

}  // namespace
}  // namespace melder::server
