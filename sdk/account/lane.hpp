#pragma once
// The account's one worker thread: vault, libsignal and every decision of the account run here, one after the other,
// and nothing of them ever on a network thread.

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/any_io_executor.hpp>

namespace melder::sdk {

class WorkLane {
public:
    WorkLane();
    /// stop().
    ~WorkLane();
    WorkLane(const WorkLane&) = delete;
    WorkLane& operator=(const WorkLane&) = delete;

    /// From any thread. Work that is posted after stop() is dropped.
    void post(std::function<void()> work);
    /// One alarm; setting it again replaces it. On the lane only. It may ring early; whoever set it looks at his clock.
    void set_alarm(std::chrono::milliseconds in, std::function<void()> ring);
    void clear_alarm();
    [[nodiscard]] bool is_here() const noexcept;
    [[nodiscard]] boost::asio::any_io_executor executor() const;

    /// Finishes the work at hand, drops the rest, joins. Not on the lane. Idempotent.
    void stop();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::sdk
