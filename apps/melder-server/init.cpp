#include "apps/melder-server/init.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "apps/melder-server/keys.hpp"
#include "apps/melder-server/server_files.hpp"
#include "core/setup_request.hpp"
#include "server/config/server_config.hpp"
#include "server/link/tls_identity.hpp"

namespace melder::apps {
namespace {

namespace fs = std::filesystem;

Result<void> make_directory(const fs::path& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) return io_error(path, error.value());
    fs::permissions(path, fs::perms::owner_all, error);
    if (error) return io_error(path, error.value());
    return ok();
}

Result<server::TlsIdentity> write_tls_identity(const fs::path& keys, const std::string& name) {
    auto identity = server::make_tls_identity();
    MELDER_CHECK(write_new_file(keys / (name + ".crt"), view(identity.certificate_pem), 0644));
    MELDER_CHECK(write_new_file(keys / (name + ".key"), identity.private_key_pem.expose(), 0600));
    return identity;
}

std::string config_text(const InitOptions& options, const std::string& order_log_copy) {
    return "# Melder server. Relative paths start at this file's directory. "
           "The comments say what each key is for.\n"
           "\n"
           "[link]\n"
           "listen = [\"" +
           options.listen +
           "\"]\n"
           "cores = 0                       # event loops; 0: one for each processor\n"
           "# What those who have not logged in may take up; phones may share the address of a gateway.\n"
           "# handshakes = 4096             # connections, of all addresses together\n"
           "# handshakes_per_address = 1024\n"
           "# enrolments_per_address_a_minute = 600\n"
           "\n"
           "[prekeys]\n"
           "# How many prekey bundles may be taken, from 1 to 1000 each; beyond, a sender is told when to come again.\n"
           "# takes_per_pair = 6              # by one device of one other at once, then one per interval\n"
           "# pair_interval_s = 600\n"
           "# takes_per_source = 600          # by one device at once, then so many a second\n"
           "# takes_per_source_per_second = 1\n"
           "# one_time_per_hour = 60          # of one device; beyond, its signed prekey alone\n"
           "\n"
           "[keys]\n"
           "tls_certificate = \"keys/tls.crt\"\n"
           "tls_private_key = \"keys/tls.key\"    # keys/tls-next.* is the key that the trust list pins as the next "
           "one\n"
           "statement_key = \"keys/statement.key\" # signs time and log head; keys/statement-next.key is listed as the "
           "next one\n"
           "directory_key = \"keys/directory.key\" # seals names at rest; keep a copy where the backups are not\n"
           "\n"
           "[trust]\n"
           "root_set = \"root-set\"           # from `melder-admin root init`\n"
           "trust_list = \"trust-list\"       # from `melder-admin trust sign`, answering setup-request\n"
           "\n"
           "[store]\n"
           "data_directory = \"data\"\n"
           "epoch_file = \"epoch\"            # tells a restored store from the one this server last ran on\n"
           "order_log_copy = \"" +
           order_log_copy +
           "\"  # the order log's second place: put it on another disk\n"
           "\n"
           "[watch]\n"
           "listen = \"" +
           options.watch +
           "\"    # /health and /metrics over HTTP, for this machine only; \"\": none\n"
           "\n"
           "[log]\n"
           "level = \"info\"\n"
           "# file = \"melder.log\"          # otherwise standard error; SIGHUP opens it anew, for logrotate\n";
}

Result<void> fill(const fs::path& directory, const InitOptions& options, const std::string& order_log_copy,
                  Random& random) {
    const auto keys = directory / "keys";
    MELDER_CHECK(make_directory(directory));
    MELDER_CHECK(make_directory(keys));
    if (options.order_log_copy.empty()) MELDER_CHECK(make_directory(directory / "second-place"));
    MELDER_TRY(const auto current, write_tls_identity(keys, "tls"));
    MELDER_TRY(const auto next, write_tls_identity(keys, "tls-next"));

    ServerKeys made{.tls = current.spki_sha256,
                    .tls_next = next.spki_sha256,
                    .tls_ends = {},
                    .statement = {},
                    .statement_next = std::nullopt};
    const auto statement_seed = random.secret<Ed25519Seed>();
    made.statement = ed25519_public_of(statement_seed);
    MELDER_CHECK(write_new_file(keys / "statement.key", statement_seed.expose(), 0600));
    const auto statement_next = random.secret<Ed25519Seed>();
    made.statement_next = ed25519_public_of(statement_next);
    MELDER_CHECK(write_new_file(keys / "statement-next.key", statement_next.expose(), 0600));
    const auto directory_key = random.secret<Secret<32>>();
    MELDER_CHECK(write_new_file(keys / "directory.key", directory_key.expose(), 0600));

    MELDER_CHECK(write_new_file(directory / "setup-request", view(made.request().encode()), 0644));
    return write_new_file(directory / "melder.toml", view(config_text(options, order_log_copy)), 0644);
}

}  // namespace

Result<void> init_server(const InitOptions& options, Random& random) {
    if (server::parse_endpoint(options.listen).has_error()) {
        return Error(Errc::bad_argument, "--listen takes ADDRESS:PORT, such as 0.0.0.0:5222 or [::]:5222");
    }
    if (!options.watch.empty()) {
        const auto watch = server::parse_endpoint(options.watch);
        if (watch.has_error() || !server::is_loopback(*watch)) {
            return Error(Errc::bad_argument,
                         "--watch takes ADDRESS:PORT of this machine, such as 127.0.0.1:9464, or \"\" for none");
        }
    }
    if (options.order_log_copy.find_first_of("\"\\\n") != std::string::npos) {
        return Error(Errc::bad_argument, "--order-log-copy must not contain quotes, backslashes or line breaks");
    }
    std::error_code error;
    const auto target = fs::absolute(options.directory, error).lexically_normal();
    if (error) return io_error(options.directory, error.value());
    if (fs::exists(target, error) && !fs::is_empty(target, error)) {
        return Error(Errc::already_exists,
                     options.directory + " is not empty; name a new directory, nothing was changed");
    }
    // A relative second place is the caller's working directory's, not the new directory's.
    const auto copy = options.order_log_copy.empty() ? std::string("second-place/order-log")
                                                     : fs::absolute(options.order_log_copy, error).string();
    if (const auto disk = fs::path(copy).parent_path();
        !options.order_log_copy.empty() && !fs::is_directory(disk, error)) {
        return Error(Errc::io_error, disk.string() +
                                         ", where --order-log-copy is to be, is no directory; mount the disk "
                                         "or make it first. Nothing was changed");
    }
    auto draft = target;
    draft += ".new";
    fs::remove_all(draft, error);
    auto done = fill(draft, options, copy, random);
    if (done.has_value() && std::rename(draft.c_str(), target.c_str()) != 0) done = io_error(target, errno);
    if (done.has_error()) fs::remove_all(draft, error);
    return done;
}

}  // namespace melder::apps
