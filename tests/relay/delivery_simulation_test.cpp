// A seeded storm: random senders, lanes, connections, pauses, full outboxes, store delays and errors. The contract must
// hold at every step.

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/relay/delivery_desk.hpp"

namespace melder::relay::test {
namespace {

class Storm {
public:
    explicit Storm(std::uint64_t seed) : random_(seed) {}

    void run(int steps) {
        for (step_ = 0; step_ < steps && !::testing::Test::HasFailure(); ++step_) {
            desk_.store_holds = random_.below(3) == 0;
            desk_.store_fails = random_.below(10) == 0;
            something_happens(static_cast<Byte>(1 + random_.below(devices)));
            check_acknowledged(step_ % 50 == 0);
            check_order();
        }
    }
    void calm_down() {
        desk_.store_fails = desk_.store_holds = desk_.outbox_full = false;
        desk_.release();
        for (int i = 0; i < 60; ++i)
            desk_.advance(Millis(250));
        check_acknowledged(true);
        EXPECT_TRUE(open_.empty()) << open_.size() << " senders were never answered";
        for (const auto& [device, connection] : connected_) {
            if (!connection.paused) expect_everything_arrives(device, connection.id);
        }
    }

private:
    static constexpr Byte devices = 4;
    struct Sent {
        Byte to;
        Lane lane;
    };
    struct Connection {
        ConnectionId id;
        int drains = 1;  ///< a resumed connection begins at the oldest again
        bool paused = false;
    };

    void something_happens(Byte device) {
        const auto connection = connected_.find(device);
        const bool present = connection != connected_.end();
        switch (random_.below(12)) {
            case 0:
            case 1:
            case 2:
            case 3: {
                constexpr Lane lanes[] = {Lane::keys, Lane::normal, Lane::normal, Lane::urgent};
                const std::uint32_t n = ++last_;
                sent_[n] = {device, lanes[random_.below(std::size(lanes))]};
                open_.insert(n);
                live_[{device, sent_[n].lane}].insert(n);
                desk_.submit(device, desk_.envelope(n, sent_[n].lane, 100, static_cast<Byte>(n % 40)), n);
                break;
            }
            case 4:
                connected_[device] = {++last_connection_};
                desk_.connect(device, last_connection_);
                break;
            case 5:
                if (present) desk_.disconnect(device, connection->second.id);
                connected_.erase(device);
                break;
            case 6:
                if (!present) break;
                connection->second.paused = true;
                desk_.run(desk_.logic.on_pause(device_id(device), connection->second.id, desk_.now()));
                break;
            case 7:
                if (!present) break;
                connection->second.paused = false;
                ++connection->second.drains;
                desk_.run(desk_.logic.on_resume(device_id(device), connection->second.id, desk_.now()));
                break;
            case 8:
                desk_.outbox_full = !desk_.outbox_full && random_.below(4) == 0;
                if (desk_.outbox_full) break;
                for (const auto& [each, line] : connected_)
                    desk_.run(desk_.logic.on_writable(device_id(each), line.id, desk_.now()));
                break;
            case 9:
            case 10:
                acknowledge_something();
                break;
            default:
                desk_.advance(Millis(100));
        }
    }

    /// A device that listens and acknowledges ends with an empty mailbox, without another connection.
    void expect_everything_arrives(Byte device, ConnectionId connection) {
        desk_.run(desk_.logic.on_writable(device_id(device), connection, desk_.now()));
        // What is sent grows while it is acknowledged.
        for (std::size_t i = 0; i < desk_.sent.size(); ++i) {
            if (desk_.sent[i].connection != connection) continue;
            const auto n = number_of(desk_.sent[i]);
            desk_.ack(device, n, sent_.at(n).lane);
        }
        for (const auto lane : {Lane::keys, Lane::normal, Lane::urgent})
            EXPECT_TRUE(desk_.stored(device, lane).empty()) << "left behind in lane " << name_of(lane);
    }

