#pragma once
// Accounts at a real server whose time moves when a test says so. The accounts' own wall clock always lies, so that
// every test shows that it is not read.

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "melder/account.hpp"
#include "melder/blocking.hpp"
#include "proto/link.pb.h"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {

using namespace std::chrono_literals;
using sdk::Account;
using sdk::ConnectionChanged;
using sdk::ConnectionState;
using sdk::SendProgress;
using sdk::SendState;
using sdk::TextReceived;
using sdk::TrustNotice;

/// The system's clock, moved. Thread-safe.
class MovableClock final : public Clock {
public:
    [[nodiscard]] UnixTime wall() const override { return system_clock().wall() + moved(); }
    [[nodiscard]] BootTime boot() const override { return system_clock().boot() + moved(); }
    void advance(Millis by) { moved_ += by.count(); }

private:
    [[nodiscard]] Millis moved() const { return Millis(moved_.load()); }
    std::atomic<std::int64_t> moved_{0};
};

/// A phone's: the boot clock of another one, and a wall clock that somebody set wrong.
class PhoneClock final : public Clock {
public:
    explicit PhoneClock(const Clock& boot) : boot_(boot) {}
    [[nodiscard]] UnixTime wall() const override { return UnixTime{1}; }
    [[nodiscard]] BootTime boot() const override { return boot_.boot(); }

private:
    const Clock& boot_;
};

class AccountsAtServer : public ::testing::Test {
protected:
    AccountsAtServer();
    void SetUp() override;

    /// A code with its grant at the server, as `melder-admin` issues them. `change` may alter the grant before.
    std::string issue_code(const OfficerId& whose, const std::string& number,
                           const std::function<void(Grant&)>& change = {});
    [[nodiscard]] sdk::AccountOptions options(const std::string& name) const;
    [[nodiscard]] std::unique_ptr<Account> open(const std::string& name) const;
    /// Enrolled, online, its prekeys published.
    std::unique_ptr<Account> enrol(const std::string& name, const OfficerId& whose, const std::string& number,
                                   const std::function<void(Grant&)>& change = {});
    /// One-time prekeys of the device at the server.
    [[nodiscard]] std::uint32_t stock(const EnrolmentId& device) const;
    [[nodiscard]] static EnrolmentId device_of(const Account& account) { return account.state().self->device; }
    /// Over all lanes of the device's mailbox, or in one.
    struct Mailbox {
        std::uint32_t waiting = 0, aside = 0;
    };
    [[nodiscard]] Mailbox mailbox(const EnrolmentId& device, std::optional<Lane> only = std::nullopt) const;
    static void connect(Account& account);
    static void disconnect(Account& account);
    void reconnect(Account& account) {
        disconnect(account);
        connect(account);
    }

    static constexpr auto patience_ms = 10'000ms;
    template <class Condition>
    static bool eventually(Condition condition) {
        const auto until = std::chrono::steady_clock::now() + patience_ms;
        while (!condition()) {
            if (std::chrono::steady_clock::now() > until) return false;
        }
        return true;
    }
    /// The next event of this kind that satisfies `wanted`, left unacknowledged; others are let go of.
    template <class T, class Wanted>
    static std::optional<std::pair<sdk::EventId, T>> find(Account& account, Wanted wanted) {
        const auto until = std::chrono::steady_clock::now() + patience_ms;
        for (;;) {
            const auto left =
                std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
            if (left <= 0ms) return std::nullopt;
            const auto event = wait(account.next_event(), left);
            if (event.has_error()) return std::nullopt;
            if (const auto* what = std::get_if<T>(&event->what); what != nullptr && wanted(*what)) {
                return std::pair{event->id, *what};
            }
            EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
        }
    }
    template <class T, class Wanted>
    static bool await(Account& account, Wanted wanted) {
        const auto found = find<T>(account, wanted);
        return found && wait(account.acknowledge(found->first)).has_value();
    }
    static bool await_notice(Account& account, TrustNotice::Kind kind) {
        return await<TrustNotice>(account, [&](const auto& notice) { return notice.kind == kind; });
    }
    static bool await_state(Account& account, const ContentId& content, SendState state, Errc reason) {
        return await<SendProgress>(account, [&](const auto& progress) {
            return progress.content_id == content && progress.state == state &&
                   (state != SendState::failed || progress.reason == reason);
        });
    }
    static bool await_state(Account& account, const ContentId& content, SendState state) {
        return await_state(account, content, state, Errc::not_delivered);
    }
    /// What is unread at this moment and whatever comes until nothing came for a moment: is a notice of the kind in it?
    static bool has_notice(Account& account, TrustNotice::Kind kind);
    /// A text that comes before nothing has come for a moment.
    static bool has_text(Account& account);
    /// Waits for a text and acknowledges it.
    static std::optional<TextReceived> read(Account& account);
    static Result<ContentId> write(Account& account, const OfficerId& to, const std::string& text,
                                   sdk::Urgency urgency = sdk::Urgency::normal,
                                   std::optional<Millis> time_to_live = std::nullopt);
    /// A message that is delivered and confirmed: from then on nothing of it is left to be sent again.
    static void exchange(Account& from, const OfficerId& to_id, Account& to);
    [[nodiscard]] std::filesystem::path vault_of(const std::string& name) const {
        return world.directory() / name / "vault.db";
    }

    std::string last_code;            ///< that was issued
    MovableClock time;                ///< of the server, and the phones' boot clock
    PhoneClock phone_clock{time};     ///< of every account that is opened
    std::string boot_name = "first";  ///< of every account that is opened from now on
    World world;
    const OfficerId anna_id = system_random().id<OfficerId>();
    const OfficerId bert_id = system_random().id<OfficerId>();
    std::unique_ptr<Account> anna, bert;
};

}  // namespace melder::testing
