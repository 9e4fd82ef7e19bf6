// kill -9 of the whole server in the middle of its work: nothing that was acknowledged is lost.

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "proto/link.pb.h"
#include "tests/crash/server_child.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {
namespace {

constexpr int rounds = 4;
constexpr std::size_t acks_before_kill = 40;
constexpr std::size_t in_flight = 16;

class KilledServer : public ::testing::Test {
protected:
    void start() {
        const auto port = child.start((world.directory() / "melder.toml").string());
        ASSERT_TRUE(port.has_value()) << port.error().message();
        world.use_port(*port);
    }
    /// Everything that waits, until all that was expected has come (more may: what was stored and not yet
    /// acknowledged).
    std::set<std::string> drain(const World::Phone& phone, const std::set<std::string>& expected) {
        std::set<std::string> seen;
        auto link = world.login(phone).value();
        while (!std::ranges::includes(seen, expected)) {
            const auto frame = link->await(wire::Frame::kDeliver);
            if (!frame) break;
            wire::Frame ack;
            for (const auto& delivery : frame->deliver().envelopes()) {
                seen.insert(delivery.envelope_id());
                auto& ref = *ack.mutable_ack()->add_envelopes();
                ref.set_lane(delivery.lane());
                ref.set_envelope_id(delivery.envelope_id());
            }
            link->send(ack);
        }
        return seen;
    }

    World world;
    ServerChild child;
};

TEST_F(KilledServer, an_acknowledged_envelope_survives_kill_dash_nine) {
    start();
    const auto anna = world.phone(system_random().id<OfficerId>());
    const auto ben = world.phone(system_random().id<OfficerId>());
    const auto expiry = system_clock().wall() + std::chrono::hours(24);
    std::set<std::string> acknowledged;

    for (int round = 0; round < rounds; ++round) {
        auto link = world.login(anna).value();
        std::uint32_t request = 1000;
        const auto submit = [&] {
            wire::Frame frame;
            frame.set_request(request++);
            *frame.mutable_submit() = make_submit(system_random().id<EnvelopeId>(), Lane::normal, {ben.id()}, expiry);
            link->send(frame);
        };
        for (std::size_t i = 0; i < in_flight; ++i)
            submit();
        for (std::size_t acks = 0; acks < acks_before_kill;) {
            const auto frame = link->await(wire::Frame::kSubmitResult);
            ASSERT_TRUE(frame.has_value());
            if (frame->submit_result().results_size() == 0) continue;
            if (frame->submit_result().results(0).code() == 0)
                acknowledged.insert(frame->submit_result().envelope_id());
            ++acks;
            submit();
        }
        child.kill_now();
        link.reset();
        start();
    }
    // One sender may fill a tenth of a lane: refusals by quota are answers, not losses.
    ASSERT_GE(acknowledged.size(), acks_before_kill);
    const auto seen = drain(ben, acknowledged);
    for (const auto& id : acknowledged)
        EXPECT_TRUE(seen.contains(id)) << "an acknowledged envelope was lost";
}

TEST_F(KilledServer, an_enrolment_and_a_revocation_that_were_answered_survive_kill_dash_nine) {
    start();
    const auto anna = world.phone(system_random().id<OfficerId>());
    const auto lost = world.phone(system_random().id<OfficerId>());
    ASSERT_TRUE(world.order(OrderKind::revoke, lost.id(), {&world.chief}).has_value());
    child.kill_now();
    start();
    wire::Welcome welcome;
    ASSERT_TRUE(world.login(anna, &welcome).has_value());
    EXPECT_FALSE(welcome.restricted());
    ASSERT_TRUE(world.login(lost, &welcome).has_value());
    EXPECT_TRUE(welcome.restricted());
}

TEST_F(KilledServer, a_server_that_is_asked_to_stop_ends_with_code_zero) {
    start();
    EXPECT_EQ(child.terminate(), 0);
}

}  // namespace
}  // namespace melder::testing
