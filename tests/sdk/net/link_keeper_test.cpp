// What the keeper owes whoever ends it: an end, whatever a stream does. How it connects is tested against the server
// (tests/end_to_end).

#include "sdk/net/link_keeper.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>

#include "core/limits.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;

/// Never opens, and keeps the loop busy for a while after it was closed: a resolver that hangs, for one.
class StuckStream final : public client::ByteStream {
public:
    StuckStream(const boost::asio::any_io_executor& executor, std::atomic<bool>& opened)
        : timer_(std::make_shared<boost::asio::steady_timer>(executor)), opened_(opened) {}
    void open(const std::string&, std::uint16_t, Done) override {
        timer_->expires_after(20s);
        timer_->async_wait([timer = timer_](const boost::system::error_code&) {});
        opened_ = true;
    }
    void read_some(std::span<Byte>, ReadDone) override {}
    void write(BytesView, Done) override {}
    void close() noexcept override {}
    void on_path_changed(std::function<void()>) override {}

private:
    std::shared_ptr<boost::asio::steady_timer> timer_;
    std::atomic<bool>& opened_;
};

TEST(LinkKeeper, ends_soon_although_a_stream_never_does) {
    std::atomic<bool> opened{false};
    LinkKeeper::Handlers handlers;
    handlers.load_facts = [] { return LoginFacts{}; };
    handlers.on_down = [](const Error&, std::optional<std::chrono::milliseconds>) {};
    LinkKeeperOptions options{.servers = {{"example.invalid", 1}},
                              .make_stream =
                                  [&](const boost::asio::any_io_executor& executor) {
                                      return std::make_unique<StuckStream>(executor, opened);
                                  },
                              .times = {},
                              .post = [](const std::function<void()>& work) { work(); },
                              .random = system_random()};
    auto keeper = std::make_unique<LinkKeeper>(std::move(options), std::move(handlers));
    keeper->start(std::make_shared<client::MemoryLoginKey>(generate_p256().private_key));
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (!opened && std::chrono::steady_clock::now() < until) {
    }
    ASSERT_TRUE(opened);
    const auto before = std::chrono::steady_clock::now();
    keeper.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, Millis(limits::last_flush) + 5s);
}

}  // namespace
}  // namespace melder::sdk
