#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "client/byte_stream.hpp"

namespace melder::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

Error error_of(const boost::system::error_code& code) {
    if (code == asio::error::operation_aborted) return Errc::cancelled;
    if (code == asio::error::eof) return Errc::closed;
    return Error(Errc::network, code.message());
}

/// The socket and what is going on with it: completions keep it alive, so that the stream itself may die at any time.
struct Socket {
    explicit Socket(const asio::any_io_executor& executor) : resolver(executor), socket(executor) {}
    tcp::resolver resolver;
    tcp::socket socket;
    bool closed = false;
};

class SocketStream final : public ByteStream {
public:
    explicit SocketStream(const asio::any_io_executor& executor) : state_(std::make_shared<Socket>(executor)) {}
    ~SocketStream() override { close(); }

    void open(const std::string& host, std::uint16_t port, Done done) override {
        state_->resolver.async_resolve(
            host, std::to_string(port),
            [state = state_, done = std::move(done)](const auto& code, const tcp::resolver::results_type& found) {
                if (state->closed) return done(Errc::cancelled);
                if (code) return done(error_of(code));
                asio::async_connect(state->socket, found, [state, done](const auto& connected, const tcp::endpoint&) {
                    if (state->closed) return done(Errc::cancelled);
                    if (connected) return done(error_of(connected));
                    boost::system::error_code ignored;  // slower without, not wrong
                    state->socket.set_option(tcp::no_delay(true), ignored);
                    done(ok());
                });
            });
    }

    void read_some(std::span<Byte> out, ReadDone done) override {
        state_->socket.async_read_some(asio::buffer(out.data(), out.size()),
                                       [state = state_, done = std::move(done)](const auto& code, std::size_t read) {
                                           if (code) return done(error_of(code));
                                           done(read);
                                       });
    }

    void write(BytesView bytes, Done done) override {
        asio::async_write(state_->socket, asio::buffer(bytes.data(), bytes.size()),
                          [state = state_, done = std::move(done)](const auto& code, std::size_t) {
                              if (code) return done(error_of(code));
                              done(ok());
                          });
    }

    void close() noexcept override {
        state_->closed = true;
        state_->resolver.cancel();
        boost::system::error_code ignored;
        state_->socket.close(ignored);
    }

    void on_path_changed(std::function<void()>) override {}  // a plain socket never knows

private:
    std::shared_ptr<Socket> state_;
};

}  // namespace

std::unique_ptr<ByteStream> make_socket_stream(const asio::any_io_executor& executor) {
    return std::make_unique<SocketStream>(executor);
}

}  // namespace melder::client