    void acknowledge_something() {
        if (desk_.sent.empty()) return;
        const auto back = random_.below(std::min<std::size_t>(desk_.sent.size(), 8));
        const auto& some = desk_.sent[desk_.sent.size() - 1 - back];
        const auto n = number_of(some);
        const auto& [to, lane] = sent_.at(n);
        const auto connection = connected_.find(to);
        if (connection == connected_.end() || connection->second.id != some.connection) return;
        acked_by_device_.insert(n);
        resting_[to].erase(n);
        live_[{to, lane}].erase(n);
        desk_.ack(to, n, lane);
    }

    static std::uint32_t number_of(const Forward& forward) {
        return from_big_endian<std::uint32_t>(forward.envelope.id.view().first<4>());
    }

    /// Within a lane envelopes come in order, each once per drain, and none is skipped.
    void check_order() {
        for (; seen_ < desk_.sent.size(); ++seen_) {
            const auto n = number_of(desk_.sent[seen_]);
            const auto& [to, lane] = sent_.at(n);
            const auto connection = connected_.find(to);
            if (connection == connected_.end() || connection->second.id != desk_.sent[seen_].connection) continue;
            auto& arrived = arrived_[{connection->second.id, connection->second.drains, lane}];
            EXPECT_TRUE(arrived.empty() || n > *arrived.rbegin()) << n << " twice or late, at step " << step_;
            arrived.insert(n);
            for (const auto earlier : live_[{to, lane}]) {
                if (earlier >= n) break;
                EXPECT_TRUE(arrived.contains(earlier)) << n << " overtook " << earlier << ", at step " << step_;
            }
        }
    }

    /// New answers are looked at in every step, everything that must still rest in the mailbox in some.
    void check_acknowledged(bool everything) {
        std::set<Byte> look_at;
        for (auto n = open_.begin(); n != open_.end();) {
            if (!desk_.answers.contains(*n)) {
                ++n;
                continue;
            }
            if (!desk_.acknowledged(*n)) live_[{sent_.at(*n).to, sent_.at(*n).lane}].erase(*n);
            if (desk_.acknowledged(*n) && !acked_by_device_.contains(*n)) {
                resting_[sent_.at(*n).to].insert(*n);
                look_at.insert(sent_.at(*n).to);
            }
            n = open_.erase(n);
        }
        for (Byte device = 1; device <= devices; ++device) {
            if (!everything && !look_at.contains(device)) continue;
            std::set<EnvelopeId> stored;
            for (const auto lane : {Lane::keys, Lane::normal, Lane::urgent}) {
                for (const auto& row : desk_.stored(device, lane))
                    stored.insert(row.id);
            }
            for (const auto n : resting_[device])
                EXPECT_TRUE(stored.contains(envelope_id(n)))
                    << n << " was acknowledged and is nowhere, at step " << step_;
        }
    }

    SeededRandom random_;
    Desk desk_;
    int step_ = 0;
    std::map<std::uint32_t, Sent> sent_;
    std::set<std::uint32_t> open_;  ///< not answered
    std::set<std::uint32_t> acked_by_device_;
    std::map<Byte, std::set<std::uint32_t>> resting_;  ///< acknowledged by the mailbox alone
    std::map<Byte, Connection> connected_;
    std::map<std::pair<Byte, Lane>, std::set<std::uint32_t>> live_;  ///< neither refused nor acked by the device
    std::map<std::tuple<ConnectionId, int, Lane>, std::set<std::uint32_t>> arrived_;
    ConnectionId last_connection_ = 100;
    std::uint32_t last_ = 0;
    std::size_t seen_ = 0;
};

TEST(DeliverySimulation, what_is_acknowledged_is_delivered_or_stored_and_nothing_overtakes) {
    for (std::uint64_t seed = 1; seed <= 8 && !HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        Storm storm(seed);
        storm.run(600);
        storm.calm_down();
    }
}

}  // namespace
}  // namespace melder::relay::test
