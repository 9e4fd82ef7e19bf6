#include "melder/account.hpp"

#include <future>
#include <mutex>

#include "core/limits.hpp"
#include "proto/link.pb.h"
#include "sdk/account/engine.hpp"

namespace melder::sdk {

std::string_view ReceivedText::view() const noexcept {
    return as_chars(*bytes_);
}

/// The two threads and what is open on them. Shared by the Account and by calls that are on their way.
class Account::Impl {
public:
    Impl(AccountOptions options, RootSet roots)
        : post(options.post
                   ? options.post
                   : [this](std::function<void()> work) { completions.emplace_or_get().post(std::move(work)); }),
          engine(std::make_shared<Engine>(
              EnginePlaces{lane, options.clock != nullptr ? *options.clock : system_clock(), system_random()}, options,
              std::move(roots))) {}

    /// A lane of its own for completions, made when the app brought none: an app that blocks in a completion must not
    /// stop the account.
    struct OwnLane {
        std::once_flag once;
        std::unique_ptr<WorkLane> lane;
        WorkLane& emplace_or_get() {
            std::call_once(once, [this] { lane = std::make_unique<WorkLane>(); });
            return *lane;
        }
        /// Lets everything that was posted run: a completion is never dropped.
        void drain() {
            if (!lane || lane->is_here()) return;
            std::promise<void> empty;
            lane->post([&empty] { empty.set_value(); });
            empty.get_future().wait();
        }
    };

    /// Wraps `work(engine, operation)` into a Pending whose start goes to the lane.
    template <class T, class Work>
    Pending<T> pending(const std::shared_ptr<Impl>& self, Work work) {
        return Pending<T>([self, work = std::move(work)](typename Pending<T>::Done done) -> Cancel {
            auto operation = std::make_shared<Operation<T>>(self->post, std::move(done));
            if (!self->remember(operation)) {
                operation->fail(Errc::closed);
                return [] {};
            }
            self->lane.post([engine = self->engine, work, operation] { work(*engine, operation); });
            return [weak = std::weak_ptr(operation)] {
                if (const auto waiting = weak.lock()) waiting->fail(Errc::cancelled);
            };
        });
    }

    [[nodiscard]] bool remember(const std::shared_ptr<OperationBase>& operation) {
        const std::scoped_lock lock(mutex);
        if (closed) return false;
        std::erase_if(operations, [](const auto& other) { return other.expired(); });
        operations.push_back(operation);
        return true;
    }

    void close() {
        std::vector<std::weak_ptr<OperationBase>> waiting;
        {
            const std::scoped_lock lock(mutex);
            if (std::exchange(closed, true)) return;
            waiting.swap(operations);
        }
        std::promise<void> done;
        lane.post([this, &done] {
            engine->close();
            done.set_value();
        });
        done.get_future().wait();
        for (const auto& operation : waiting) {
            if (const auto live = operation.lock()) live->fail(Errc::closed);
        }
    }

    OwnLane completions;
    Post post;
    WorkLane lane;
    std::shared_ptr<Engine> engine;
    std::mutex mutex;
    std::vector<std::weak_ptr<OperationBase>> operations;
    bool closed = false;
};

Account::Account(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Account::~Account() {
    impl_->close();
    impl_->lane.stop();
    impl_->completions.drain();
}

Result<std::unique_ptr<Account>> Account::open(AccountOptions options) {
    if (options.servers.empty()) return Error(Errc::bad_argument, "at least one server is needed");
    if (options.vault_directory.empty()) return Error(Errc::bad_argument, "the vault's directory is missing");
    if (options.client_version.size() > limits::client_version_bytes) return Errc::bad_argument;
    MELDER_TRY(auto roots, RootSet::parse(options.root_set));
    auto impl = std::make_shared<Impl>(std::move(options), std::move(roots));
    MELDER_CHECK(impl->engine->load());
    impl->engine->open_link();
    return std::unique_ptr<Account>(new Account(std::move(impl)));
}

AccountState Account::state() const {
    return impl_->engine->snapshot();
}

Pending<PeerDevice> Account::enrol(Enrolment enrolment) {
    return impl_->pending<PeerDevice>(impl_, [enrolment = std::move(enrolment)](Engine& engine, const auto& operation) {
        engine.enrol(enrolment, operation);
    });
}

void Account::connect() {
    impl_->lane.post([engine = impl_->engine] { engine->connect(); });
}
void Account::disconnect() {
    impl_->lane.post([engine = impl_->engine] { engine->disconnect(); });
}

Pending<ContentId> Account::send(Message message) {
    return impl_->pending<ContentId>(impl_, [message = std::move(message)](Engine& engine, const auto& operation) {
        engine.send(message, operation);
    });
}

Pending<Event> Account::next_event() {
    return impl_->pending<Event>(impl_, [](Engine& engine, const auto& operation) { engine.next_event(operation); });
}
void Account::restart_events() {
    impl_->lane.post([engine = impl_->engine] { engine->restart_events(); });
}
Pending<void> Account::acknowledge(EventId event) {
    return impl_->pending<void>(
        impl_, [event](Engine& engine, const auto& operation) { engine.acknowledge(event, operation); });
}

Pending<OfficerInfo> Account::look_up(OfficerId officer) {
    wire::LookUp query;
    query.set_officer_id(officer.string());
    return impl_->pending<OfficerInfo>(
        impl_, [query](Engine& engine, const auto& operation) { engine.look_up(query, operation); });
}
Pending<OfficerInfo> Account::look_up(std::string service_number) {
    wire::LookUp query;
    query.set_service_number(std::move(service_number));
    return impl_->pending<OfficerInfo>(
        impl_, [query](Engine& engine, const auto& operation) { engine.look_up(query, operation); });
}

Pending<Diagnostics> Account::diagnostics() {
    return impl_->pending<Diagnostics>(
        impl_, [](Engine& engine, const auto& operation) { operation->end(engine.diagnostics()); });
}

Pending<OfficersPage> Account::search(SearchQuery query) {
    return impl_->pending<OfficersPage>(
        impl_, [query = std::move(query)](Engine& engine, const auto& operation) { engine.search(query, operation); });
}

Pending<SafetyNumber> Account::safety_number(OfficerId officer) {
    return impl_->pending<SafetyNumber>(
        impl_, [officer](Engine& engine, const auto& operation) { engine.safety_number(officer, operation); });
}

ContentId Account::new_content_id() {
    return system_random().id<ContentId>();
}

void Account::close() {
    impl_->close();
}

}  // namespace melder::sdk
