#pragma once
// A TlsEngine over a ByteStream. Internal to client. On the executor only.

#include <chrono>
#include <memory>

#include "client/byte_stream.hpp"
#include "client/tls_engine.hpp"

namespace melder::client {

class TlsStream : public std::enable_shared_from_this<TlsStream> {
public:
    using Done = ByteStream::Done;
    using ReadDone = ByteStream::ReadDone;
    using TimePoint = std::chrono::steady_clock::time_point;

    TlsStream(const boost::asio::any_io_executor& executor, std::unique_ptr<ByteStream> transport,
              const std::string& host);

    /// Opens the transport and shakes hands. `network`, `tls`, `cancelled`.
    void connect(const std::string& host, std::uint16_t port, Done done);
    /// One at a time each. Completions never run within the call. `closed` after the peer's orderly end.
    void read_some(std::span<Byte> out, ReadDone done);
    void write(BytesView bytes, Done done);
    /// Sends close_notify if it can and ends everything outstanding with `cancelled`. Idempotent.
    void cancel();

    [[nodiscard]] const TlsEngine& engine() const noexcept { return engine_; }
    [[nodiscard]] TimePoint last_heard() const noexcept { return last_heard_; }
    [[nodiscard]] const boost::asio::any_io_executor& executor() const noexcept { return executor_; }
    /// The first thing that went wrong below the caller.
    [[nodiscard]] const Result<void>& failure() const noexcept { return failure_; }
    void on_path_changed(std::function<void()> changed) { transport_->on_path_changed(std::move(changed)); }

private:
    void handshake();
    void fill(void (TlsStream::*then)());
    void read_on();
    void flush();
    void fail(const Error& error);
    void finish_read(Result<std::size_t> result);

    boost::asio::any_io_executor executor_;
    std::unique_ptr<ByteStream> transport_;
    TlsEngine engine_;
    Done connect_done_;
    ReadDone read_done_;
    Done write_done_;
    std::span<Byte> read_into_;
    Bytes input_;      ///< ciphertext being read
    Bytes in_flight_;  ///< ciphertext being written
    bool filling_ = false;
    TimePoint last_heard_;
    Result<void> failure_;
};

}  // namespace melder::client
