#pragma once
// A listening socket on loop 0 that deals the connections out to all loops in turn.

#include <memory>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "server/link/link_core.hpp"

namespace melder::server {

class Acceptor : public std::enable_shared_from_this<Acceptor> {
public:
    /// Binds and listens; does not accept yet. `config_invalid`, `port_in_use`, `io_error`.
    [[nodiscard]] static Result<std::shared_ptr<Acceptor>> bind(LinkShared& shared,
                                                                const LinkConfig::Endpoint& endpoint);
    Acceptor(LinkShared& shared, int descriptor, std::uint16_t port);

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

    // ---- on loop 0 ----
    void start() { wait(); }
    void stop();

private:
    void wait();
    void accept_some();
    void deal_out(int descriptor, Admission::Place place);
    void pause(int error);

    LinkShared& shared_;
    int descriptor_number_;
    std::uint16_t port_;
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type> descriptor_;
    boost::asio::steady_timer timer_;
    std::size_t next_core_ = 0;
    bool stopped_ = false;
};

}  // namespace melder::server
