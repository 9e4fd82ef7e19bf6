#include "sdk/net/link_keeper.hpp"

#include <algorithm>
#include <atomic>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>

#include "core/limits.hpp"
#include "sdk/account/backoff.hpp"

namespace melder::sdk {

using client::LinkConnection;

bool is_final(Errc reason) noexcept {
    switch (reason) {
        case Errc::wrong_server_key:
        case Errc::trust_list_conflict:
        case Errc::bad_signature:
        case Errc::unknown_signer:
        case Errc::version_mismatch:
        case Errc::login_refused:
        case Errc::unknown_device:
        case Errc::replaced_connection:
            return true;
        default:
            return false;
    }
}

namespace {
constexpr auto reply_deadline = std::chrono::seconds(30);
}

/// Lives on the network thread but for the first few functions, which post there.
class LinkKeeper::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(LinkKeeperOptions given, Handlers to)
        : options(std::move(given)),
          handlers(std::move(to)),
          guard(boost::asio::make_work_guard(context)),
          timer(context),
          stop_timer(context) {}

    void run() {
        thread = std::thread([this] { context.run(); });
    }
    void post(std::function<void()> work) { boost::asio::post(context, std::move(work)); }

    void start(std::shared_ptr<client::LoginKey> with, std::uint64_t in_generation) {
        session = in_generation;
        key = std::move(with);
        backoff.reset();
        if (wanted && (link || loading)) return;
        wanted = true;
        attempt();
    }

    void pause() {
        wanted = false;
        ++round;
        timer.cancel();
        loading = false;
        up = false;
        if (!link) return;
        // What is queued still leaves; `released` follows, LinkTimes::closing later at the latest.
        link->close();
        closing.push_back(std::move(link));
    }

    void stop() {
        pause();
        abandon_enrolment();
        stopping = true;
        stop_if_closed();
        stop_timer.expires_after(limits::last_flush);
        stop_timer.async_wait([this](const boost::system::error_code& error) {
            if (!error) context.stop();
        });
    }

    /// Nothing else is waited for: what is left dies with the loop, uncalled.
    void stop_if_closed() {
        if (stopping && closing.empty()) context.stop();
    }

    void released(const LinkConnection* which) {
        const auto found = std::ranges::find(closing, which, [](const auto& one) { return one.get(); });
        if (found == closing.end()) return;
        auto old = std::move(*found);
        closing.erase(found);
        boost::asio::post(context, [this, old = std::shared_ptr<LinkConnection>(std::move(old))]() mutable {
            old.reset();
            stop_if_closed();
        });
    }

    void attempt() {
        timer.cancel();
        loading = true;
        const auto mine = ++round;
        options.post([self = shared_from_this(), mine, in = session] {
            if (!self->counts(in)) return;
            auto facts = std::make_shared<Result<LoginFacts>>(self->handlers.load_facts());
            self->post([self = self.get(), mine, facts] {
                if (mine != self->round) return;
                self->loading = false;
                if (facts->has_error()) return self->down(facts->error(), true);
                self->connect(std::move(*facts).value());
            });
        });
    }

    void connect(LoginFacts facts) {
        link = std::make_unique<LinkConnection>(context.get_executor(), options.make_stream, options.times);
        const auto mine = round;
        link->on_frame([this, mine](wire::Frame& frame) { to_lane(mine, std::move(frame)); });
        link->on_closed([this, mine, which = link.get()](const Error& why) {
            if (mine == round) return down(why, is_final(why.code()));
            released(which);
        });
        const auto address = options.servers[next_server++ % options.servers.size()];
        link->connect(address, std::move(facts.trust),
                      [this, mine, login = std::move(facts.login)](Result<client::ServerHello> hello) {
                          if (mine != round) return;
                          if (hello.has_error()) return down(hello.error(), is_final(hello.error().code()));
                          log_in(mine, login, std::move(hello).value());
                      });
    }

    void log_in(std::uint64_t mine, client::DeviceLogin login, client::ServerHello hello) {
        // The credential names its officer: it goes only to a server that was restored, or that said `unknown_device`.
        const bool first = login.store_epoch.is_zero();
        const bool same_store = first || (hello.statement && hello.statement->store_epoch == login.store_epoch);
        if (same_store && !presents) login.credential.clear();
        link->login(std::move(login), *key,
                    [this, mine, hello = std::move(hello)](Result<wire::Welcome> welcome) mutable {
                        if (mine != round) return;
                        if (welcome.has_error()) {
                            const bool presents_next = welcome.error() == Errc::unknown_device && !presents;
                            presents = presents_next;
                            return down(welcome.error(), !presents_next && is_final(welcome.error().code()));
                        }
                        backoff.reset();
                        presents = false;
                        up = true;
                        options.post([self = shared_from_this(), in = session, hello = std::move(hello),
                                      welcome = std::move(welcome).value()]() mutable {
                            if (self->counts(in)) self->handlers.on_up(std::move(hello), std::move(welcome));
                        });
                    });
    }

    void to_lane(std::uint64_t mine, wire::Frame frame) {
        if (mine != round) return;
        auto shared = std::make_shared<wire::Frame>(std::move(frame));
        options.post([self = shared_from_this(), in = session, shared] {
            if (self->counts(in)) self->handlers.on_frame(*shared);
        });
    }

    void down(const Error& why, bool final) {
        ++round;
        up = false;
        retire();
        std::optional<std::chrono::milliseconds> retry;
        if (wanted && !final) {
            retry = backoff.next(options.random, Millis(why.retry_after_ms()));
            timer.expires_after(*retry);
            timer.async_wait([this](const boost::system::error_code& error) {
                if (!error && wanted) attempt();
            });
        } else {
            wanted = false;
        }
        options.post([self = shared_from_this(), in = session, why, retry] {
            if (self->counts(in)) self->handlers.on_down(why, retry);
        });
    }

