#include "client/tls_stream.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace melder::client {
namespace {

/// A record and its overhead: whoever reads this much at once never needs two reads for one record.
constexpr std::size_t input_bytes = 17 * 1024;

}  // namespace

TlsStream::TlsStream(const boost::asio::any_io_executor& executor, std::unique_ptr<ByteStream> transport,
                     const std::string& host)
    : executor_(executor),
      transport_(std::move(transport)),
      engine_(host),
      input_(input_bytes),
      last_heard_(std::chrono::steady_clock::now()) {}

void TlsStream::connect(const std::string& host, std::uint16_t port, Done done) {
    connect_done_ = std::move(done);
    transport_->open(host, port, [self = shared_from_this()](const Result<void>& opened) {
        if (opened.has_error()) return self->fail(opened.error());
        self->handshake();
    });
}

void TlsStream::handshake() {
    if (!connect_done_) return;
    const auto status = engine_.handshake();
    flush();  // also an alert
    switch (status) {
        case TlsEngine::Status::done: {
            const auto done = std::exchange(connect_done_, nullptr);
            return done(ok());
        }
        case TlsEngine::Status::want_input:
            return fill(&TlsStream::handshake);
        default:
            return fail(Errc::tls);
    }
}

void TlsStream::fill(void (TlsStream::*then)()) {
    if (filling_) return;
    filling_ = true;
    transport_->read_some(input_, [self = shared_from_this(), then](const Result<std::size_t>& read) {
        self->filling_ = false;
        if (read.has_error()) return self->fail(read.error());
        self->last_heard_ = std::chrono::steady_clock::now();
        self->engine_.put_ciphertext(BytesView(self->input_).first(*read));
        (self.get()->*then)();
    });
}

void TlsStream::read_some(std::span<Byte> out, ReadDone done) {
    if (failure_.has_error()) {
        return boost::asio::post(executor_, [done = std::move(done), error = failure_.error()] { done(error); });
    }
    read_into_ = out;
    read_done_ = std::move(done);
    boost::asio::post(executor_, [self = shared_from_this()] { self->read_on(); });
}

void TlsStream::read_on() {
    if (!read_done_) return;
    if (failure_.has_error()) return finish_read(failure_.error());
    const auto outcome = engine_.read(read_into_);
    flush();  // the engine answers key updates by itself
    switch (outcome.status) {
        case TlsEngine::Status::done:
            return finish_read(outcome.bytes);
        case TlsEngine::Status::want_input:
            return fill(&TlsStream::read_on);
        case TlsEngine::Status::closed:
            return fail(Errc::closed);
        case TlsEngine::Status::failed:
            return fail(Errc::tls);
    }
}

void TlsStream::finish_read(Result<std::size_t> result) {
    const auto done = std::exchange(read_done_, nullptr);
    done(std::move(result));
}

void TlsStream::write(BytesView bytes, Done done) {
    if (failure_.has_error()) {
        return boost::asio::post(executor_, [done = std::move(done), error = failure_.error()] { done(error); });
    }
    write_done_ = std::move(done);
    const bool taken = engine_.write(bytes) == TlsEngine::Status::done;
    boost::asio::post(executor_, [self = shared_from_this(), taken] {
        if (!taken) return self->fail(Errc::tls);
        self->flush();
    });
}

void TlsStream::flush() {
    if (!in_flight_.empty()) return;
    in_flight_ = engine_.take_ciphertext();
    if (in_flight_.empty()) {
        if (const auto done = std::exchange(write_done_, nullptr)) done(ok());
        return;
    }
    transport_->write(in_flight_, [self = shared_from_this()](const Result<void>& written) {
        self->in_flight_.clear();
        if (written.has_error()) return self->fail(written.error());
        self->flush();
    });
}

void TlsStream::fail(const Error& error) {
    if (failure_.has_value()) failure_ = error;
    const Error first = failure_.error();
    if (const auto done = std::exchange(connect_done_, nullptr)) done(first);
    if (const auto done = std::exchange(write_done_, nullptr)) done(first);
    if (read_done_) finish_read(first);
}

void TlsStream::cancel() {
    if (failure_.has_value()) {
        failure_ = Errc::cancelled;
        engine_.shutdown();
    }
    transport_->close();
    // The completions own what owns this stream. They go into the queue, and with it if the loop never runs again.
    boost::asio::post(executor_,
                      [connected = std::exchange(connect_done_, nullptr), written = std::exchange(write_done_, nullptr),
                       read = std::exchange(read_done_, nullptr), error = failure_.error()] {
                          if (connected) connected(error);
                          if (written) written(error);
                          if (read) read(error);
                      });
}

}  // namespace melder::client
