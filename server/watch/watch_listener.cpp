// The one file of the servers that instantiates Beast's HTTP stream.

#include "server/watch/watch_listener.hpp"

#include <array>
#include <optional>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/serializer.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

namespace melder::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;

/// What a peer may still send while the answer is on its way, a body for one; then it is cut off.
constexpr std::size_t discarded_longest = 64 * 1024;

std::string_view as_view(beast::string_view text) {
    return {text.data(), text.size()};
}

WatchListener::Answer refusal(unsigned status) {
    return {status, "text/plain; charset=utf-8",
            std::string(as_view(http::obsolete_reason(http::int_to_status(status)))) +
                "; this is GET /health and GET /metrics\n"};
}

class Exchange : public std::enable_shared_from_this<Exchange> {
public:
    Exchange(tcp::socket socket, const WatchListener::Answerer& answer, Log& log, WatchLimits limits,
             std::shared_ptr<void> place)
        : stream_(std::move(socket)), answer_(answer), log_(log), limits_(limits), place_(std::move(place)) {
        parser_.header_limit(static_cast<std::uint32_t>(limits::http_header_bytes));
    }

    void start() {
        stream_.expires_after(limits_.request);
        http::async_read_header(stream_, buffer_, parser_,
                                [self = shared_from_this()](ErrorCode error, std::size_t) { self->on_header(error); });
    }

private:
    void on_header(ErrorCode error) {
        if (error == http::error::header_limit || error == http::error::buffer_overflow) return respond(refusal(431));
        if (error && error.category() == make_error_code(http::error::bad_method).category() &&
            error != http::error::end_of_stream && error != http::error::partial_message)
            return respond(refusal(400));
        if (error) return;  // silence past the deadline, or gone
        const auto& request = parser_.get();
        head_ = request.method() == http::verb::head;
        const auto judged = judge_watch_request(as_view(request.method_string()), as_view(request.target()));
        if (const auto* status = std::get_if<WatchRefusal>(&judged)) return respond(refusal(*status));
        respond(gathered(std::get<WatchPage>(judged)));
    }

    [[nodiscard]] WatchListener::Answer gathered(WatchPage page) const {
        try {
            return answer_(page);
        } catch (const std::exception& failure) {
            log_.error("watch_failed", {{"reason", LocalFact(failure.what())}});
            return {500, "text/plain; charset=utf-8", "the figures could not be gathered; see the log\n"};
        }
    }

    void respond(WatchListener::Answer answer) {
        response_.result(answer.status);
        response_.version(11);
        response_.set(http::field::content_type, answer.content_type);
        response_.set(http::field::cache_control, "no-store");
        if (answer.status == 405) response_.set(http::field::allow, "GET, HEAD");
        response_.body() = std::move(answer.body);
        response_.keep_alive(false);
        response_.prepare_payload();
        serializer_.emplace(response_);
        stream_.expires_after(limits_.response);
        const auto written = [self = shared_from_this()](ErrorCode error, std::size_t) {
            if (!error) self->finish();
        };
        if (head_) {
            http::async_write_header(stream_, *serializer_, written);
        } else {
            http::async_write(stream_, *serializer_, written);
        }
    }

    /// Closing over unread bytes would reset the connection, and the peer might never see the answer.
    void finish() {
        ErrorCode ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        discard();
    }
    void discard() {
        stream_.async_read_some(asio::buffer(rest_), [self = shared_from_this()](ErrorCode error, std::size_t bytes) {
            self->discarded_ += bytes;
            if (!error && self->discarded_ <= discarded_longest) self->discard();
        });
    }

    beast::tcp_stream stream_;
    const WatchListener::Answerer& answer_;
    Log& log_;
    WatchLimits limits_;
    std::shared_ptr<void> place_;  ///< gives the next one its turn when it dies
    beast::flat_buffer buffer_{limits::http_header_bytes};
    http::request_parser<http::empty_body> parser_;
    http::response<http::string_body> response_;
    std::optional<http::response_serializer<http::string_body>> serializer_;
    std::array<char, 4096> rest_{};
    std::size_t discarded_ = 0;
    bool head_ = false;
};

}  // namespace

class WatchListener::Impl {
public:
    Impl(Answerer answer, Log& log, WatchLimits limits) : answer_(std::move(answer)), log_(log), limits_(limits) {}

    ~Impl() {
        context_.stop();
        if (thread_.joinable()) thread_.join();
        stopping_ = true;  // what the loop still holds gives its place back to nobody
    }

    Result<void> start(const LinkConfig::Endpoint& endpoint) {
        ErrorCode error;
        const auto address = asio::ip::make_address(endpoint.address, error);
        if (error) return Error(Errc::config_invalid, "no IP address: " + endpoint.address);
        const tcp::endpoint wanted(address, endpoint.port);
        const auto failed = [&](const char* what) {
            return Error(error == asio::error::address_in_use ? Errc::port_in_use : Errc::io_error,
                         "watch.listen, " + endpoint.address + " port " + std::to_string(endpoint.port) + ": " + what +
                             ": " + error.message());
        };
        if (acceptor_.open(wanted.protocol(), error); error) return failed("socket");
        if (acceptor_.set_option(tcp::acceptor::reuse_address(true), error); error) return failed("socket");
        if (acceptor_.bind(wanted, error); error) return failed("bind");
        if (acceptor_.listen(tcp::acceptor::max_listen_connections, error); error) return failed("listen");
        port_ = acceptor_.local_endpoint(error).port();
        if (error) return failed("getsockname");
        accept();
        thread_ = std::thread([this]() noexcept { context_.run(); });
        return ok();
    }

    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }

private:
    void accept() {
        if (accepting_ || open_ >= limits_.connections) return;
        accepting_ = true;
        acceptor_.async_accept([this](ErrorCode error, tcp::socket socket) {
            accepting_ = false;
            if (error) return pause(error);
            ++open_;
            std::shared_ptr<void> place(nullptr, [this](void*) {
                if (stopping_) return;
                --open_;
                accept();
            });
            std::make_shared<Exchange>(std::move(socket), answer_, log_, limits_, std::move(place))->start();
            accept();
        });
    }

    void pause(ErrorCode error) {
        log_.warn("watch_accept_paused", {{"reason", LocalFact(error.message())}});
        timer_.expires_after(limits::accept_pause);
        timer_.async_wait([this](ErrorCode aborted) {
            if (!aborted) accept();
        });
    }

    const Answerer answer_;
    Log& log_;
    const WatchLimits limits_;
    bool stopping_ = false;  ///< outlives the loop, whose last handlers ask for it
    bool accepting_ = false;
    std::size_t open_ = 0;
    std::uint16_t port_ = 0;
    asio::io_context context_{1};
    tcp::acceptor acceptor_{context_};
    asio::steady_timer timer_{context_};
    std::thread thread_;
};

WatchListener::WatchListener(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WatchListener::~WatchListener() = default;
std::uint16_t WatchListener::port() const {
    return impl_->port();
}

Result<std::unique_ptr<WatchListener>> WatchListener::start(const LinkConfig::Endpoint& endpoint, Answerer answer,
                                                            Log& log, WatchLimits limits) {
    auto impl = std::make_unique<Impl>(std::move(answer), log, limits);
    MELDER_CHECK(impl->start(endpoint));
    return std::unique_ptr<WatchListener>(new WatchListener(std::move(impl)));
}

}  // namespace melder::server
