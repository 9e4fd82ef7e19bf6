#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include "client/byte_stream.hpp"

namespace melder::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

Error error_of(const boost::system::error_code& code) {
    if (code == asio::error::operation_aborted) return Errc::cancelled;
    return {Errc::network, code.message()};
}

/// The sockets live in a shared state, so that a handler under way never finds them gone.
struct Sockets {
    explicit Sockets(const asio::any_io_executor& executor) : resolver(executor), socket(executor) {}
    tcp::resolver resolver;
    tcp::socket socket;
};

class SocketStream final : public ByteStream {
public:
    explicit SocketStream(const asio::any_io_executor& executor) : sockets_(std::make_shared<Sockets>(executor)) {}
    ~SocketStream() override { shut(); }

    void open(const std::string& host, std::uint16_t port, Done done) override {
        auto connected = [sockets = sockets_, done](const boost::system::error_code& code, const tcp::endpoint&) {
            if (code) return done(error_of(code));
            boost::system::error_code ignored;
            sockets->socket.set_option(tcp::no_delay(true), ignored);
            done(ok());
        };
        sockets_->resolver.async_resolve(
            host, std::to_string(port),
            [sockets = sockets_, done, connected](const boost::system::error_code& code,
                                                  const tcp::resolver::results_type& addresses) {
                if (code) return done(error_of(code));
                asio::async_connect(sockets->socket, addresses, connected);
            });
    }

    void read(std::span<Byte> into, ReadDone done) override {
        sockets_->socket.async_read_some(
            asio::buffer(into.data(), into.size()),
            [sockets = sockets_, done = std::move(done)](const boost::system::error_code& code, std::size_t size) {
                if (code == asio::error::eof) return done(std::size_t{0});
                if (code) return done(error_of(code));
                done(size);
            });
    }

    void write(BytesView bytes, Done done) override {
        asio::async_write(sockets_->socket, asio::buffer(bytes.data(), bytes.size()),
                          [sockets = sockets_, done = std::move(done)](const boost::system::error_code& code, std::size_t) {
                              if (code) return done(error_of(code));
                              done(ok());
                          });
    }

    void close() noexcept override { shut(); }

private:
    void shut() noexcept {
        boost::system::error_code ignored;
        sockets_->resolver.cancel();
        sockets_->socket.close(ignored);
    }
    std::shared_ptr<Sockets> sockets_;
};

}  // namespace

std::unique_ptr<ByteStream> make_socket_stream(boost::asio::any_io_executor executor) {
    return std::make_unique<SocketStream>(executor);
}

}  // namespace melder::client
