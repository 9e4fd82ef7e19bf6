// A seeded storm: random senders, devices, disconnects, store delays and errors. The contract must hold at every step.

#include <gtest/gtest.h>

#include "core/random.hpp"
#include "tests/relay/delivery_desk.hpp"

namespace melder::relay::test {
namespace {

void storm(std::uint64_t seed) {
    SCOPED_TRACE(seed);
    SeededRandom random(seed);
    Desk desk;
    constexpr Byte devices = 4;
    std::map<std::uint32_t, Byte> target;
    std::set<std::uint32_t> acked_by_device;
    std::map<Byte, ConnectionId> connected;
    ConnectionId last_connection = 100;
    std::uint32_t last = 0;
    std::size_t seen = 0;
    std::map<ConnectionId, std::uint32_t> newest;  // per connection: envelopes first arrive in order
    for (int step = 0; step < 1000; ++step) {
        desk.store_holds = random.below(3) == 0;
        desk.store_fails = random.below(10) == 0;
        const auto device = static_cast<Byte>(1 + random.below(devices));
        switch (random.below(8)) {
            case 0:
            case 1:
            case 2: {
                const std::uint32_t n = ++last;
                target[n] = device;
                desk.submit(device, desk.envelope(n, Lane::normal, 100, static_cast<Byte>(n % 40)), n);
                break;
            }
            case 3:
                connected[device] = ++last_connection;
                desk.connect(device, last_connection);
                break;
            case 4:
                if (connected.contains(device)) desk.disconnect(device, connected[device]);
                connected.erase(device);
                break;
            case 5:
            case 6:
                if (!desk.sent.empty()) {
                    const auto& some =
                        desk.sent[desk.sent.size() - 1 - random.below(std::min<std::size_t>(desk.sent.size(), 8))];
                    const auto n = from_big_endian<std::uint32_t>(some.envelope.id.view().first<4>());
                    if (connected.contains(target[n]) && connected[target[n]] == some.connection) {
                        acked_by_device.insert(n);
                        desk.ack(target[n], n);
                    }
                }
                break;
            default:
                desk.advance(Millis(100));
        }
        for (; seen < desk.sent.size(); ++seen) {
            const auto& forward = desk.sent[seen];
            const auto n = from_big_endian<std::uint32_t>(forward.envelope.id.view().first<4>());
            EXPECT_GT(n, newest[forward.connection]) << "overtaken, or twice on one connection, at step " << step;
            newest[forward.connection] = n;
        }
        if (step % 20 != 0) continue;
        std::map<Byte, std::set<EnvelopeId>> stored;
        for (Byte each = 1; each <= devices; ++each) {
            for (const auto& row : desk.stored(each))
                stored[each].insert(row.id);
        }
        for (const auto& [n, to] : target) {
            if (!desk.acknowledged(n) || acked_by_device.contains(n)) continue;
            EXPECT_TRUE(stored[to].contains(envelope_id(n)))
                << n << " was acknowledged and is nowhere, at step " << step;
        }
        if (::testing::Test::HasFailure()) return;
    }
    desk.store_fails = false;
    desk.store_holds = false;
    desk.release();
    for (int i = 0; i < 60; ++i)
        desk.advance(Millis(250));
    for (const auto& [n, to] : target)
        EXPECT_TRUE(desk.answers.contains(n)) << n << " was never answered";
}

TEST(DeliverySimulation, what_is_acknowledged_is_delivered_or_stored_and_nothing_overtakes) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed)
        storm(seed);
}

}  // namespace
}  // namespace melder::relay::test
