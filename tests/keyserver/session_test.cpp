#include "tests/keyserver/police_force.hpp"

#include "core/limits.hpp"

namespace melder::keyserver::testing {
namespace {

class RecordingSession final : public server::Session {
public:
    explicit RecordingSession(server::Peer peer) : peer_(std::move(peer)) {}
    [[nodiscard]] server::SessionId id() const noexcept override { return 1; }
    [[nodiscard]] const server::Peer& peer() const noexcept override { return peer_; }
    [[nodiscard]] std::size_t home_core() const noexcept override { return 0; }
    [[nodiscard]] bool send(const wire::Frame& frame) override {
        sent.push_back(frame);
        return true;
    }
    [[nodiscard]] bool send_encoded(BytesView) override { return true; }
    [[nodiscard]] std::size_t outbox_room_bytes() const noexcept override { return 1 << 20; }
    void close(Errc) override { closed = true; }

    std::vector<wire::Frame> sent;
    bool closed = false;

private:
    server::Peer peer_;
};

/// Keeps work until it is asked for.
struct HeldLane {
    std::vector<std::function<void()>> work;
    [[nodiscard]] server::Executor executor() {
        return [this](std::function<void()> next) { work.push_back(std::move(next)); };
    }
    void run() {
        for (std::size_t i = 0; i < work.size(); ++i)
            std::exchange(work[i], {})();
        work.clear();
    }
};

wire::Frame request(std::uint32_t number) {
    wire::Frame frame;
    frame.set_request(number);
    frame.mutable_check_prekeys();
    return frame;
}

TEST_F(PoliceForce, a_device_with_few_prekeys_is_told_when_it_connects) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    KeyserverCore core(*keyserver_, lanes_, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    core.on_ready(session);
    ASSERT_EQ(session.sent.size(), 1u);
    EXPECT_TRUE(session.sent[0].has_prekeys_low());
    ASSERT_EQ(upload(phone, 1, 100), Errc{});
    core.on_ready(session);
    EXPECT_EQ(session.sent.size(), 1u);
    core.on_close(session);
}

TEST_F(PoliceForce, welcome_says_that_prekeys_are_low_once_that_is_known) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    KeyserverCore core(*keyserver_, lanes_, inline_executor);
    const auto said = [&] {
        wire::Welcome welcome;
        core.on_open(session, welcome);
        core.on_close(session);
        return welcome.prekeys_low();
    };
    ASSERT_EQ(upload(phone, 1, 99), Errc{});
    EXPECT_TRUE(said());
    ASSERT_EQ(upload(phone, 100, 1, 2), Errc{});
    EXPECT_FALSE(said());
    (void)take(enrolled(schulz_), phone);
    EXPECT_TRUE(said()) << "a take brought it below the line";
}

TEST_F(PoliceForce, requests_are_answered_in_order_and_too_many_are_refused_as_busy) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    HeldLane lane;
    KeyserverLanes lanes{lane.executor(), lane.executor()};
    KeyserverCore core(*keyserver_, lanes, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    for (std::uint32_t i = 1; i <= limits::requests_per_session + 2; ++i) {
        auto frame = request(i);
        core.on_frame(session, frame);
    }
    ASSERT_EQ(session.sent.size(), 1u);
    EXPECT_EQ(static_cast<Errc>(session.sent[0].error().code()), Errc::busy);
    EXPECT_GT(session.sent[0].error().retry_after_ms(), 0u);
    while (!lane.work.empty())
        lane.run();
    ASSERT_EQ(session.sent.size(), limits::requests_per_session + 2);
    for (std::uint32_t i = 1; i < session.sent.size(); ++i)
        EXPECT_EQ(session.sent[i].request(), i);
    EXPECT_EQ(lanes.waiting, 0u);
    core.on_close(session);
}

TEST_F(PoliceForce, an_answer_for_a_session_that_closed_goes_nowhere) {
    const auto phone = enrolled(meier_);
    RecordingSession session(peer_of(phone));
    HeldLane lane;
    KeyserverLanes lanes{lane.executor(), lane.executor()};
    KeyserverCore core(*keyserver_, lanes, inline_executor);
    wire::Welcome welcome;
    core.on_open(session, welcome);
    for (std::uint32_t i = 1; i <= 3; ++i) {
        auto frame = request(i);
        core.on_frame(session, frame);
    }
    core.on_close(session);
    lane.run();
    EXPECT_TRUE(session.sent.empty());
    EXPECT_EQ(lanes.waiting, 0u);
}

}  // namespace
}  // namespace melder::keyserver::testing
