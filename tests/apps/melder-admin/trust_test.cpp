// Trust lists as a person makes the next out of the present one.

#include <csignal>
#include <filesystem>

#include "apps/melder-admin/key_file.hpp"
#include "tests/apps/melder-admin/tool_fixture.hpp"
#include "tests/end_to_end/link.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

class Trust : public ToolFixture {
protected:
    [[nodiscard]] std::string issue() const {
        const auto issued = admin("--json code issue --officer 10001");
        EXPECT_EQ(issued.exit_code, 0) << issued.output;
        return field(issued.output, "device");
    }
    void publish(const std::string& sign_options) const {
        expect(admin("trust sign --yes " + sign_options), 0, "It counts once");
        expect(admin("trust publish"), 0, "is in force");
    }
};

TEST_F(Trust, a_plan_is_shown_and_nothing_is_signed) {
    const auto before = read("home/trust-list");
    const auto plan = admin("trust plan --retire " + second_id_ + "@7 --valid 30d");
    expect(plan, 0, "trust list 1 -> 2");
    expect(plan, 0, "~ administrator " + second_id_ + "  retired: what it signs from log entry 7 on does not count");
    expect(plan, 0, "! only one active key may revoke");
    expect(plan, 0, "! it ends earlier than the one before");
    expect(admin("--json trust plan --distrust " + second_id_), 0, R"("change":"admin_distrusted")");
    EXPECT_EQ(read("home/trust-list"), before);
}

TEST_F(Trust, the_next_list_is_signed_after_a_yes_only) {
    const auto before = read("home/trust-list");
    expect(admin("trust sign --valid 100d"), 2, "no terminal to ask \"Sign trust list 2?\"");
    EXPECT_EQ(read("home/trust-list"), before);
    expect(admin("trust sign --yes --valid 100d"), 0, "(was ");
    expect(admin("trust show " + path("home/trust-list-signed")), 0, "trust list    2");
    expect(admin("status"), 0, "version 1, ");
    expect(admin("trust publish"), 0, "trust list 2 is in force");
    expect(admin("status"), 0, "version 2, ends in 99 days");
    expect(admin("trust show"), 0, "trust list    2");
}

TEST_F(Trust, a_new_key_counts_once_the_list_is_published) {
    const auto id = create_key("third.key", "revoke");
    expect(admin_as("third.key", "status"), 1, "");
    publish("--admin " + path("third.key.pub"));
    EXPECT_EQ(admin_as("third.key", "status").exit_code, 0);
    const auto shown = admin("--json trust show");
    expect(shown, 0, R"("admin_key":")" + id);
    EXPECT_EQ(admin_as("third.key", "code issue --officer 10001").exit_code, 1) << "it may revoke, not enrol";
    // An option that may be repeated takes one word each time: what follows is a request.
    expect(admin("trust plan --admin " + path("third.key.pub") + " " + path("srv/setup-request")), 0,
           "trust list 2 -> 3");
    // Other rights for the same key: its public half says which.
    auto text = read("third.key.pub");
    text.replace(text.find("rights revoke"), 13, "rights revoke,enrol");
    write("third.key.pub", text);
    expect(admin("trust plan --admin " + path("third.key.pub")), 0, "rights revoke -> revoke,enrol");
    publish("--admin " + path("third.key.pub"));
    EXPECT_EQ(admin_as("third.key", "code issue --officer 10001").exit_code, 0);
}

TEST_F(Trust, what_a_retired_key_signed_before_still_counts_and_nothing_later) {
    const auto device = issue();
    ASSERT_EQ(admin_as("second.key", "revoke " + device + " --reason lost").exit_code, 0);
    const auto size = field(admin("--json status").output, "log_size");
    publish("--retire " + second_id_ + "@" + size);
    expect(admin("device list"), 0, device + "  revoked");
    expect(admin("log verify"), 0, "the order log verifies");
    const auto other = issue();
    EXPECT_EQ(admin_as("second.key", "revoke " + other + " --reason lost").exit_code, 1);
    expect(admin("trust plan --admin " + path("second.key.pub")), 1, "does not come back");
    expect(admin("trust plan --retire " + second_id_ + "@9999"), 1, "is retired already");
}

TEST_F(Trust, nothing_that_a_distrusted_key_signed_counts) {
    const auto device = issue();
    ASSERT_EQ(admin_as("second.key", "revoke " + device + " --reason spite").exit_code, 0);
    publish("--distrust " + second_id_);
    expect(admin("device list"), 0, device + "  waiting");
    expect(admin("log verify"), 0, "1 of them mean nothing");
    expect(admin("trust plan --retire " + second_id_ + "@5"), 1, "distrusted, which is more");
    expect(admin("trust plan --admin " + path("second.key.pub")), 1, "does not come back");
}

TEST_F(Trust, a_retirement_that_would_break_the_log_is_refused_by_the_server) {
    const auto device = issue();
    ASSERT_EQ(admin_as("second.key", "revoke " + device + " --reason lost").exit_code, 0);
    expect(admin("trust sign --yes --retire " + second_id_ + "@1 --out " + path("next")), 0, "trust list 2");
    EXPECT_EQ(admin("trust publish " + path("next")).exit_code, 1);
    expect(admin("status"), 0, "version 1");
}

