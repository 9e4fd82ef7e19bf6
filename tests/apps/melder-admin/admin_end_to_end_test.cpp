// The tool as a person uses it, against a whole server.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "apps/melder-admin/cli.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-server/init.hpp"
#include "apps/melder-server/server_process.hpp"
#include "core/enrolment_code.hpp"

namespace melder::admin {
namespace {

namespace fs = std::filesystem;

struct Outcome {
    int code = 0;
    std::string out, errors;
};

class AdminTool : public testing::Test {
protected:
    static void SetUpTestSuite() {
        directory_ = fs::temp_directory_path() / ("melder-admin-" + system_random().id<EnrolmentId>().hex());
        fs::create_directory(directory_);
        std::ofstream(directory_ / "passphrase") << "secret\n";
        std::ofstream(directory_ / "wrong-passphrase") << "guess\n";
        std::ofstream(directory_ / "force.csv") << "unit,LKA,Landeskriminalamt\nofficer,10001,Anna Berger,LKA,member\n";
        apps::InitOptions options;
        options.directory = path("srv");
        options.listen = "127.0.0.1:0";
        ASSERT_TRUE(apps::init_server(options, system_random()).has_value());
        ASSERT_EQ(tool({"root", "init"}).code, 0);
        ASSERT_EQ(tool({"key", "create", path("home/admin.key"), "--rights", "enrol,directory,leaders,revoke"}).code,
                  0);
        ASSERT_EQ(tool({"key", "create", path("second.key"), "--rights", "revoke"}).code, 0);
        make_cheap(path("home/admin.key"));
        make_cheap(path("second.key"));
        const auto signed_list =
            tool({"trust", "sign", path("srv/setup-request"), "--admin", path("home/admin.key.pub"), "--admin",
                  path("second.key.pub"), "--valid", "59d", "--out", path("srv/trust-list")});
        ASSERT_EQ(signed_list.code, 0) << signed_list.errors;
        fs::copy_file(path("home/root-set"), path("srv/root-set"));
        const auto config = server::ServerConfig::load(path("srv/melder.toml"));
        ASSERT_TRUE(config.has_value()) << config.error();
        auto started = apps::ServerProcess::start(*config, {}, system_clock(), system_random(), server::Log::none());
        ASSERT_TRUE(started.has_value()) << started.error();
        server_ = std::move(*started);
        ASSERT_EQ(tool({"directory", "put", path("force.csv")}).code, 0);
    }
    static void TearDownTestSuite() {
        server_.reset();
        fs::remove_all(directory_);
    }
    /// The same key at a cost that leaves the tests quick.
    static void make_cheap(const std::string& file) {
        const SecretBuffer passphrase(view("secret"));
        const auto seed = load_key(file, passphrase);
        ASSERT_TRUE(seed.has_value()) << seed.error();
        ASSERT_TRUE(
            replace_file(file, seal_key(*seed, passphrase, system_random(), {4, 8, 1}).value(), 0600).has_value());
    }
    static std::string path(const std::string& name) { return (directory_ / name).string(); }
    static Outcome tool(std::vector<std::string> words, const char* passphrase = "passphrase") {
        std::vector<std::string> line{"melder-admin", "--home", path("home"), "--passphrase-file", path(passphrase)};
        if (server_ != nullptr) {
            line.emplace_back("--server");
            line.push_back("127.0.0.1:" + std::to_string(server_->port()));
        }
        line.insert(line.end(), words.begin(), words.end());
        std::vector<const char*> argv;
        for (const auto& word : line)
            argv.push_back(word.c_str());
        testing::internal::CaptureStdout();
        testing::internal::CaptureStderr();
        Outcome outcome;
        outcome.code = run(static_cast<int>(argv.size()), argv.data());
        outcome.out = testing::internal::GetCapturedStdout();
        outcome.errors = testing::internal::GetCapturedStderr();
        return outcome;
    }
    static std::string field(const std::string& json, const std::string& name) {
        const auto start = json.find("\"" + name + "\":\"");
        if (start == std::string::npos) return {};
        const auto from = start + name.size() + 4;
        return json.substr(from, json.find('"', from) - from);
    }

