#include "tests/apps/melder-admin/tool_fixture.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;
constexpr int start_deadline_ms = 60'000;

}  // namespace

ServerRun::ServerRun(const std::string& binary, const std::string& config_file) {
    int pipe[2] = {-1, -1};
    if (::pipe2(pipe, O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
        ::dup2(pipe[1], STDOUT_FILENO);
        ::dup2(pipe[1], STDERR_FILENO);
        ::execl(binary.c_str(), binary.c_str(), "run", "--config", config_file.c_str(), nullptr);
        ::_exit(127);
    }
    ::close(pipe[1]);
    descriptor_ = pipe[0];
    const std::string ready = "ready on port ";
    for (;;) {
        const auto at = output_.find(ready);
        if (at != std::string::npos && output_.find('\n', at) != std::string::npos) {
            port_ = std::stoi(output_.substr(at + ready.size()));
            return;
        }
        pollfd wait{.fd = descriptor_, .events = POLLIN, .revents = 0};
        char buffer[4096];
        if (::poll(&wait, 1, start_deadline_ms) <= 0) return;
        const auto size = ::read(descriptor_, buffer, sizeof buffer);
        if (size <= 0) return;
        output_.append(buffer, static_cast<std::size_t>(size));
    }
}

ServerRun::~ServerRun() {
    if (child_ > 0) {
        ::kill(child_, SIGTERM);
        ::waitpid(child_, nullptr, 0);
    }
    if (descriptor_ >= 0) ::close(descriptor_);
}

void ServerRun::signal(int number) const {
    if (child_ > 0) ::kill(child_, number);
}

void ToolFixture::SetUp() {
    // Keys cost a scrypt each: they are made once, and every test gets a copy of its own.
    static const Prepared prepared(*this);
    directory_ = new_directory();
    fs::copy(prepared.directory, directory_, fs::copy_options::recursive);
    admin_id_ = prepared.admin_id;
    second_id_ = prepared.second_id;
    start_server();
    expect(admin("directory put " + path("force.csv")), 0, "2 officers are in the directory");
}

fs::path ToolFixture::new_directory() {
    return fs::temp_directory_path() / ("melder-tool-" + system_random().id<EnrolmentId>().hex());
}

ToolFixture::Prepared::Prepared(ToolFixture& in) : directory(new_directory()) {
    in.directory_ = directory;
    fs::create_directory(directory);
    in.write("passphrase", "secret\n");
    in.write("force.csv",
             "unit,LKA,Landeskriminalamt\nunit,PP,Präsidium\nofficer,10001,Anna Berger,LKA,member\n"
             "officer,10002,Jörg Meißner,PP,member\n");
    expect(in.server("init " + in.path("srv") + " --listen 127.0.0.1:0 --watch ''"), 0, "is set up");
    expect(in.admin("root init"), 0, "root set");
    in.make_cheap("home/root-working.key");
    in.make_cheap("home/root-reserve.key");
    admin_id = in.create_key("home/admin.key", "enrol,directory,leaders,revoke,helpdesk");
    second_id = in.create_key("second.key", "enrol,revoke");
    expect(in.admin("trust sign " + in.path("srv/setup-request") + " --admin " + in.path("home/admin.key.pub") +
                    " --admin " + in.path("second.key.pub") + " --out " + in.path("srv/trust-list")),
           0, "trust list 1");
    fs::copy_file(in.path("home/root-set"), in.path("srv/root-set"));
}

ToolFixture::Prepared::~Prepared() {
    std::error_code ignored;
    fs::remove_all(directory, ignored);
}

void ToolFixture::TearDown() {
    server_.reset();
    fs::remove_all(directory_);
}

void ToolFixture::start_server() {
    server_.reset();
    server_ = std::make_unique<ServerRun>(MELDER_SERVER_BINARY, path("srv/melder.toml"));
    ASSERT_NE(server_->port(), 0) << server_->output();
}

void ToolFixture::write(const std::string& name, const std::string& text) const {
    std::ofstream(directory_ / name, std::ios::binary) << text;
}

std::string ToolFixture::read(const std::string& name) const {
    std::ifstream in(directory_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

std::string ToolFixture::admin_line() const {
    const auto port = server_ == nullptr ? 5222 : server_->port();
    return std::string(MELDER_ADMIN_BINARY) + " --home " + path("home") + " --passphrase-file " + path("passphrase") +
           " --server 127.0.0.1:" + std::to_string(port);
}

CommandResult ToolFixture::admin(const std::string& arguments) const {
    return run_command(admin_line() + " " + arguments + " < /dev/null");
}

CommandResult ToolFixture::admin_as(const std::string& key_file, const std::string& arguments) const {
    return admin("--key " + path(key_file) + " " + arguments);
}

CommandResult ToolFixture::server(const std::string& arguments) const {
    return run_command(std::string(MELDER_SERVER_BINARY) + " " + arguments);
}

std::string ToolFixture::create_key(const std::string& file, const std::string& rights) const {
    const auto made = admin("key create " + path(file) + " --rights " + rights);
    expect(made, 0, "key ");
    make_cheap(file);
    return made.output.substr(made.output.find("key ") + 4, 16);
}

void ToolFixture::make_cheap(const std::string& file) const {
    const SecretBuffer passphrase(view("secret"));
    const auto seed = melder::admin::load_key(path(file), passphrase);
    ASSERT_TRUE(seed.has_value()) << seed.error();
    const auto cheap = melder::admin::seal_key(*seed, passphrase, system_random(), {4, 8, 1});
    ASSERT_TRUE(melder::admin::replace_file(path(file), cheap.value(), 0600).has_value());
}

std::string ToolFixture::field(const std::string& json, const std::string& name) {
    const auto start = json.find("\"" + name + "\":");
    if (start == std::string::npos) return {};
    auto from = start + name.size() + 3;
    if (json[from] == '"') return json.substr(from + 1, json.find('"', from + 1) - from - 1);
    return json.substr(from, json.find_first_of(",}", from) - from);
}

void ToolFixture::expect(const CommandResult& result, int exit_code, const std::string& sentence) {
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_NE(result.output.find(sentence), std::string::npos) << "looked for: " << sentence << "\n" << result.output;
}

}  // namespace melder::testing
