#pragma once
// A force of its own for each test, run by the real binaries as a person types them.

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "tests/apps/run_command.hpp"

namespace melder::testing {

/// `melder-server run`, until it is stopped or dies.
class ServerRun {
public:
    /// Waits for the line that names the port; `output()` says why there is none.
    ServerRun(const std::string& binary, const std::string& config_file);
    ~ServerRun();
    ServerRun(const ServerRun&) = delete;
    ServerRun& operator=(const ServerRun&) = delete;
    [[nodiscard]] int port() const { return port_; }
    [[nodiscard]] const std::string& output() const { return output_; }
    void signal(int number) const;

private:
    int child_ = -1;
    int descriptor_ = -1;
    int port_ = 0;
    std::string output_;
};

class ToolFixture : public ::testing::Test {
protected:
    void SetUp() override;  ///< root set, admin.key (all rights but wipe), second.key (revoke), list, running server
    void TearDown() override;

    [[nodiscard]] std::string path(const std::string& name) const { return (directory_ / name).string(); }
    void write(const std::string& name, const std::string& text) const;
    [[nodiscard]] std::string read(const std::string& name) const;
    /// melder-admin with home, server and passphrase.
    [[nodiscard]] CommandResult admin(const std::string& arguments) const;
    /// The same with another administrator's key file.
    [[nodiscard]] CommandResult admin_as(const std::string& key_file, const std::string& arguments) const;
    [[nodiscard]] std::string admin_line() const;
    [[nodiscard]] CommandResult server(const std::string& arguments) const;
    /// `key create` at a cost that leaves the tests quick; the short id of the key.
    [[nodiscard]] std::string create_key(const std::string& file, const std::string& rights) const;
    void make_cheap(const std::string& file) const;
    void start_server();
    void stop_server() { server_.reset(); }
    /// The value of a text or number in a line of --json.
    [[nodiscard]] static std::string field(const std::string& json, const std::string& name);
    static void expect(const CommandResult& result, int exit_code, const std::string& sentence);

    std::filesystem::path directory_;
    std::unique_ptr<ServerRun> server_;
    std::string admin_id_, second_id_;

private:
    static std::filesystem::path new_directory();
    struct Prepared {
        explicit Prepared(ToolFixture& in);
        ~Prepared();
        Prepared(const Prepared&) = delete;
        Prepared& operator=(const Prepared&) = delete;
        std::filesystem::path directory;
        std::string admin_id, second_id;
    };
};

}  // namespace melder::testing
