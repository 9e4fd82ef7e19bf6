// `directory import` as a person types it, against a whole server.

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-server/init.hpp"
#include "apps/melder-server/server_process.hpp"
#include "tests/apps/run_command.hpp"

namespace melder::admin {
namespace {

namespace fs = std::filesystem;

class DirectoryImport : public ::testing::Test {
protected:
    void SetUp() override {
        directory_ = fs::temp_directory_path() / ("melder-import-" + system_random().id<EnrolmentId>().hex());
        fs::create_directory(directory_);
        std::ofstream(directory_ / "passphrase") << "secret\n";
        apps::InitOptions options;
        options.directory = path("srv");
        options.listen = "127.0.0.1:0";
        ASSERT_TRUE(apps::init_server(options, system_random()).has_value());
        ASSERT_EQ(tool("root init").exit_code, 0);
        key("home/admin.key", "enrol,directory,leaders,revoke");
        key("clerk.key", "enrol");
        const auto list = tool("trust sign " + path("srv/setup-request") + " --admin " + path("home/admin.key.pub") +
                               " --admin " + path("clerk.key.pub") + " --out " + path("srv/trust-list"));
        ASSERT_EQ(list.exit_code, 0) << list.output;
        fs::copy_file(path("home/root-set"), path("srv/root-set"));
        const auto config = server::ServerConfig::load(path("srv/melder.toml"));
        ASSERT_TRUE(config.has_value()) << config.error();
        auto started = apps::ServerProcess::start(*config, {}, system_clock(), system_random(), server::Log::none());
        ASSERT_TRUE(started.has_value()) << started.error();
        server_ = std::move(*started);
    }
    void TearDown() override {
        server_.reset();
        fs::remove_all(directory_);
    }
    void key(const std::string& file, const std::string& rights) {
        ASSERT_EQ(tool("key create " + path(file) + " --rights " + rights).exit_code, 0);
        const SecretBuffer passphrase(view("secret"));
        const auto seed = load_key(path(file), passphrase);
        ASSERT_TRUE(seed.has_value());
        const auto cheap = seal_key(*seed, passphrase, system_random(), {4, 8, 1}).value();
        ASSERT_TRUE(replace_file(path(file), cheap, 0600).has_value());
    }
    [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }
    [[nodiscard]] melder::testing::CommandResult tool(const std::string& words) const;
    [[nodiscard]] std::string csv(const std::string& text) const {
        std::ofstream(directory_ / "force.csv") << text;
        return path("force.csv") + " ";
    }
    fs::path directory_;
    std::unique_ptr<apps::ServerProcess> server_;
};

melder::testing::CommandResult DirectoryImport::tool(const std::string& words) const {
    std::string line =
        std::string(MELDER_ADMIN_BINARY) + " --home " + path("home") + " --passphrase-file " + path("passphrase");
    if (server_ != nullptr) line += " --server 127.0.0.1:" + std::to_string(server_->port());
    return melder::testing::run_command(line + " " + words);
}

std::string people(int from, int to, const std::string& unit = "LKA") {
    std::string text;
    for (int i = from; i < to; ++i)
        text += "officer;" + std::to_string(10000 + i) + ";Jürgen Groß " + std::to_string(i) + ";" + unit + ";member\n";
    return text;
}
const std::string units = "\xEF\xBB\xBFunit;LKA;Landeskriminalamt\nunit;LKA/K5;\"Cyber; K5\"\n";

#define EXPECT_SAYS(result, code, words)                                      \
    do {                                                                      \
        const auto said = (result);                                           \
        EXPECT_EQ(said.exit_code, code) << said.output;                       \
        EXPECT_NE(said.output.find(words), std::string::npos) << said.output; \
    } while (false)

TEST_F(DirectoryImport, a_plan_is_printed_first_and_applied_on_request) {
    const auto file = csv(units + people(0, 250) + people(250, 260, "LKA/K5"));
    EXPECT_SAYS(tool("directory import " + file), 0, "officers  +260 ~0 −0");
    EXPECT_SAYS(tool("status"), 0, "officers     0");
    EXPECT_SAYS(tool("directory import --apply " + file), 0, "2 units and 260 officers are in the directory");
    EXPECT_SAYS(tool("status"), 0, "officers     260");
    EXPECT_SAYS(tool("directory import " + file), 0, "nothing to do");
    EXPECT_SAYS(tool("directory import " + csv(units + people(0, 256) + people(300, 302, "LKA/K5"))), 0,
                "officers  +2 ~6 −4");
}

TEST_F(DirectoryImport, too_much_vanishing_is_refused_until_a_person_says_how_much) {
    ASSERT_EQ(tool("directory import --apply " + csv(units + people(0, 100) + people(100, 101, "LKA/K5"))).exit_code,
              0);
    EXPECT_SAYS(tool("directory import --apply " + csv(units + people(0, 90) + people(100, 101, "LKA/K5"))), 1,
                "10 of 101 officers would vanish; nothing was changed");
    EXPECT_SAYS(tool("directory import --apply " + csv(units + people(0, 100))), 1, "1 whole units (LKA/K5)");
    EXPECT_SAYS(tool("directory import"), 0 + 2, "file");
    EXPECT_SAYS(tool("directory import --apply --allow-removals 2 " + csv(units + people(0, 100))), 0,
                "officers  +0 ~0 −1");
    EXPECT_SAYS(tool("directory import " + csv(units + people(0, 100))), 0, "1 are missing already");
}

TEST_F(DirectoryImport, the_devices_of_who_is_missing_are_suspended) {
    ASSERT_EQ(tool("directory import --apply " + csv(units + people(0, 101))).exit_code, 0);
    ASSERT_EQ(tool("code issue --officer 10000").exit_code, 0);
    ASSERT_EQ(tool("directory import --apply " + csv(units + people(1, 101))).exit_code, 0);
    EXPECT_SAYS(tool("device list"), 0, "  suspended  10000");
    EXPECT_SAYS(tool("log verify"), 0, "log");
    const auto journal = read_file(path("home/journal")).value();
    EXPECT_NE(as_chars(journal.expose()).find("missing from the directory import"), std::string::npos);
}

TEST_F(DirectoryImport, hostile_files_name_line_and_column_and_change_nothing) {
    EXPECT_SAYS(tool("directory import --apply " + csv(units + "officer;1;J\xFCrgen;LKA;member\n")), 1,
                "line 3, column 12: this is not UTF-8 (perhaps Windows-1252)");
    EXPECT_SAYS(tool("directory import --apply " + csv(units + people(0, 3) + "officer;1;Anna;K9;member\n")), 1,
                "line 6, column 16: the officer's unit is not named above");
    EXPECT_SAYS(tool("directory import --apply " + csv(units + people(0, 3) + people(0, 1))), 1,
                "line 6, column 9: the service number stands there twice");
    EXPECT_SAYS(tool("directory import --apply " + csv(units + "officer;1;\"Anna;LKA;member\n")), 1,
                "line 3, column 11: this quote is not closed on its line");
    EXPECT_SAYS(tool("directory import --apply " + csv("unit;A/B;no parent\n")), 1, "line 1, column 6: the unit above");
    EXPECT_SAYS(tool("directory import --apply " + csv("")), 1, "the file names no unit");
    EXPECT_SAYS(tool("directory import --apply /nonexistent"), 1, "/nonexistent");
    EXPECT_SAYS(tool("directory import --apply --allow-removals few " + csv(units)), 2, "allow-removals");
    EXPECT_SAYS(tool("status"), 0, "officers     0");
    EXPECT_SAYS(tool("--key " + path("clerk.key") + " directory import --apply " + csv(units + people(0, 3))), 1,
                "right");
}

TEST_F(DirectoryImport, a_roll_out_is_issued_looked_after_and_issued_again) {
    ASSERT_EQ(tool("directory import --apply " + csv(units + people(0, 3))).exit_code, 0);
    std::ofstream(directory_ / "numbers.csv") << "10000\n10001\n";
    const auto out = " --out " + path("first");
    EXPECT_SAYS(tool("codes issue --valid 21d --batch " + path("numbers.csv") + out), 0, "2 codes issued");
    const auto mdm = read_file(path("first.mdm.csv")).value();
    const auto parts = read_file(path("first.parts")).value();
    EXPECT_TRUE(as_chars(mdm.expose()).starts_with("service_number;code;device\n10000;MLD1-"));
    EXPECT_EQ(as_chars(mdm.expose()).find("Jürgen"), std::string_view::npos);
    EXPECT_NE(as_chars(parts.expose()).find("Jürgen Groß 1\nDienstnummer 10001"), std::string_view::npos);
    EXPECT_SAYS(tool("codes status " + path("first.batch")), 0, "0 enrolled, 2 waiting, 0 failed");
    EXPECT_SAYS(tool("codes reissue " + path("first.batch") + " --out " + path("none")), 0, "nothing is open");

    const auto batch = to_string(read_file(path("first.batch")).value().expose());
    const auto device = batch.substr(batch.find("10001;") + 6, 32);
    ASSERT_EQ(tool("revoke --reason test " + device).exit_code, 0);
    EXPECT_SAYS(tool("codes status " + path("first.batch")), 0, "10001  " + device + "  failed: revoked");
    EXPECT_SAYS(tool("codes reissue " + path("first.batch") + " --out " + path("second")), 0, "1 codes issued");
    EXPECT_SAYS(tool("codes status " + path("second.batch")), 0, "0 enrolled, 1 waiting, 0 failed");
}

TEST_F(DirectoryImport, a_batch_that_cannot_be_issued_leaves_no_file) {
    ASSERT_EQ(tool("directory import --apply " + csv(units + people(0, 3))).exit_code, 0);
    const auto issue = "codes issue --out " + path("x") + " --batch " + path("numbers.csv");
    std::ofstream(directory_ / "numbers.csv") << "10000\n10000\n";
    EXPECT_SAYS(tool(issue), 1, "line 2, column 1: the service number stands there twice");
    std::ofstream(directory_ / "numbers.csv") << "10000\n4711\n";
    EXPECT_SAYS(tool(issue), 1, "no officer has the service number 4711");
    std::ofstream(directory_ / "numbers.csv") << "10000\n";
    EXPECT_SAYS(tool(issue + " --valid 31d"), 2, "--valid is longer than the trust list allows");
    EXPECT_SAYS(tool("codes issue --batch " + path("numbers.csv")), 2, "--out");
    EXPECT_SAYS(tool("codes status " + path("numbers.csv")), 1, "line 1, column 1: expected SERVICE NUMBER;DEVICE");
    EXPECT_FALSE(fs::exists(path("x.mdm.csv")));
    EXPECT_FALSE(fs::exists(path("x.batch")));
    ASSERT_EQ(tool(issue + " --without-second-part").exit_code, 0);
    EXPECT_FALSE(fs::exists(path("x.parts")));
    EXPECT_SAYS(tool(issue + " --without-second-part"), 1, "nothing was issued");
}

}  // namespace
}  // namespace melder::admin
