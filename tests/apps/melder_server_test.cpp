// melder-server as an operator types it, right and wrong: exit codes, and a sentence that says what is wrong and what
// to do.

#include <fstream>

#include <gtest/gtest.h>

#include "tests/apps/run_command.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

CommandResult melder_server(const std::string& arguments) {
    return run_command(std::string(MELDER_SERVER_BINARY) + " " + arguments);
}

class MelderServer : public ::testing::Test {
protected:
    [[nodiscard]] std::string config_file() const { return (world.directory() / "melder.toml").string(); }
    CommandResult run() { return melder_server("run --config " + config_file()); }
    void expect_refusal(const CommandResult& result, int exit_code, const std::string& sentence) {
        EXPECT_EQ(result.exit_code, exit_code) << result.output;
        EXPECT_NE(result.output.find(sentence), std::string::npos) << result.output;
    }
    void replace_in_config(const std::string& from, const std::string& to) {
        std::ifstream in(config_file());
        std::string text(std::istreambuf_iterator<char>(in), {});
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos);
        text.replace(at, from.size(), to);
        std::ofstream(config_file()) << text;
    }

    World world;
};

TEST_F(MelderServer, help_teaches_with_examples) {
    const auto help = melder_server("--help");
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_NE(help.output.find("melder-server init /srv/melder"), std::string::npos);
}

TEST_F(MelderServer, an_unknown_command_or_option_is_wrong_usage) {
    EXPECT_EQ(melder_server("").exit_code, 2);
    EXPECT_EQ(melder_server("frobnicate").exit_code, 2);
    EXPECT_EQ(melder_server("run --verbos").exit_code, 2);
}

TEST_F(MelderServer, init_never_writes_into_a_directory_that_is_not_empty) {
    expect_refusal(melder_server("init " + world.directory().string()), 1, "not empty");
}

TEST_F(MelderServer, init_leaves_nothing_behind_when_it_fails) {
    const auto parent = world.directory().parent_path();
    expect_refusal(melder_server("init " + (parent / "new").string() + " --listen nowhere"), 2, "ADDRESS:PORT");
    std::vector<fs::path> found;
    for (const auto& entry : fs::directory_iterator(parent))
        found.push_back(entry.path().filename());
    EXPECT_EQ(found, std::vector<fs::path>{"server"});
}

TEST_F(MelderServer, secrets_are_readable_by_their_owner_only) {
    for (const auto* name : {"tls.key", "tls-next.key", "statement.key", "directory.key"}) {
        EXPECT_EQ(fs::status(world.directory() / "keys" / name).permissions(),
                  fs::perms::owner_read | fs::perms::owner_write)
            << name;
    }
}

TEST_F(MelderServer, a_missing_configuration_is_said_with_the_command_that_makes_one) {
    expect_refusal(melder_server("run --config /nonexistent/melder.toml"), 2, "melder-server init");
}

TEST_F(MelderServer, a_garbled_configuration_names_the_line) {
    replace_in_config("cores = 0", "cores = \"many\"");
    expect_refusal(run(), 2, "line 5: link.cores must be a number");
}

TEST_F(MelderServer, a_missing_trust_list_is_said_with_the_command_that_signs_one) {
    fs::remove(world.directory() / "trust-list");
    expect_refusal(run(), 2, "melder-admin trust sign");
}

TEST_F(MelderServer, a_trust_list_of_other_roots_is_refused) {
    World other;
    fs::copy_file(other.directory() / "trust-list", world.directory() / "trust-list",
                  fs::copy_options::overwrite_existing);
    expect_refusal(run(), 2, "trust-list does not count under the root set");
}

TEST_F(MelderServer, a_taken_port_and_a_locked_store_are_told_apart) {
    ASSERT_TRUE(world.start().has_value());
    expect_refusal(run(), 1, "another process owns the store");
    World other;
    ASSERT_TRUE(other.start().has_value());
    world.stop();
    replace_in_config("127.0.0.1:0", "127.0.0.1:" + std::to_string(other.port()));
    expect_refusal(run(), 1, "the listening port is taken");
}

TEST_F(MelderServer, a_foreign_epoch_file_asks_for_restored) {
    ASSERT_TRUE(world.start().has_value());
    world.stop();
    const auto copy = world.directory() / "data-of-yesterday";
    fs::copy(world.directory() / "data", copy, fs::copy_options::recursive);
    World other;
    ASSERT_TRUE(other.start().has_value());
    other.stop();
    fs::copy_file(other.directory() / "epoch", world.directory() / "epoch", fs::copy_options::overwrite_existing);
    expect_refusal(run(), 1, "--restored");
}

TEST_F(MelderServer, inspect_shows_ids_and_sizes_of_what_waits_once_the_server_is_stopped) {
    ASSERT_TRUE(world.start().has_value());
    const auto sender = world.phone(system_random().id<OfficerId>());
    const auto recipient = world.phone(system_random().id<OfficerId>());
    const auto envelope = system_random().id<EnvelopeId>();
    const auto link = world.login(sender);
    ASSERT_TRUE(link.has_value());
    wire::Frame frame;
    *frame.mutable_submit() =
        make_submit(envelope, Lane::urgent, {recipient.id()}, system_clock().wall() + std::chrono::hours(1));
    ASSERT_TRUE((*link)->request(std::move(frame)).has_value());

    const auto inspect = "inspect --config " + config_file();
    expect_refusal(melder_server(inspect), 1, "another process owns the store");
    world.stop();
    const auto shown = melder_server(inspect);
    EXPECT_EQ(shown.exit_code, 0) << shown.output;
    EXPECT_NE(shown.output.find(envelope.hex() + " " + recipient.id().hex() + " urgent"), std::string::npos)
        << shown.output;
    EXPECT_EQ(melder_server(inspect + " --limit 0").output.find(envelope.hex()), std::string::npos);
    EXPECT_EQ(melder_server(inspect + " --limit many").exit_code, 2);
}

}  // namespace
}  // namespace melder::testing
