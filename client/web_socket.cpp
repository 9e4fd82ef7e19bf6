#include "client/web_socket.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket.hpp>

#include "core/limits.hpp"

namespace melder::client {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

constexpr auto path = "/";

error_code code_of(const Error& error) {
    return error == Errc::cancelled || error == Errc::closed ? error_code(asio::error::operation_aborted)
                                                             : error_code(asio::error::connection_reset);
}

Error error_of(const error_code& code) {
    if (code == websocket::error::closed) return Errc::closed;
    if (code == asio::error::operation_aborted) return Errc::cancelled;
    if (code == websocket::error::message_too_big || code == websocket::error::buffer_overflow) return Errc::too_large;
    return {Errc::network, code.message()};
}

/// TlsStream as Beast wants its next layer.
class TlsLayer {
public:
    using executor_type = asio::any_io_executor;
    TlsLayer(executor_type executor, std::shared_ptr<TlsStream> tls, std::function<void()>* on_life)
        : executor_(std::move(executor)), tls_(std::move(tls)), on_life_(on_life) {}

    [[nodiscard]] executor_type get_executor() const noexcept { return executor_; }
    [[nodiscard]] TlsStream& tls() const noexcept { return *tls_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, asio::mutable_buffer into) {
                start([&](auto done) { tls_->read({static_cast<Byte*>(into.data()), into.size()}, std::move(done)); },
                      std::move(handler), true);
            },
            token, first_of<asio::mutable_buffer>(buffers));
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return asio::async_initiate<Token, void(error_code, std::size_t)>(
            [this](auto handler, asio::const_buffer from) {
                const BytesView bytes(static_cast<const Byte*>(from.data()), from.size());
                start(
                    [&](auto done) {
                        tls_->write(bytes, [done, size = bytes.size()](const Result<void>& sent) {
                            if (sent.has_error()) return done(sent.error());
                            done(size);
                        });
                    },
                    std::move(handler), false);
            },
            token, first_of<asio::const_buffer>(buffers));
    }

private:
    template <class Buffer, class Buffers>
    static Buffer first_of(const Buffers& buffers) {
        for (auto at = asio::buffer_sequence_begin(buffers); at != asio::buffer_sequence_end(buffers); ++at) {
            if (Buffer buffer(*at); buffer.size() > 0) return buffer;
        }
        return Buffer();
    }

    /// Runs an operation and brings its end to the handler through the executor, never directly. Handlers move only, our
    /// callbacks copy: hence the shared pointer.
    template <class Operation, class Handler>
    void start(Operation operation, Handler handler, bool reading) {
        auto shared = std::make_shared<Handler>(std::move(handler));
        operation([executor = executor_, shared, reading, life = on_life_](const Result<std::size_t>& size) {
            error_code code;
            std::size_t count = 0;
            if (size.has_error()) {
                code = code_of(size.error());
            } else {
                count = *size;
                if (reading && count == 0) code = asio::error::eof;
                if (reading && count > 0 && *life) (*life)();
            }
            const auto target = asio::get_associated_executor(*shared, executor);
            asio::post(target, [shared, code, count] { (*shared)(code, count); });
        });
    }

    executor_type executor_;
    std::shared_ptr<TlsStream> tls_;
    std::function<void()>* on_life_;
};

// Found by Beast through argument-dependent look-up.
[[maybe_unused]] void beast_close_socket(TlsLayer& layer) { layer.tls().close(); }
[[maybe_unused]] void teardown(beast::role_type, TlsLayer& layer, error_code& code) {
    layer.tls().close();
    code = {};
}
template <class Handler>
void async_teardown(beast::role_type, TlsLayer& layer, Handler&& handler) {
    layer.tls().close();
    asio::post(layer.get_executor(), [handler = std::forward<Handler>(handler)]() mutable { handler(error_code{}); });
}

}  // namespace

struct WebSocket::Impl {
    Impl(const asio::any_io_executor& executor, std::shared_ptr<TlsStream> tls) : stream(executor, std::move(tls), &life) {
        // Deadlines are LinkConnection's, which also covers what happens below.
        stream.set_option(websocket::stream_base::timeout{websocket::stream_base::none(), websocket::stream_base::none(), false});
        stream.read_message_max(limits::message_bytes);
        stream.auto_fragment(false);
        stream.binary(true);
    }
    std::function<void()> life;
    websocket::stream<TlsLayer, false> stream;  // no compression
    beast::flat_buffer buffer;
};

WebSocket::WebSocket(asio::any_io_executor executor, std::shared_ptr<TlsStream> tls)
    : impl_(std::make_shared<Impl>(executor, std::move(tls))) {}
WebSocket::~WebSocket() { close_now(); }

void WebSocket::handshake(const std::string& host, Done done) {
    impl_->life = on_life;
    impl_->stream.async_handshake(host, path, [impl = impl_, done = std::move(done)](const error_code& code) {
        if (code) return done(error_of(code));
        done(ok());
    });
}

void WebSocket::read(MessageDone done) {
    impl_->buffer.clear();
    impl_->stream.async_read(impl_->buffer, [impl = impl_, done = std::move(done)](const error_code& code, std::size_t) {
        if (code) return done(error_of(code));
        if (!impl->stream.got_binary()) return done(Errc::malformed);
        const auto data = impl->buffer.cdata();
        done(BytesView(static_cast<const Byte*>(data.data()), data.size()));
    });
}

void WebSocket::write(BytesView message, Done done) {
    impl_->stream.async_write(asio::buffer(message.data(), message.size()),
                              [impl = impl_, done = std::move(done)](const error_code& code, std::size_t) {
                                  if (code) return done(error_of(code));
                                  done(ok());
                              });
}

void WebSocket::close(Done done) {
    impl_->stream.async_close(websocket::close_code::normal, [impl = impl_, done = std::move(done)](const error_code& code) {
        impl->stream.next_layer().tls().close();
        if (code) return done(error_of(code));
        done(ok());
    });
}

void WebSocket::close_now() noexcept { impl_->stream.next_layer().tls().close(); }

}  // namespace melder::client