    static inline fs::path directory_;
    static inline std::unique_ptr<apps::ServerProcess> server_;
};

TEST_F(AdminTool, a_code_is_issued_and_its_device_revoked_and_restored_by_two) {
    const auto issued = tool({"--json", "code", "issue", "--officer", "10001"});
    ASSERT_EQ(issued.code, 0) << issued.errors;
    EXPECT_TRUE(EnrolmentCode::parse(field(issued.out, "code")).has_value());
    const auto device = field(issued.out, "device");
    EXPECT_NE(tool({"device", "list"}).out.find(device + "  waiting"), std::string::npos);

    ASSERT_EQ(tool({"revoke", device, "--reason", "lost on patrol"}).code, 0);
    EXPECT_NE(tool({"device", "list", "--officer", "10001"}).out.find(device + "  revoked"), std::string::npos);
    const auto journal = read_file(path("home/journal")).value();
    EXPECT_NE(as_chars(journal.expose()).find("lost on patrol"), std::string::npos);

    const auto shown = tool({"device", "show", device});
    EXPECT_EQ(shown.code, 0) << shown.errors;
    EXPECT_NE(shown.out.find("revoked, not connected"), std::string::npos) << shown.out;

    EXPECT_EQ(tool({"restore", device, "--reason", "found"}).code, 2);
    const auto restored = tool({"restore", device, "--reason", "found", "--second-key", path("second.key"),
                                "--second-passphrase-file", path("passphrase")});
    ASSERT_EQ(restored.code, 0) << restored.errors;
    EXPECT_NE(tool({"device", "list"}).out.find(device + "  waiting"), std::string::npos);
    EXPECT_EQ(tool({"log", "verify"}).code, 0);
}

TEST_F(AdminTool, a_log_that_is_not_the_one_verified_before_is_a_fork) {
    ASSERT_EQ(tool({"log", "verify"}).code, 0);
    const auto before = to_string(read_file(path("home/log-position")).value().expose());
    std::ofstream(path("home/log-position")) << "1 " << std::string(64, 'a');
    EXPECT_EQ(tool({"log", "verify"}).code, 1);
    std::ofstream(path("home/log-position")) << "1000 " << std::string(64, 'a');
    EXPECT_EQ(tool({"log", "verify"}).code, 1);
    std::ofstream(path("home/log-position")) << before;
    EXPECT_EQ(tool({"log", "verify"}).code, 0);
}

TEST_F(AdminTool, keys_and_root_sets_are_told_as_data_when_asked) {
    const auto made = tool({"--json", "key", "create", path("json.key"), "--rights", "revoke"});
    ASSERT_EQ(made.code, 0) << made.errors;
    EXPECT_EQ(field(made.out, "admin_key").size(), 64u) << made.out;
    EXPECT_EQ(field(made.out, "rights"), "revoke");
    const auto root = tool({"--json", "root", "show"});
    EXPECT_EQ(field(root.out, "sha256").size(), 64u) << root.out;
}

TEST_F(AdminTool, every_command_warns_when_the_list_ends_within_sixty_days) {
    const auto status = tool({"status"});
    EXPECT_EQ(status.code, 0);
    EXPECT_NE(status.errors.find("warning: the trust list ends in 58 days"), std::string::npos) << status.errors;
}

TEST_F(AdminTool, a_wrong_passphrase_and_a_missing_right_are_refused_with_a_sentence) {
    const auto wrong = tool({"status"}, "wrong-passphrase");
    EXPECT_EQ(wrong.code, 1);
    EXPECT_NE(wrong.errors.find("the passphrase does not open the key file"), std::string::npos);
    EXPECT_EQ(tool({"--key", path("second.key"), "code", "issue", "--officer", "10001"}).code, 1);
}

TEST_F(AdminTool, garbled_lines_are_usage_errors_and_change_nothing) {
    EXPECT_EQ(tool({}).code, 2);
    EXPECT_EQ(tool({"fly"}).code, 2);
    EXPECT_EQ(tool({"revoke", "xyz", "--reason", "r"}).code, 2);
    EXPECT_EQ(tool({"code", "issue", "--officer", "10001", "--valid", "soon"}).code, 2);
    EXPECT_EQ(tool({"code", "issue", "--officer", "10001", "--valid", "31d"}).code, 2);
    EXPECT_EQ(tool({"code", "issue", "--officer", "no-such"}).code, 1);
    EXPECT_EQ(tool({"root", "init"}).code, 1) << "a root set is never overwritten";
    EXPECT_EQ(tool({"key", "create", path("second.key"), "--rights", "enrol"}).code, 1);
}

TEST_F(AdminTool, every_command_teaches_with_an_example) {
    const std::vector<std::vector<std::string>> commands{{"root", "init"},
                                                         {"root", "show"},
                                                         {"root", "share"},
                                                         {"root", "recover"},
                                                         {"root", "succeed"},
                                                         {"root", "accept"},
                                                         {"grant", "show"},
                                                         {"grant", "renew"},
                                                         {"grant", "set"},
                                                         {"log", "show"},
                                                         {"device", "show"},
                                                         {"device", "aside"},
                                                         {"key", "create"},
                                                         {"trust", "sign"},
                                                         {"trust", "plan"},
                                                         {"trust", "show"},
                                                         {"trust", "publish"},
                                                         {"directory", "put"},
                                                         {"code", "issue"},
                                                         {"directory", "import"},
                                                         {"codes", "issue"},
                                                         {"codes", "status"},
                                                         {"codes", "reissue"},
                                                         {"suspend"},
                                                         {"device", "list"},
                                                         {"revoke"},
                                                         {"restore"},
                                                         {"sign"},
                                                         {"submit"},
                                                         {"log", "verify"},
                                                         {"status"}};
    for (auto command : commands) {
        std::string name = "melder-admin";
        for (const auto& word : command)
            name += " " + word;
        command.emplace_back("--help");
        const auto help = tool(command);
        EXPECT_EQ(help.code, 0) << name;
        EXPECT_NE(help.out.find("  " + name), std::string::npos) << help.out;
    }
}

}  // namespace
}  // namespace melder::admin
