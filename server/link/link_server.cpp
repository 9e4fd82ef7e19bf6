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
        shared_->tls = std::move(tls);
        for (const auto& endpoint : shared_->config.listen) {
            MELDER_TRY(auto acceptor, Acceptor::bind(*shared_, endpoint));
            acceptors_.push_back(std::move(acceptor));
        }
        started_ = true;
        for (const auto& core : cores_)
            core->post([](LinkCore& here) { here.start_timer(); });
        for (const auto& acceptor : acceptors_)
            cores_[0]->post([acceptor](LinkCore&) { acceptor->start(); });
        return ok();
    }

    [[nodiscard]] std::uint16_t port(std::size_t index) const { return acceptors_.at(index)->port(); }

    void close_device(const EnrolmentId& device, Errc reason) {
        cores_[home_core_of(device, cores_.size())]->post(
            [device, reason](LinkCore& home) { home.close_device(device, reason); });
    }

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
LinkCounters LinkServer::counters() const {
    return impl_->counters();
}
void LinkServer::shutdown() {
    impl_->shutdown();
}

}  // namespace melder::server