    /// On the lane: whether what was posted for `session` still counts.
    [[nodiscard]] bool counts(std::uint64_t posted_in) const { return posted_in == generation.load(); }

    /// A connection may not die inside its own completion.
    void retire() {
        if (!link) return;
        boost::asio::post(context, [old = std::shared_ptr<LinkConnection>(std::move(link))] {});
    }

    template <class T>
    void answer(std::function<void(Result<T>)> done, Result<T> result) {
        auto shared = std::make_shared<Result<T>>(std::move(result));
        options.post([done = std::move(done), shared] { done(std::move(*shared)); });
    }

    struct Enrolment {
        client::ServerTrust trust;
        EnrolmentId device;
        SignedBinding binding;
        Ed25519Seed seed;
        std::function<void(Result<Enrolled>)> done;
        std::size_t server = 0;
        std::unique_ptr<LinkConnection> link;
    };

    void enrol(const std::shared_ptr<Enrolment>& work) {
        enrolment = work;
        work->link = std::make_unique<LinkConnection>(context.get_executor(), options.make_stream, options.times);
        work->link->on_closed([](const Error&) {});
        work->link->connect(
            options.servers[work->server], work->trust, [this, work](Result<client::ServerHello> hello) {
                if (hello.has_error()) return enrolment_failed(work, hello.error());
                auto judged = std::move(hello).value();
                work->link->enrol(work->device, work->binding, work->seed,
                                  [this, work, judged](Result<wire::Credential> credential) {
                                      if (credential.has_error()) return enrolment_failed(work, credential.error());
                                      end_enrolment(work, Enrolled{judged, std::move(credential).value()});
                                  });
            });
    }

    void abandon_enrolment() {
        if (const auto work = std::exchange(enrolment, nullptr)) work->link.reset();
    }

    void enrolment_failed(const std::shared_ptr<Enrolment>& work, const Error& why) {
        const bool other_may_answer = why == Errc::network || why == Errc::deadline_exceeded || why == Errc::tls;
        if (!other_may_answer || ++work->server == options.servers.size()) return end_enrolment(work, why);
        boost::asio::post(context, [self = this, work] {
            if (self->enrolment != work) return;  // abandoned
            work->link.reset();
            self->enrol(work);
        });
    }

    void end_enrolment(const std::shared_ptr<Enrolment>& work, Result<Enrolled> result) {
        work->link->close();
        enrolment = nullptr;
        answer(std::move(work->done), std::move(result));
        boost::asio::post(context, [work] { work->link.reset(); });
    }

    LinkKeeperOptions options;
    Handlers handlers;
    boost::asio::io_context context{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard;
    boost::asio::steady_timer timer;
    boost::asio::steady_timer stop_timer;
    std::shared_ptr<client::LoginKey> key;
    std::unique_ptr<LinkConnection> link;
    std::vector<std::unique_ptr<LinkConnection>> closing;  ///< being flushed
    std::shared_ptr<Enrolment> enrolment;                  ///< under way
    Backoff backoff;
    std::size_t next_server = 0;
    std::atomic<std::uint64_t> generation{0};  ///< raised by pause(), by whoever calls it
    std::uint64_t session = 0;                 ///< the generation this connection belongs to
    std::uint64_t round = 0;                   ///< of this attempt; what belongs to an earlier one is ignored
    bool wanted = false, loading = false, up = false, stopping = false;
    bool presents = false;  ///< the server did not know the device: the next login carries its credential
    std::thread thread;
};

LinkKeeper::LinkKeeper(LinkKeeperOptions options, Handlers handlers)
    : impl_(std::make_shared<Impl>(std::move(options), std::move(handlers))) {
    impl_->run();
}
LinkKeeper::~LinkKeeper() {
    stop();
}

void LinkKeeper::start(std::shared_ptr<client::LoginKey> key) {
    impl_->post([self = impl_.get(), key = std::move(key), generation = impl_->generation.load()]() mutable {
        self->start(std::move(key), generation);
    });
}
void LinkKeeper::pause() {
    ++impl_->generation;  // at once: what is on its way to the lane is void
    impl_->post([self = impl_.get()] { self->pause(); });
}
void LinkKeeper::stop() {
    if (!impl_->thread.joinable()) return;
    ++impl_->generation;
    impl_->post([self = impl_.get()] { self->stop(); });
    impl_->thread.join();
}

void LinkKeeper::send(wire::Frame frame) {
    impl_->post([self = impl_.get(), frame = std::move(frame)] {
        if (!self->link || !self->up) return;
        // An outbox that is full means a peer that does not read: the connection is of no use any more.
        if (const auto sent = self->link->send(frame); sent.has_error()) self->down(sent.error(), false);
    });
}

void LinkKeeper::request(wire::Frame frame, std::function<void(Result<wire::Frame>)> done) {
    impl_->post([self = impl_.get(), frame = std::move(frame), done = std::move(done)]() mutable {
        if (!self->link || !self->up) return self->answer<wire::Frame>(std::move(done), Errc::not_connected);
        self->link->request(std::move(frame), reply_deadline,
                            [self, done](Result<wire::Frame> reply) { self->answer(done, std::move(reply)); });
    });
}

void LinkKeeper::enrol(client::ServerTrust trust, const EnrolmentId& device, SignedBinding binding, Ed25519Seed seed,
                       std::function<void(Result<Enrolled>)> done) {
    auto work = std::make_shared<Impl::Enrolment>(
        Impl::Enrolment{std::move(trust), device, std::move(binding), std::move(seed), std::move(done), 0, nullptr});
    impl_->post([self = impl_.get(), work] { self->enrol(work); });
}

}  // namespace melder::sdk
