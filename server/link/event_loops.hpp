#pragma once
// A thread per core, each with its own event loop. Services, stores and the link share them.

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "core/ids.hpp"

namespace melder::server {

/// Which of `cores` loops a device belongs to. The same in every part of this process, not between processes.
[[nodiscard]] inline std::size_t home_core_of(const EnrolmentId& device, std::size_t cores) noexcept {
    return std::hash<EnrolmentId>{}(device) % cores;
}

class EventLoops {
public:
    /// Starts `count` threads (at least 1).
    explicit EventLoops(std::size_t count);
    /// stop(), if it was not called.
    ~EventLoops();
    EventLoops(const EventLoops&) = delete;
    EventLoops& operator=(const EventLoops&) = delete;

    [[nodiscard]] std::size_t size() const noexcept;
    [[nodiscard]] boost::asio::io_context& context(std::size_t core) noexcept;
    /// Runs `work` on the loop of `core`, never inside this call. From any thread; in order per calling thread. Work
    /// that is posted after stop() is dropped.
    void post_to(std::size_t core, std::function<void()> work);
    /// True on the thread of that loop.
    [[nodiscard]] bool runs_here(std::size_t core) const noexcept;

    /// Drops what has not run, joins the threads. Not from a loop. Call it before anything dies that posted work refers
    /// to.
    void stop();

private:
    struct Loop;
    std::vector<std::unique_ptr<Loop>> loops_;
};

}  // namespace melder::server