TEST_F(Trust, wrong_words_are_answered_with_what_would_be_right) {
    expect(admin("trust plan --retire " + second_id_), 2, "--retire takes KEY@LOGSIZE");
    expect(admin("trust plan --retire " + second_id_ + "@soon"), 2, "--retire takes KEY@LOGSIZE");
    expect(admin("trust plan --retire xyz@3"), 2, "first 8 or more hex digits");
    expect(admin("trust plan --distrust 0123456789"), 2, "the list has no such key");
    expect(admin("trust plan --drop-pin 0123456789"), 2, "the list has no such pin");
    expect(admin("trust plan --admin " + path("force.csv")), 1, "this is no public half of an administrator key");
    expect(admin("trust plan --valid soon"), 2, "a duration is a number with its unit");
    expect(admin("trust show " + path("force.csv")), 1, "is no signed trust list");
    expect(admin("trust sign --yes --root-key " + path("second.key")), 1, "is no key of the root set");
    const auto pin =
        field(admin("--json trust show").output.substr(admin("--json trust show").output.find("\"pin\"") - 1), "pin");
    expect(admin("trust plan --drop-pin " + pin), 1, "fewer than two pins");
}

TEST_F(Trust, an_older_list_is_refused_with_both_versions) {
    fs::copy_file(path("home/trust-list"), path("first"));
    publish("--valid 300d");
    expect(admin("trust publish " + path("first")), 1, "the server has version 2");
}

TEST_F(Trust, a_servers_key_is_rotated_and_nobody_is_locked_out) {
    const auto before = server("keys show --config " + path("srv/melder.toml"));
    expect(before, 0, "shown");
    const auto shown = before.output.substr(11, 64);
    const auto next = before.output.substr(before.output.find("next") + 11, 64);

    const auto advanced = server("keys next --config " + path("srv/melder.toml"));
    expect(advanced, 0, "shown      " + next);
    expect(advanced, 0, "--drop-pin " + shown.substr(0, 16));
    EXPECT_EQ(read("srv/setup-request").find(shown), std::string::npos);

    // The running server still shows the former key: a list without it would lock everybody out.
    expect(admin("trust sign --yes " + path("srv/setup-request") + " --drop-pin " + shown.substr(0, 16) + " --out " +
                 path("next-list")),
           0, "- server key " + shown.substr(0, 16));
    expect(admin("trust publish " + path("next-list")), 1, "nobody could reach it any more");

    start_server();  // now it shows the next key, which the list in force pins
    EXPECT_EQ(admin("status").exit_code, 0);
    expect(admin("trust publish " + path("next-list")), 0, "trust list 2 is in force");
    EXPECT_EQ(admin("status").exit_code, 0);

    // The former key, taken out of a backup, is no longer believed.
    stop_server();
    fs::copy_file(path("srv/keys/tls-former.crt"), path("srv/keys/tls.crt"), fs::copy_options::overwrite_existing);
    fs::copy_file(path("srv/keys/tls-former.key"), path("srv/keys/tls.key"), fs::copy_options::overwrite_existing);
    start_server();
    expect(admin("status"), 1, "not among the pins");
}

TEST_F(Trust, a_reload_shows_the_next_key_and_the_whole_change_drops_no_connection) {
    boost::asio::io_context io;
    const auto roots = RootSet::parse(view(read("home/root-set"))).value();
    const auto port = static_cast<std::uint16_t>(server_->port());
    const auto connect = [&](Link& link) {
        return link.connect(port, {.roots = roots, .known = nullptr, .lowest_version = 0});
    };
    const auto answers = [](Link& link) {
        wire::Frame ask;
        ask.mutable_status();
        return link.request(std::move(ask)).has_value();
    };
    const SecretBuffer passphrase(view("secret"));
    Link standing(io);
    const auto first = connect(standing);
    ASSERT_TRUE(first.has_value());
    ASSERT_TRUE(standing.admin_login(melder::admin::load_key(path("home/admin.key"), passphrase).value()).has_value());

    ASSERT_EQ(server("keys next --config " + path("srv/melder.toml")).exit_code, 0);
    server_->signal(SIGHUP);
    Hash shown = first->spki;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (shown == first->spki && std::chrono::steady_clock::now() < deadline) {
        Link probe(io);
        const auto hello = connect(probe);
        ASSERT_TRUE(hello.has_value()) << hello.error();
        shown = hello->spki;
    }
    EXPECT_NE(shown, first->spki);
    EXPECT_TRUE(answers(standing));
    publish(path("srv/setup-request") + " --drop-pin " + first->spki.hex().substr(0, 16));
    EXPECT_TRUE(answers(standing)) << "it was made under the former key, and stays";
    Link fresh(io);
    EXPECT_TRUE(connect(fresh).has_value());
}

