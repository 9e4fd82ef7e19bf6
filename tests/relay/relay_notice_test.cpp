// What the relay has to say when a connection's outbox has no room at that moment.

#include <fstream>
#include <future>

#include "proto/link.pb.h"
#include "server/link/tls_identity.hpp"
#include "server/stores/rocksdb/key_layout.hpp"
#include "server/stores/rocksdb/mailbox_store.hpp"
#include "tests/relay/relay_link.hpp"

namespace melder::relay::test {
namespace {

/// A session without a socket, whose outbox is full when the test says so. Used on its loop only.
class FakeSession final : public server::Session {
public:
    explicit FakeSession(const Phone& phone) {
        peer_.device = phone.id;
        peer_.officer = phone.officer;
        peer_.app = "messenger";
    }
    server::SessionId id() const noexcept override { return 1; }
    const server::Peer& peer() const noexcept override { return peer_; }
    std::size_t home_core() const noexcept override { return 0; }
    bool send(const wire::Frame& frame) override {
        if (full) return false;
        sent.push_back(frame);
        return true;
    }
    bool send_encoded(BytesView bytes) override {
        wire::Frame frame;
        frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
        return send(frame);
    }
    std::size_t outbox_room_bytes() const noexcept override { return full ? 0 : limits::outbox_bytes; }
    void close(Errc reason) override { closed = reason; }

    bool full = false;
    std::optional<Errc> closed;
    std::vector<wire::Frame> sent;

private:
    server::Peer peer_;
};

class Notices : public ::testing::Test {
protected:
    ~Notices() override { loops.stop(); }
    /// Runs on the loop, behind all that was posted there before.
    void on_loop(const std::function<void()>& work) {
        std::promise<void> done;
        loops.post_to(0, [&] {
            work();
            done.set_value();
        });
        done.get_future().get();
    }
    /// The store answers by posting: a few turns, and everything that follows from an event has happened.
    void settle() {
        for (int turn = 0; turn < 50; ++turn)
            on_loop([] {});
    }
    void put(std::uint32_t n, UnixTime expires_at) {
        ByteArray<16> id{};
        id[0] = static_cast<Byte>(n);
        store.put(
            {{phone.id,
              Lane::normal,
              EnvelopeId(id),
              Hash(),
              expires_at,
              device_header(phone.id).SerializeAsString(),
              std::make_shared<server::SharedBody>(Letter{}.frame(1).submit().body().SerializeAsString(), expires_at),
              {},
              server::EntryState::fresh}},
            [](const std::function<void()>& work) { work(); }, [](const std::vector<server::PutResult>&) {});
    }
    static std::size_t count(const std::vector<wire::Frame>& frames, wire::Frame::BodyCase kind) {
        return static_cast<std::size_t>(
            std::ranges::count_if(frames, [kind](const auto& frame) { return frame.body_case() == kind; }));
    }

    ShiftedClock clock;
    server::MemoryMailboxStore store{clock};
    Force force;
    Phone phone = force.add(0);
    server::EventLoops loops{1};
    Relay relay{{loops, store, force, clock, server::Log::none()}};
    FakeSession session{phone};
};

TEST_F(Notices, the_end_of_the_mailbox_and_the_count_of_the_expired_wait_for_room) {
    put(1, clock.wall() + std::chrono::hours(1));
    clock.advance(std::chrono::hours(2));
    session.full = true;
    on_loop([&] { relay.core(0).on_ready(session); });
    settle();
    on_loop([&] { EXPECT_TRUE(session.sent.empty()); });
    on_loop([&] {
        session.full = false;
        relay.core(0).on_writable(session);
    });
    settle();
    on_loop([&] {
        std::uint32_t expired = 0;
        for (const auto& frame : session.sent)
            expired += frame.mailbox_empty().expired_unread();
        EXPECT_EQ(count(session.sent, wire::Frame::kMailboxEmpty), std::size(drain_order));
        EXPECT_EQ(expired, 1U) << "its marker is deleted already: nobody else tells it";
        relay.core(0).on_close(session);
    });
}

TEST_F(Notices, an_envelope_that_was_moved_aside_is_reported_once_there_is_room) {
    put(1, clock.wall() + std::chrono::hours(1));
    for (int connection = 1; connection <= 3; ++connection) {
        on_loop([&] {
            session.sent.clear();
            relay.core(0).on_ready(session);
        });
        settle();
        on_loop([&] {
            ASSERT_EQ(count(session.sent, wire::Frame::kDeliver), 1U);
            session.full = connection == 3;
            wire::Frame refuse;
            auto& refusal = *refuse.mutable_refuse()->add_refusals();
            for (const auto& frame : session.sent) {
                if (frame.has_deliver()) *refusal.mutable_envelope() = ref_of(frame.deliver().envelopes(0));
            }
            refusal.set_code(static_cast<std::uint32_t>(Errc::sealed_invalid));
            relay.core(0).on_frame(session, refuse);
            if (connection < 3) relay.core(0).on_close(session);
        });
        settle();
    }
    on_loop([&] {
        EXPECT_EQ(count(session.sent, wire::Frame::kMovedAside), 0U);
        session.full = false;
        relay.core(0).on_writable(session);
        EXPECT_EQ(count(session.sent, wire::Frame::kMovedAside), 1U);
        relay.core(0).on_close(session);
    });
}

TEST(ExpiredUnread, is_counted_from_the_marker_that_a_compaction_left_on_disk) {
    const auto root =
        std::filesystem::temp_directory_path() / ("melder_marker_" + system_random().id<EnvelopeId>().hex());
    {
        ShiftedClock clock;
        Force force;
        const Phone phone = force.add(0);
        const auto database =
            server::Database::open({(root / "store").string(), (root / "epoch").string(), false, nullptr}, clock,
                                   system_random())
                .value();
        server::RocksdbMailboxStore store(*database, clock, system_random());
        std::promise<void> put;
        const auto expires_at = clock.wall() + std::chrono::hours(1);
        store.put(
            {{phone.id,
              Lane::normal,
              EnvelopeId(),
              Hash(),
              expires_at,
              "header",
              std::make_shared<server::SharedBody>("body", expires_at),
              {},
              server::EntryState::fresh}},
            [](const std::function<void()>& work) { work(); },
            [&](const std::vector<server::PutResult>&) { put.set_value(); });
        put.get_future().get();
        clock.advance(std::chrono::hours(2));
        rocksdb::CompactRangeOptions options;
        options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
        auto* rows = database->family(server::key_layout::mailbox_family);
        ASSERT_TRUE(database->db().Flush({}, rows).ok());
        ASSERT_TRUE(database->db().CompactRange(options, rows, nullptr, nullptr).ok());

        const auto identity = server::make_tls_identity();
        std::ofstream(root / "cert.pem") << identity.certificate_pem;
        std::ofstream(root / "key.pem") << as_chars(identity.private_key_pem.expose());
        RelayProcess process(root, store, force, clock);
        Line first(process.port(), phone);
        EXPECT_EQ(first.drain(), 1U);
        Line second(process.port(), phone);
        EXPECT_EQ(second.drain(), 0U) << "counted and deleted";
    }
    std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace melder::relay::test
