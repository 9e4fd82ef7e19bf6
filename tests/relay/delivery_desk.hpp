#pragma once
// A desk for DeliveryLogic: real rules, the in-memory store behind a switch, virtual time, everything written down.

#include <deque>
#include <set>

#include "core/endian.hpp"
#include "relay/delivery_logic.hpp"
#include "server/stores/memory/mailbox_store.hpp"

namespace melder::relay::test {

inline EnrolmentId device_id(Byte n) {
    return EnrolmentId(ByteArray<16>{n, 1});
}
inline EnvelopeId envelope_id(std::uint32_t n) {
    ByteArray<16> bytes{};
    std::ranges::copy(big_endian(n), bytes.begin());
    return EnvelopeId(bytes);
}

class Desk {
public:
    ManualClock clock;
    server::MemoryMailboxStore store{clock};
    DeliveryLogic logic;

    // What happened
    std::vector<Forward> sent;
    std::map<Waiter, Result<void>> answers;
    std::vector<SayMailboxEmpty> empties;
    std::vector<SayMovedAside> asides;
    std::size_t puts = 0, replaced = 0;
    std::vector<Lane> listed;
    // Switches
    bool store_holds = false;  ///< store calls wait for release()
    bool store_fails = false;  ///< puts answer `unknown`
    bool outbox_full = false;

    Now now() const { return {clock.wall(), clock.boot()}; }

    Envelope envelope(std::uint32_t n, Lane lane = Lane::normal, std::size_t bytes = 1024, Byte sender = 200) {
        ByteArray<32> hash{};
        std::ranges::copy(big_endian(n), hash.begin());
        return {lane,
                envelope_id(n),
                Hash(hash),
                clock.wall() + limits::ttl_default,
                "h",
                std::make_shared<server::SharedBody>(std::string(bytes, 'b'), clock.wall() + limits::ttl_default),
                device_id(sender)};
    }
    void submit(Byte device, std::uint32_t n, Lane lane = Lane::normal) { submit(device, envelope(n, lane), n); }
    void submit(Byte device, Envelope e, Waiter waiter) {
        run(logic.on_submit(device_id(device), std::move(e), waiter, now()));
    }
    void connect(Byte device, ConnectionId connection) { run(logic.on_connect(device_id(device), connection, now())); }
    void disconnect(Byte device, ConnectionId connection) {
        run(logic.on_disconnect(device_id(device), connection, now()));
    }
    void ack(Byte device, std::uint32_t n, Lane lane = Lane::normal) {
        run(logic.on_ack(device_id(device), lane, envelope_id(n), now()));
    }
    void refuse(Byte device, std::uint32_t n, Errc code = Errc::sealed_invalid) {
        run(logic.on_refuse(device_id(device), Lane::normal, envelope_id(n), code, now()));
    }
    /// As an administrator releases what is aside.
    void put_back(Byte device, std::uint32_t n) {
        for (const auto& entry : stored(device, Lane::normal, server::EntryState::aside)) {
            if (entry.id != envelope_id(n)) continue;
            store.mark(
                {{{device_id(device), Lane::normal, entry.id}, {}, false, true}}, [](auto work) { work(); },
                [](const Result<void>&) {});
            run(logic.on_released(device_id(device), Lane::normal, entry.sequence, now()));
        }
    }
    void advance(Millis by) {
        clock.advance(by);
        run(logic.on_tick(now()));
    }
    void run(Actions actions) {
        for (auto& action : actions)
            std::visit([this](auto& each) { carry_out(each); }, action);
        if (!store_holds) release();
    }
    /// Lets the store work and answer, until nothing is left.
    void release() {
        while (!waiting.empty())
            step();
    }
    /// One call of the store.
    void step() {
        auto work = std::move(waiting.front());
        waiting.pop_front();
        work();
    }
    bool acknowledged(Waiter waiter) const { return answers.contains(waiter) && answers.at(waiter).has_value(); }
    std::optional<Errc> refused(Waiter waiter) const {
        if (!answers.contains(waiter) || answers.at(waiter).has_value()) return {};
        return answers.at(waiter).error().code();
    }
    std::vector<std::uint32_t> sent_numbers() const {
        std::vector<std::uint32_t> out;
        for (const auto& each : sent)
            out.push_back(from_big_endian<std::uint32_t>(each.envelope.id.view().first<4>()));
        return out;
    }
    std::vector<server::ListedEntry> stored(Byte device, Lane lane = Lane::normal,
                                            server::EntryState state = server::EntryState::fresh) {
        std::vector<server::ListedEntry> out;
        server::ListQuery query{device_id(device), lane, state, 0, 100'000, std::size_t{1} << 40};
        store.list(
            query, [](auto work) { work(); }, [&](Result<server::ListPage> page) { out = std::move(page->entries); });
        return out;
    }
    std::deque<std::function<void()>> waiting;

private:
    server::Executor executor() {
        return [this](std::function<void()> work) { waiting.push_back(std::move(work)); };
    }
    void carry_out(Forward& action) {
        if (outbox_full)
            return run(
                logic.on_unsent(action.device, action.connection, action.envelope.lane, action.envelope.id, now()));
        sent.push_back(std::move(action));
    }
    void carry_out(Load& action) {
        waiting.push_back([this, action] { run(logic.on_loaded(action.device, true, now())); });
    }
    void carry_out(PutBatch& action) {
        ++puts;
        waiting.push_back([this, action] {
            if (store_fails)
                return run(logic.on_put(action.ticket, std::vector<server::PutResult>(action.items.size()), now()));
            store.put(
                action.items, [](auto work) { work(); },
                [&](const std::vector<server::PutResult>& results) {
                    run(logic.on_put(action.ticket, results, now()));
                });
        });
    }
    void carry_out(AckBatch& action) {
        waiting.push_back(
            [this, action] { store.ack(action.entries, [](auto work) { work(); }, [](const Result<void>&) {}); });
    }
    void carry_out(MarkBatch& action) {
        waiting.push_back(
            [this, action] { store.mark(action.items, [](auto work) { work(); }, [](const Result<void>&) {}); });
    }
    void carry_out(List& action) {
        listed.push_back(action.query.lane);
        waiting.push_back([this, action] {
            store.list(
                action.query, [](auto work) { work(); },
                [&](Result<server::ListPage> page) { run(logic.on_listed(action.ticket, std::move(*page), now())); });
        });
    }
    void carry_out(RemoveMailbox& action) {
        waiting.push_back([this, action] {
            store.remove_device(action.device, [](auto work) { work(); }, [](const Result<void>&) {});
        });
    }
    void carry_out(AnswerSender& action) {
        answers.insert_or_assign(action.waiter, action.acknowledged ? ok() : Result<void>(Error(action.code)));
    }
    void carry_out(SayMailboxEmpty& action) {
        if (outbox_full) return run(logic.on_unsaid(action, now()));
        empties.push_back(action);
    }
    void carry_out(SayMovedAside& action) { asides.push_back(action); }
    void carry_out(SayReplaced&) { ++replaced; }
};

}  // namespace melder::relay::test
