#include "server/link/acceptor.hpp"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <boost/asio/ip/tcp.hpp>

namespace melder::server {
namespace {

constexpr int backlog = 4096;
constexpr int accepts_per_turn = 64;

class OwnedDescriptor {
public:
    explicit OwnedDescriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    ~OwnedDescriptor() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }
    OwnedDescriptor(const OwnedDescriptor&) = delete;
    OwnedDescriptor& operator=(const OwnedDescriptor&) = delete;
    [[nodiscard]] int get() const noexcept { return descriptor_; }
    [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

private:
    int descriptor_;
};

Error failure(const LinkConfig::Endpoint& endpoint, const char* what, int error) {
    const auto where = endpoint.address + " port " + std::to_string(endpoint.port);
    if (error == EADDRINUSE) {
        return {Errc::port_in_use, "another process listens on " + where +
                                       "; stop it (`ss -ltnp` names it) or let link.listen name another port"};
    }
    return {Errc::io_error, where + ": " + what + ": " + std::strerror(error)};
}

void set_option(int descriptor, int level, int option, int value) {
    ::setsockopt(descriptor, level, option, &value, sizeof value);
}

/// Errors of accept() that pass by themselves when somebody gives something back.
bool is_shortage(int error) {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

Result<std::shared_ptr<Acceptor>> Acceptor::bind(LinkShared& shared, const LinkConfig::Endpoint& endpoint) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(endpoint.address, error);
    if (error) return Error(Errc::config_invalid, "no IP address: " + endpoint.address);
    const boost::asio::ip::tcp::endpoint wanted(address, endpoint.port);
    OwnedDescriptor socket(
        ::socket(wanted.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (socket.get() < 0) return failure(endpoint, "socket", errno);
    set_option(socket.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (address.is_v6()) set_option(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (::bind(socket.get(), wanted.data(), static_cast<socklen_t>(wanted.size())) != 0)
        return failure(endpoint, "bind", errno);
    if (::listen(socket.get(), backlog) != 0) return failure(endpoint, "listen", errno);
    boost::asio::ip::tcp::endpoint bound;
    auto size = static_cast<socklen_t>(bound.capacity());
    if (::getsockname(socket.get(), bound.data(), &size) != 0) return failure(endpoint, "getsockname", errno);
    bound.resize(size);
    auto acceptor = std::make_shared<Acceptor>(shared, socket.get(), bound.port());
    static_cast<void>(socket.release());
    return acceptor;
}

Acceptor::Acceptor(LinkShared& shared, int descriptor, std::uint16_t port)
    : shared_(shared),
      descriptor_number_(descriptor),
      port_(port),
      descriptor_(shared.loops.context(0), descriptor),
      timer_(shared.loops.context(0)) {}

void Acceptor::wait() {
    if (stopped_) return;
    descriptor_.async_wait(decltype(descriptor_)::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                               if (error || self->stopped_) return;
                               self->accept_some();
                           });
}

void Acceptor::accept_some() {
    for (int i = 0; i < accepts_per_turn; ++i) {
        sockaddr_storage peer{};
        socklen_t size = sizeof peer;
        const int descriptor =
            ::accept4(descriptor_number_, reinterpret_cast<sockaddr*>(&peer), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor >= 0) {
            auto place = shared_.admission.enter(source_of(peer));
            if (place) {
                deal_out(descriptor, std::move(place));
            } else {
                // Before TLS nothing can be said; the phone comes again after its back-off.
                shared_.cores[0]->counters().not_admitted.add();
                ::close(descriptor);
            }
            continue;
        }
        const int error = errno;
        if (error == EAGAIN || error == EWOULDBLOCK) break;
        shared_.cores[0]->counters().accept_failed.add();
        if (is_shortage(error)) return pause(error);
        // What remains is about the one connection (ECONNABORTED and its like): the next one may be fine.
    }
    wait();
}

void Acceptor::deal_out(int descriptor, Admission::Place place) {
    set_option(descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
    if (shared_.config.send_buffer_bytes > 0)
        set_option(descriptor, SOL_SOCKET, SO_SNDBUF, shared_.config.send_buffer_bytes);
    const auto core = next_core_++ % shared_.cores.size();
    if (core == 0) return shared_.cores[0]->begin(descriptor, std::move(place));
    auto moved = std::make_shared<Admission::Place>(std::move(place));
    shared_.cores[core]->post(
        [descriptor, moved = std::move(moved)](LinkCore& there) { there.begin(descriptor, std::move(*moved)); });
}

void Acceptor::pause(int error) {
    shared_.log.warn("accept_paused", {{"reason", LocalFact(std::strerror(error))}});
    timer_.expires_after(shared_.config.times.accept_pause);
    timer_.async_wait([self = shared_from_this()](const boost::system::error_code& aborted) {
        if (aborted || self->stopped_) return;
        self->accept_some();
    });
}

void Acceptor::stop() {
    stopped_ = true;
    timer_.cancel();
    boost::system::error_code ignored;
    descriptor_.close(ignored);
}

}  // namespace melder::server