TEST_F(Trust, the_statement_key_is_rotated_without_a_dropped_connection_and_old_bindings_count) {
    const auto config = " --config " + path("srv/melder.toml");
    const auto key_of = [&](const std::string& position) {
        const auto shown = server("--json keys show" + config);
        const auto at = shown.output.find(R"({"key":"statement","position":")" + position);
        return field(shown.output.substr(at), "public_key");
    };
    boost::asio::io_context io;
    const auto roots = RootSet::parse(view(read("home/root-set"))).value();
    Link standing(io);
    const auto port = static_cast<std::uint16_t>(server_->port());
    ASSERT_TRUE(standing.connect(port, {.roots = roots, .known = nullptr, .lowest_version = 0}).has_value());
    const SecretBuffer passphrase(view("secret"));
    ASSERT_TRUE(standing.admin_login(melder::admin::load_key(path("home/admin.key"), passphrase).value()).has_value());
    const auto signer = [&] {
        wire::Frame ask;
        ask.mutable_fetch_statement()->set_client_nonce(std::string(16, 'n'));
        const auto reply = standing.request(std::move(ask));
        if (!reply.has_value()) return std::string(reply.error().message());
        return SignedBytes::from(reply->statement().statement())->signatures.front().key_id.hex();
    };
    const auto id_of = [](const std::string& hex) { return key_id_of(Ed25519Public::from_hex(hex).value()).hex(); };
    const auto former = key_of("current");
    const auto next = key_of("next");
    ASSERT_EQ(signer(), id_of(former));

    const auto advanced = server("keys next --statement" + config);
    expect(advanced, 0, "statement  " + next);
    expect(advanced, 0, "kill -HUP");
    EXPECT_EQ(signer(), id_of(former)) << "the running server signs with the former until it is told";
    server_->signal(SIGHUP);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (signer() == id_of(former) && std::chrono::steady_clock::now() < deadline) {
    }
    EXPECT_EQ(signer(), id_of(next)) << "on the connection that stood there before";

    // The key after the next is in no list yet: it must not be used.
    expect(server("keys show" + config), 0, key_of("next") + "  not in the trust list");
    expect(server("keys next --statement" + config), 1, "does not name the next statement key");
    EXPECT_EQ(key_of("current"), next) << "nothing was changed";
    expect(admin("trust plan " + path("srv/setup-request")), 0, "+ statement key " + key_of("next").substr(0, 16));
    publish(path("srv/setup-request"));
    EXPECT_EQ(signer(), id_of(next));
    // The server keeps the file at the list in force: the next change knows it.
    expect(server("keys show" + config), 0, "trust list version 2");
    const auto json = server("--json keys show" + config);
    EXPECT_EQ(json.output.find(R"("listed":false)"), std::string::npos) << json.output;
    expect(server("keys next --statement" + config), 0, "statement  ");
    // What the list goes on naming: bindings are dated by it.
    expect(admin("--json trust show"), 0, former);
}

TEST_F(Trust, a_server_of_before_there_were_next_statement_keys_gets_one_and_changes_nothing) {
    const auto config = " --config " + path("srv/melder.toml");
    fs::remove(path("srv/keys/statement-next.key"));
    const auto before = read("srv/keys/statement.key");
    expect(server("keys next --statement" + config), 0, "nothing was changed");
    EXPECT_EQ(read("srv/keys/statement.key"), before);
    expect(server("keys next --statement" + config), 1, "sign " + path("srv/setup-request") + " into the next list");
    // A key that no list names: the reload is refused, and the server signs with the one it has.
    fs::copy_file(path("srv/keys/statement-next.key"), path("srv/keys/statement.key"),
                  fs::copy_options::overwrite_existing);
    server_->signal(SIGHUP);
    EXPECT_EQ(admin("log verify").exit_code, 0);
    publish(path("srv/setup-request"));
    EXPECT_EQ(admin("log verify").exit_code, 0);
}

TEST_F(Trust, an_interrupted_change_of_the_servers_key_is_finished_by_repeating_it) {
    const auto config = " --config " + path("srv/melder.toml");
    const auto pins = server("keys show" + config).output;
    const auto next = pins.substr(pins.find("next") + 11, 64);
    // As if the machine had stopped between the two moves.
    fs::copy_file(path("srv/keys/tls.crt"), path("srv/keys/tls-former.crt"));
    fs::copy_file(path("srv/keys/tls.key"), path("srv/keys/tls-former.key"));
    fs::rename(path("srv/keys/tls-next.key"), path("srv/keys/tls.key"));
    expect(server("keys next" + config), 0, "shown      " + next);
    // And between the two writes: the key that is shown stays.
    fs::remove(path("srv/keys/tls-next.crt"));
    expect(server("keys show" + config), 2, "tls-next.crt cannot be read");
    expect(server("keys next" + config), 0, "shown      " + next);
    start_server();
    EXPECT_EQ(admin("status").exit_code, 0);
    expect(server("keys next --config " + path("nothing.toml")), 2, "");
    expect(server("keys"), 2, "");
}

}  // namespace
}  // namespace melder::testing
