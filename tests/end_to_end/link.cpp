#include "tests/end_to_end/link.hpp"

namespace melder::testing {

Link::Link(boost::asio::io_context& io) : io_(io), connection_(io_.get_executor(), client::make_socket_stream, {}) {
    connection_.on_frame([this](wire::Frame& frame) { frames_.push_back(std::move(frame)); });
    connection_.on_closed([this](const Error& why) { end_ = why; });
}

Link::~Link() {
    connection_.close();
    run_until([this] { return end_.has_value(); }, std::chrono::seconds(1));
}

template <class Ready>
bool Link::run_until(Ready ready, std::chrono::milliseconds limit) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!ready()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        if (io_.stopped()) io_.restart();
        io_.run_one_until(std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(20)));
    }
    return true;
}

template <class T, class Start>
Result<T> Link::wait_for(Start start) {
    // Shared, because a handler may outlive a wait that gave up.
    const auto answer = std::make_shared<std::optional<Result<T>>>();
    start([answer](Result<T> result) { *answer = std::move(result); });
    if (!run_until([&] { return answer->has_value(); })) return Errc::deadline_exceeded;
    return std::move(**answer);
}

Result<client::ServerHello> Link::connect(std::uint16_t port, client::ServerTrust trust) {
    return wait_for<client::ServerHello>([&](auto done) {
        connection_.connect({.host = "127.0.0.1", .port = port}, std::move(trust), std::move(done));
    });
}

Result<wire::Welcome> Link::login(const EnrolmentId& device, const P256Private& key) {
    client::DeviceLogin facts;
    facts.device = device;
    facts.client_version = "melder-test";
    return login(std::move(facts), key);
}

Result<wire::Welcome> Link::login(client::DeviceLogin login, const P256Private& key) {
    client::MemoryLoginKey login_key(key.clone());
    return wait_for<wire::Welcome>([&](auto done) { connection_.login(std::move(login), login_key, std::move(done)); });
}

Result<wire::Welcome> Link::admin_login(const Ed25519Seed& key) {
    return wait_for<wire::Welcome>([&](auto done) { connection_.admin_login(key, std::move(done)); });
}

Result<wire::Credential> Link::enrol(const EnrolmentId& device, const SignedBinding& binding,
                                     const Ed25519Seed& enrolment_key) {
    return wait_for<wire::Credential>(
        [&](auto done) { connection_.enrol(device, binding, enrolment_key, std::move(done)); });
}

Result<wire::Frame> Link::request(wire::Frame frame) {
    return wait_for<wire::Frame>([&](auto done) { connection_.request(std::move(frame), patience, std::move(done)); });
}

void Link::send(const wire::Frame& frame) {
    static_cast<void>(connection_.send(frame));
}

std::optional<wire::Frame> Link::await(wire::Frame::BodyCase kind) {
    std::optional<wire::Frame> found;
    run_until([&] {
        while (!frames_.empty() && !found) {
            if (frames_.front().body_case() == kind) found = std::move(frames_.front());
            frames_.pop_front();
        }
        return found.has_value() || end_.has_value();
    });
    return found;
}

std::optional<Error> Link::await_end(std::chrono::milliseconds limit) {
    run_until([this] { return end_.has_value(); }, limit);
    return end_;
}

}  // namespace melder::testing
