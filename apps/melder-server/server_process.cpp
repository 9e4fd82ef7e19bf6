#include "apps/melder-server/server_process.hpp"

#include <fstream>
#include <iterator>
#include <thread>

#include "apps/melder-server/home_core.hpp"
#include "apps/melder-server/keys.hpp"
#include "apps/melder-server/server_files.hpp"
#include "apps/melder-server/server_watch.hpp"
#include "apps/melder-server/version.hpp"
#include "keyserver/login_authority.hpp"
#include "keyserver/work_lane.hpp"
#include "proto/link.pb.h"
#include "relay/directory_device_view.hpp"
#include "server/link/link_server.hpp"
#include "server/stores/rocksdb/directory_store.hpp"
#include "server/stores/rocksdb/mailbox_store.hpp"

namespace melder::apps {
namespace {

constexpr std::size_t reading_threads = 2;
constexpr auto first_picture_deadline = std::chrono::seconds(60);

Result<Bytes> read_file(const std::string& file, std::size_t most, std::string_view what_to_do) {
    std::ifstream in(file, std::ios::binary);
    Bytes content(std::istreambuf_iterator<char>(in), {});
    if (!in) return Error(Errc::config_invalid, file + " cannot be read; " + std::string(what_to_do));
    if (content.size() > most) return Error(Errc::config_invalid, file + " is too large to be what it should be");
    return content;
}

Result<Ed25519Seed> load_statement_seed(const std::string& file) {
    MELDER_TRY(const auto content, read_whole(file));
    auto seed = Ed25519Seed::from(content.expose());
    if (seed.has_error()) return Error(Errc::config_invalid, file + " does not hold the 32 bytes of a statement key");
    return seed;
}

Result<RootSet> load_root_set(const std::string& file) {
    MELDER_TRY(const auto content,
               read_file(file, limits::trust_list_bytes, "`melder-admin root init` writes it; copy it here"));
    auto roots = RootSet::parse(content);
    if (roots.has_error()) return Error(Errc::config_invalid, file + " is not a root set");
    return roots;
}

Result<SignedBytes> load_trust_list(const std::string& file) {
    MELDER_TRY(const auto content,
               read_file(file, limits::trust_list_bytes,
                         "`melder-admin trust sign` writes it out of the file setup-request; copy it here"));
    auto list = SignedBytes::parse(content);
    if (list.has_error()) return Error(Errc::config_invalid, file + " is not a signed trust list");
    return list;
}

keyserver::TakeLimits take_limits_of(const server::PrekeyLimits& limits) {
    keyserver::TakeLimits out;
    out.pair_burst = limits.takes_per_pair;
    out.pair_interval = std::chrono::seconds(limits.pair_interval_s);
    out.source_burst = limits.takes_per_source;
    out.source_interval = Millis(1000 / limits.takes_per_source_per_second);
    out.one_time_per_hour = limits.one_time_per_hour;
    return out;
}

/// Everything `Keyserver` needs that comes from files.
Result<keyserver::KeyserverConfig> load_keyserver_config(const server::ServerConfig& config) {
    MELDER_TRY(auto roots, load_root_set(config.root_set_file));
    MELDER_TRY(auto list, load_trust_list(config.trust_list_file));
    if (const auto verified = TrustList::verify(list, roots); verified.has_error()) {
        return Error(Errc::config_invalid, config.trust_list_file + " does not count under the root set " +
                                               config.root_set_file + ": " + verified.error().message());
    }
    MELDER_TRY(auto seed, load_statement_seed(config.statement_key_file));
    MELDER_TRY(auto key, keyserver::DirectoryKey::load(config.directory_key_file));
    return keyserver::KeyserverConfig{.roots = std::move(roots),
                                      .trust_list = std::move(list),
                                      .statement_seed = std::move(seed),
                                      .directory_key = std::move(key),
                                      .order_log_copy_file = config.order_log_copy,
                                      .restored = false,
                                      .server_version = std::string(server_version),
                                      .take_limits = take_limits_of(config.prekeys)};
}

server::LinkConfig link_config_of(const server::ServerConfig& config) {
    server::LinkConfig link;
    link.listen = config.listen;
    link.certificate_file = config.certificate_file;
    link.private_key_file = config.private_key_file;
    link.admission = config.admission;
    return link;
}

std::size_t cores_of(const server::ServerConfig& config) {
    return config.cores != 0 ? config.cores : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace

class ServerProcess::Impl {
public:
    /// Built in order, each a line with its job; torn down in the opposite one by stop().
    Impl(const server::ServerConfig& config, std::unique_ptr<server::Database> database, const Clock& clock,
         Random& random, server::Log& log)
        : clock_(clock),
          log_(log),
          database_(std::move(database)),
          directory_(*database_),
          mailboxes_(*database_, clock, random),
          view_(clock),
          devices_(view_, clock),
          loops_(cores_of(config)),
          relay_({loops_, mailboxes_, devices_, clock, log}),
          config_(config),
          watch_({clock, *database_, config.data_directory, config.order_log_copy}) {}

    ~Impl() { stop(); }

    Result<void> start(const server::ServerConfig& config, keyserver::KeyserverConfig keyserver_config,
                       Random& random) {
        if (config.watch) MELDER_CHECK(watch_.listen(*config.watch, log_));
        keyserver_config.restored = database_->was_restored();
        MELDER_TRY(keyserver_,
                   keyserver::Keyserver::open(std::move(keyserver_config), directory_, view_, clock_, random, log_));
        writes_ = std::make_unique<keyserver::WorkLane>(1, limits::statement_interval, [this] {
            keyserver_->tick();
            raise_store_mark();
        });
        reads_ = std::make_unique<keyserver::WorkLane>(reading_threads);
        feed_lane_ = std::make_unique<keyserver::WorkLane>(1);
        lanes_.writes = writes_->executor();
        lanes_.reads = reads_->executor();
        authority_ = std::make_unique<keyserver::KeyserverAuthority>(
            *keyserver_, view_, lanes_, clock_, std::vector{wire::SERVICE_RELAY, wire::SERVICE_KEYSERVER});

        std::vector<server::SessionHandler*> handlers;
        for (std::size_t core = 0; core < loops_.size(); ++core) {
            cores_.push_back(std::make_unique<HomeCore>(core, loops_, relay_, *keyserver_, lanes_, started_));
            handlers.push_back(cores_.back().get());
        }
        keyserver_->on_prekeys_low = [this](const EnrolmentId& device, std::uint32_t count) {
            const auto core = server::home_core_of(device, loops_.size());
            loops_.post_to(core, [this, core, device, count] { cores_[core]->tell_prekeys_low(device, count); });
        };
        keyserver_->on_trust_list = [this] { keep_trust_list(); };
        link_ = std::make_unique<server::LinkServer>(link_config_of(config), loops_, *authority_, handlers, log_);
        view_.subscribe([this](const server::DeviceChange& change) { on_change(change); });
        feed_ = view_.follow(directory_, feed_lane_->executor());
        MELDER_CHECK(wait_for_first_picture());
        MELDER_CHECK(link_->start());
        warn_without_pin();
        watch_.on_started(watched());
        return ok();
    }

    [[nodiscard]] std::uint16_t port(std::size_t index) const { return link_->port(index); }
    [[nodiscard]] std::uint16_t watch_port() const { return watch_.port(); }

    Result<void> reload(const std::string& config_file) {
        const auto reopened = log_.reopen();  // first, so that what goes wrong next stands in the new file
        const auto config = server::ServerConfig::load(config_file);
        auto done = config.has_error() ? Result<void>(config.error()) : take_over(*config);
        if (!done.has_error()) done = reopened;
        watch_.on_reload(done.has_value());
        return done;
    }

    void stop() {
        if (std::exchange(stopped_, true)) return;
        watch_.on_stopping();
        if (link_) link_->shutdown();
        watch_.close();
        feed_.reset();
        for (auto* lane : {&feed_lane_, &writes_, &reads_}) {
            if (*lane) (*lane)->stop();
        }
        if (keyserver_) keyserver_->tick();  // the logins of the last moment
        loops_.stop();
        link_.reset();
        cores_.clear();
    }

private:
    Result<void> take_over(const server::ServerConfig& config) {
        name_what_waits(config);
        log_.set_level(config.log.level);
        MELDER_TRY(auto tls, server::TlsContext::load(config.certificate_file, config.private_key_file));
        if (!is_pinned(tls)) {
            return Error(Errc::wrong_server_key, config.certificate_file +
                                                     " holds a key that the trust list does not pin; sign a list that "
                                                     "does, and send SIGHUP again");
        }
        MELDER_TRY(auto seed, load_statement_seed(config.statement_key_file));
        const auto former = keyserver_->statement_key();
        MELDER_CHECK(keyserver_->use_statement_key(std::move(seed)));
        link_->use_tls(std::move(tls));
        log_.info("tls_reloaded");
        if (keyserver_->statement_key() != former) log_.info("statement_key_reloaded");
        return ok();
    }

    /// The file beside the configuration follows the list in force: `melder-server keys` judges by it, and a start with
    /// an empty store begins with it. A file that is no older list of these roots is an operator's, and stays.
    void keep_trust_list() {
        const auto in_force = keyserver_->trust();
        const auto listed = load_listed(config_);
        if (listed.has_error() || (*listed != nullptr && (*listed)->version() >= in_force->version())) return;
        const auto kept = replace_file(config_.trust_list_file, in_force->document().encode(), 0644);
        if (kept.has_error()) {
            log_.warn("trust_list_file_not_replaced",
                      {{"code", kept.error().code()}, {"file", server::LocalFact(config_.trust_list_file)}});
        }
    }

    [[nodiscard]] WatchedServices watched() const {
        WatchedServices services{*keyserver_, lanes_, view_, *link_, {}, {}};
        for (std::size_t core = 0; core < cores_.size(); ++core) {
            services.relay_cores.push_back(&cores_[core]->relay_counters());
            services.keyserver_cores.push_back(&cores_[core]->keyserver_counters());
        }
        return services;
    }

    [[nodiscard]] bool is_pinned(const server::TlsContext& tls) const {
        return keyserver_->trust()->has_pin(tls.spki_sha256(), ServerRole::relay);
    }
    void warn_without_pin() {
        if (is_pinned(*link_->tls())) return;
        log_.error("tls_key_not_pinned", {{"file", server::LocalFact(config_.certificate_file)}});
    }

    /// What a running server cannot take over.
    void name_what_waits(const server::ServerConfig& config) {
        const auto compare = [this](bool same, std::string_view key) {
            if (!same) log_.warn("change_needs_restart", {{"key", server::LocalFact(key)}});
        };
        compare(config.listen == config_.listen, "link.listen");
        compare(config.cores == config_.cores, "link.cores");
        compare(config.directory_key_file == config_.directory_key_file, "keys.directory_key");
        compare(config.root_set_file == config_.root_set_file, "trust.root_set");
        compare(config.trust_list_file == config_.trust_list_file, "trust.trust_list");
        compare(config.data_directory == config_.data_directory, "store.data_directory");
        compare(config.epoch_file == config_.epoch_file, "store.epoch_file");
        compare(config.order_log_copy == config_.order_log_copy, "store.order_log_copy");
        compare(config.watch == config_.watch, "watch.listen");
        compare(config.log.file == config_.log.file, "log.file");
    }

    /// On the lane for writes.
    void raise_store_mark() {
        if (clock_.boot() - store_marked_ < Millis(limits::store_mark_interval)) return;
        store_marked_ = clock_.boot();
        if (const auto raised = database_->raise_mark(); raised.has_error()) {
            log_.error("store_mark_not_raised", {{"code", raised.error().code()}});
        }
    }

    void on_change(const server::DeviceChange& change) {
        if (change.now == DeviceStanding::active) return;
        const bool replaced = change.now == DeviceStanding::replaced;
        link_->close_device(change.device, replaced ? Errc::device_replaced : Errc::device_revoked);
        if (replaced) relay_.remove_device(change.device);
    }

    /// Nobody is let in before the view is complete, so nobody should find an open port before.
    [[nodiscard]] Result<void> wait_for_first_picture() const {
        const auto deadline = std::chrono::steady_clock::now() + first_picture_deadline;
        while (!view_.fresh()) {
            if (std::chrono::steady_clock::now() > deadline)
                return Error(Errc::io_error, "the directory could not be loaded");
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return ok();
    }

    const Clock& clock_;
    const UnixTime started_ = clock_.wall();
    server::Log& log_;
    std::unique_ptr<server::Database> database_;                // the store of this machine
    server::RocksDirectoryStore directory_;                     // devices, orders, prekeys
    server::RocksdbMailboxStore mailboxes_;                     // what waits for whoever is offline
    server::DirectoryView view_;                                // all devices in memory
    relay::DirectoryDeviceView devices_;                        // the same as the relay sees them
    server::EventLoops loops_;                                  // a thread per core
    relay::Relay relay_;                                        // device to device
    std::unique_ptr<keyserver::Keyserver> keyserver_;           // who belongs to the force
    std::unique_ptr<keyserver::WorkLane> writes_;               // the keyserver's writes, and its statements
    std::unique_ptr<keyserver::WorkLane> reads_;                // the keyserver's reads
    std::unique_ptr<keyserver::WorkLane> feed_lane_;            // feeds the view
    keyserver::KeyserverLanes lanes_;                           // the first two, as the cores see them
    std::unique_ptr<keyserver::KeyserverAuthority> authority_;  // who may come in
    std::vector<std::unique_ptr<HomeCore>> cores_;              // the services of each loop
    std::unique_ptr<server::LinkServer> link_;                  // connections
    std::shared_ptr<void> feed_;                                // store → view
    const server::ServerConfig config_;                         // as it was at the start
    ServerWatch watch_;                                         // /health and /metrics
    BootTime store_marked_;                                     // when raise_store_mark did it last
    bool stopped_ = false;
};

ServerProcess::ServerProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ServerProcess::~ServerProcess() = default;
std::uint16_t ServerProcess::port(std::size_t index) const {
    return impl_->port(index);
}
std::uint16_t ServerProcess::watch_port() const {
    return impl_->watch_port();
}
Result<void> ServerProcess::reload(const std::string& config_file) {
    return impl_->reload(config_file);
}
void ServerProcess::stop() {
    impl_->stop();
}

Result<std::unique_ptr<ServerProcess>> ServerProcess::start(const server::ServerConfig& config, StartOptions options,
                                                            const Clock& clock, Random& random, server::Log& log) {
    MELDER_TRY(auto keyserver_config, load_keyserver_config(config));
    server::DatabaseConfig database_config{
        .directory = config.data_directory, .epoch_file = config.epoch_file, .restored = options.restored};
    MELDER_TRY(auto database, server::Database::open(database_config, clock, random));
    auto impl = std::make_unique<Impl>(config, std::move(database), clock, random, log);
    MELDER_CHECK(impl->start(config, std::move(keyserver_config), random));
    return std::unique_ptr<ServerProcess>(new ServerProcess(std::move(impl)));
}

}  // namespace melder::apps
