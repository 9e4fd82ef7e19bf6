#include "client/web_socket.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include "core/limits.hpp"

namespace melder::client {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using ErrorCode = boost::system::error_code;

namespace {

/// What Beast calls a stream, over a TlsStream.
class Layer {
public:
    using executor_type = asio::any_io_executor;
    explicit Layer(std::shared_ptr<TlsStream> stream) : stream_(std::move(stream)) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return stream_->executor(); }
    [[nodiscard]] TlsStream& tls() const noexcept { return *stream_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
            [this](auto handler, const Buffers& into) {
                // std::function wants a copyable target; Beast's operations only move.
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                stream_->read_some(first_of(into), [shared](const Result<std::size_t>& read) {
                    auto complete = std::move(*shared);
                    complete(read.has_error() ? code_of(read.error()) : ErrorCode{}, read.has_error() ? 0 : *read);
                });
            },
            token, buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(ErrorCode, std::size_t)>(
            [this](auto handler, const Buffers& from) {
                auto shared = std::make_shared<decltype(handler)>(std::move(handler));
                // Flat, so that a frame's header and its payload share a record.
                Bytes flat(beast::buffer_bytes(from));
                asio::buffer_copy(asio::buffer(flat), from);
                stream_->write(flat, [shared, size = flat.size()](const Result<void>& written) {
                    auto complete = std::move(*shared);
                    complete(written.has_error() ? code_of(written.error()) : ErrorCode{},
                             written.has_error() ? 0 : size);
                });
            },
            token, buffers);
    }

private:
    /// The reason itself stays in TlsStream::failure().
    static ErrorCode code_of(const Error& error) {
        if (error == Errc::closed) return asio::error::eof;
        if (error == Errc::cancelled) return asio::error::operation_aborted;
        return asio::error::connection_reset;
    }
    template <class Buffers>
    static std::span<Byte> first_of(const Buffers& buffers) {
        for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
            const asio::mutable_buffer buffer(*it);
            if (buffer.size() > 0) return {static_cast<Byte*>(buffer.data()), buffer.size()};
        }
        return {};
    }

    std::shared_ptr<TlsStream> stream_;
};

// What Beast calls when a WebSocket ends; found by argument-dependent look-up.
void beast_close_socket(Layer& layer) {
    layer.tls().cancel();
}
template <class Handler>
void async_teardown(beast::role_type, Layer& layer, Handler&& handler) {
    layer.tls().cancel();
    asio::post(layer.get_executor(), beast::bind_front_handler(std::forward<Handler>(handler), ErrorCode{}));
}

Error error_of(const ErrorCode& code, const TlsStream& tls) {
    if (code == websocket::error::closed) return Errc::closed;
    if (code == websocket::error::message_too_big || code == websocket::error::buffer_overflow) return Errc::too_large;
    if (tls.failure().has_error()) return tls.failure().error();
    if (code == asio::error::operation_aborted) return Errc::cancelled;
    return Error(Errc::malformed, "the server does not speak WebSocket as agreed");
}

}  // namespace

class WebSocket::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(const asio::any_io_executor& executor, std::unique_ptr<ByteStream> transport, const std::string& host)
        : tls_(std::make_shared<TlsStream>(executor, std::move(transport), host)), stream_(Layer(tls_)) {
        // Deadlines and pings are LinkConnection's, in one place.
        stream_.set_option(
            websocket::stream_base::timeout{websocket::stream_base::none(), websocket::stream_base::none(), false});
        stream_.binary(true);
        stream_.auto_fragment(false);
        stream_.write_buffer_bytes(16 * 1024);  // a TLS record
        stream_.read_message_max(limits::message_before_welcome_bytes);
    }

    void connect(const std::string& host, std::uint16_t port, Done done) {
        tls_->connect(host, port,
                      [self = shared_from_this(), host, done = std::move(done)](const Result<void>& secured) {
                          if (secured.has_error()) return done(secured.error());
                          self->stream_.async_handshake(host, "/", [self, done](const ErrorCode& code) {
                              if (code) return done(error_of(code, *self->tls_));
                              done(ok());
                          });
                      });
    }

    void read(MessageDone done) {
        buffer_.consume(buffer_.size());
        stream_.async_read(buffer_,
                           [self = shared_from_this(), done = std::move(done)](const ErrorCode& code, std::size_t) {
                               if (code) return done(error_of(code, *self->tls_));
                               if (!self->stream_.got_binary()) return done(Errc::malformed);
                               const auto data = self->buffer_.cdata();
                               done(BytesView(static_cast<const Byte*>(data.data()), data.size()));
                           });
    }

    void write(BytesView message, Done done) {
        stream_.async_write(asio::buffer(message.data(), message.size()),
                            [self = shared_from_this(), done = std::move(done)](const ErrorCode& code, std::size_t) {
                                if (code) return done(error_of(code, *self->tls_));
                                done(ok());
                            });
    }

    void ping(Done done) {
        stream_.async_ping({}, [self = shared_from_this(), done = std::move(done)](const ErrorCode& code) {
            if (code) return done(error_of(code, *self->tls_));
            done(ok());
        });
    }

    void close(Done done) {
        stream_.async_close(websocket::close_code::normal,
                            [self = shared_from_this(), done = std::move(done)](const ErrorCode& code) {
                                if (code) return done(error_of(code, *self->tls_));
                                done(ok());
                            });
    }

    void cancel() { tls_->cancel(); }
    void set_longest_message(std::size_t bytes) { stream_.read_message_max(bytes); }
    [[nodiscard]] TlsStream& tls() const noexcept { return *tls_; }

private:
    std::shared_ptr<TlsStream> tls_;
    websocket::stream<Layer, false> stream_;  // false: no permessage-deflate in the binary
    beast::flat_buffer buffer_;
};

WebSocket::WebSocket(const asio::any_io_executor& executor, std::unique_ptr<ByteStream> transport,
                     const std::string& host)
    : impl_(std::make_shared<Impl>(executor, std::move(transport), host)) {}
WebSocket::~WebSocket() {
    impl_->cancel();
}

void WebSocket::connect(const std::string& host, std::uint16_t port, Done done) {
    impl_->connect(host, port, std::move(done));
}
void WebSocket::read(MessageDone done) {
    impl_->read(std::move(done));
}
void WebSocket::write(BytesView message, Done done) {
    impl_->write(message, std::move(done));
}
void WebSocket::ping(Done done) {
    impl_->ping(std::move(done));
}
void WebSocket::close(Done done) {
    impl_->close(std::move(done));
}
void WebSocket::cancel() {
    impl_->cancel();
}
void WebSocket::set_longest_message(std::size_t bytes) {
    impl_->set_longest_message(bytes);
}
const TlsStream& WebSocket::tls() const noexcept {
    return impl_->tls();
}
void WebSocket::on_path_changed(std::function<void()> changed) {
    impl_->tls().on_path_changed(std::move(changed));
}

}  // namespace melder::client
