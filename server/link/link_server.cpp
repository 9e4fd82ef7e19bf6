#include "server/link/link_server.hpp"

#include <condition_variable>
#include <mutex>
#include <stdexcept>

#include "core/protobuf_log.hpp"
#include "server/link/acceptor.hpp"
#include "server/link/link_core.hpp"

namespace melder::server {
namespace {

/// Counts down on the loops, waited for outside them.
class Countdown {
public:
    explicit Countdown(std::size_t count) : count_(count) {}
    void arrive() {
        const std::lock_guard lock(mutex_);
        if (--count_ == 0) zero_.notify_all();
    }
    void wait() {
        std::unique_lock lock(mutex_);
        zero_.wait(lock, [this] { return count_ == 0; });
    }
    [[nodiscard]] bool wait_for(std::chrono::milliseconds longest) {
        std::unique_lock lock(mutex_);
        return zero_.wait_for(lock, longest, [this] { return count_ == 0; });
    }

private:
    std::mutex mutex_;
    std::condition_variable zero_;
    std::size_t count_;
};

}  // namespace

class LinkServer::Impl {
public:
    Impl(LinkConfig config, EventLoops& loops, LoginAuthority& authority, std::vector<SessionHandler*> handlers,
         Log& log)
        : shared_(std::make_shared<LinkShared>(std::move(config), loops, authority, log)) {
        silence_protobuf();
        if (handlers.size() != loops.size()) throw std::invalid_argument("as many handlers as loops");
        for (std::size_t i = 0; i < handlers.size(); ++i) {
            cores_.push_back(std::make_shared<LinkCore>(shared_, i, *handlers[i]));
            shared_->cores.push_back(cores_.back().get());
        }
    }

    Result<void> start() {
        MELDER_TRY(auto tls, TlsContext::load(shared_->config.certificate_file, shared_->config.private_key_file));
        tls_ = std::make_shared<const TlsContext>(std::move(tls));
        for (const auto& endpoint : shared_->config.listen) {
            MELDER_TRY(auto acceptor, Acceptor::bind(*shared_, endpoint));
            acceptors_.push_back(std::move(acceptor));
        }
        started_ = true;
        for (const auto& core : cores_)
            core->post([tls = tls_](LinkCore& here) {
                here.use_tls(tls);
                here.start_timer();
            });
        for (const auto& acceptor : acceptors_)
            cores_[0]->post([acceptor](LinkCore&) { acceptor->start(); });
        return ok();
    }

    [[nodiscard]] std::uint16_t port(std::size_t index) const { return acceptors_.at(index)->port(); }

    void close_device(const EnrolmentId& device, Errc reason) {
        cores_[home_core_of(device, cores_.size())]->post(
            [device, reason](LinkCore& home) { home.close_device(device, reason); });
    }

    void use_tls(TlsContext context) {
        auto tls = std::make_shared<const TlsContext>(std::move(context));
        on_every_core([&tls](LinkCore& core) { core.use_tls(tls); });
        const std::lock_guard lock(tls_mutex_);
        tls_ = std::move(tls);
    }

    [[nodiscard]] std::shared_ptr<const TlsContext> tls() const {
        const std::lock_guard lock(tls_mutex_);
        return tls_;
    }

    [[nodiscard]] const CoreCounters& core_counters(std::size_t core) const { return cores_.at(core)->counters(); }
    [[nodiscard]] std::size_t outbox_bytes() const { return shared_->budget.used_bytes(); }

    [[nodiscard]] LinkCounters counters() const {
        LinkCounters sum;
        for (const auto& core : cores_)
            core->counters().add_to(sum);
        return sum;
    }

    void shutdown() {
        if (!started_) return;
        started_ = false;
        shared_->log.info("link_shutdown");
        const auto deadline = std::chrono::steady_clock::now() + shared_->config.times.shutdown;
        on_every_core([this](LinkCore& core) {
            if (core.index() != 0) return;
            for (const auto& acceptor : acceptors_)
                acceptor->stop();
        });
        const auto finished = std::make_shared<Countdown>(cores_.size());
        for (const auto& core : cores_) {
            core->post([finished](LinkCore& here) { here.begin_shutdown([finished] { finished->arrive(); }); });
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (!finished->wait_for(left)) {
            shared_->log.warn("link_shutdown_forced");
            on_every_core([](LinkCore& core) { core.drop_all(); });
            finished->wait();
        }
        // Callbacks that were on their way still hold connections; each round lets the loops run what is queued.
        while (shared_->connections_alive.load(std::memory_order_acquire) != 0)
            on_every_core([](LinkCore&) {});
    }

private:
    void on_every_core(const std::function<void(LinkCore&)>& work) {
        Countdown done(cores_.size());
        for (const auto& core : cores_) {
            core->post([&](LinkCore& here) {
                work(here);
                done.arrive();
            });
        }
        done.wait();
    }

    std::shared_ptr<LinkShared> shared_;
    std::vector<std::shared_ptr<LinkCore>> cores_;
    std::vector<std::shared_ptr<Acceptor>> acceptors_;
    mutable std::mutex tls_mutex_;
    std::shared_ptr<const TlsContext> tls_;  ///< what every core was told
    bool started_ = false;
};

LinkServer::LinkServer(LinkConfig config, EventLoops& loops, LoginAuthority& authority,
                       std::vector<SessionHandler*> handlers, Log& log)
    : impl_(std::make_unique<Impl>(std::move(config), loops, authority, std::move(handlers), log)) {}

LinkServer::~LinkServer() {
    shutdown();
}

Result<void> LinkServer::start() {
    return impl_->start();
}
std::uint16_t LinkServer::port(std::size_t index) const {
    return impl_->port(index);
}
void LinkServer::close_device(const EnrolmentId& device, Errc reason) {
    impl_->close_device(device, reason);
}
void LinkServer::use_tls(TlsContext context) {
    impl_->use_tls(std::move(context));
}
std::shared_ptr<const TlsContext> LinkServer::tls() const {
    return impl_->tls();
}
LinkCounters LinkServer::counters() const {
    return impl_->counters();
}
const CoreCounters& LinkServer::core_counters(std::size_t core) const {
    return impl_->core_counters(core);
}
std::size_t LinkServer::outbox_bytes() const {
    return impl_->outbox_bytes();
}
void LinkServer::shutdown() {
    impl_->shutdown();
}

}  // namespace melder::server
