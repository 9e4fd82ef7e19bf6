#include "apps/melder-admin/admin_link.hpp"

#include <boost/asio/io_context.hpp>
#include <charconv>

#include "core/limits.hpp"
#include "core/random.hpp"

namespace melder::admin {

using client::LinkConnection;
namespace {

constexpr auto reply_deadline = std::chrono::seconds(30);
constexpr std::size_t requests_open = limits::requests_per_session / 2;

}  // namespace

class AdminLink::Loop {
public:
    Loop() : link(context.get_executor(), client::make_socket_stream, {}) {}
    boost::asio::io_context context;
    LinkConnection link;  // dies first
};

AdminLink::AdminLink() : loop_(std::make_unique<Loop>()) {}
AdminLink::~AdminLink() {
    loop_->link.close();
    loop_->context.restart();
    loop_->context.run();  // ends by LinkTimes::closing at the latest
}

template <class T>
Result<T> AdminLink::wait(const std::function<void(std::function<void(Result<T>)>)>& start) {
    std::optional<Result<T>> outcome;
    start([&](Result<T> result) { outcome = std::move(result); });
    loop_->context.restart();
    // Every operation of the link has a deadline, so this ends.
    while (!outcome.has_value() && loop_->context.run_one() > 0) {
    }
    if (!outcome.has_value()) return Errc::internal;
    return std::move(*outcome);
}

Result<std::unique_ptr<AdminLink>> AdminLink::open(const client::ServerAddress& server, client::ServerTrust trust,
                                                   const Ed25519Seed& key) {
    std::unique_ptr<AdminLink> out(new AdminLink);
    auto& link = out->loop_->link;
    MELDER_TRY(out->hello_,
               out->wait<client::ServerHello>([&](auto done) { link.connect(server, std::move(trust), done); }));
    MELDER_CHECK(out->wait<wire::Welcome>([&](auto done) { link.admin_login(key, done); }));
    return out;
}

Result<wire::Frame> AdminLink::ask(wire::Frame request, wire::Frame::BodyCase expected, std::chrono::seconds deadline) {
    MELDER_TRY(auto reply, wait<wire::Frame>(
                               [&](auto done) { loop_->link.request(std::move(request), deadline, std::move(done)); }));
    if (reply.body_case() != expected) return Error(Errc::malformed, "the server answered something else");
    return reply;
}

Result<void> AdminLink::ask_many(std::size_t count, const std::function<wire::Frame(std::size_t)>& request,
                                 wire::Frame::BodyCase expected,
                                 const std::function<Result<void>(std::size_t, const wire::Frame&)>& reply) {
    std::optional<Error> failure;
    std::size_t sent = 0;
    std::size_t open = 0;
    const auto handle = [&](std::size_t index, const Result<wire::Frame>& answer) -> Result<void> {
        MELDER_CHECK(answer);
        if (answer->body_case() != expected) return Error(Errc::malformed, "the server answered something else");
        return reply(index, *answer);
    };
    const auto send = [&] {
        while (!failure && sent < count && open < requests_open) {
            const auto index = sent++;
            ++open;
            loop_->link.request(request(index), reply_deadline, [&, index](const Result<wire::Frame>& answer) {
                --open;
                if (failure) return;
                if (const auto done = handle(index, answer); done.has_error()) failure = done.error();
            });
        }
    };
    send();
    loop_->context.restart();
    // What is open is waited for even after a failure: it refers to this frame, and every request has a deadline.
    while (open > 0 && loop_->context.run_one() > 0)
        send();
    if (failure) return *failure;
    if (open > 0) return Errc::internal;
    return ok();
}

Result<Statement> AdminLink::fetch_statement() {
    ByteArray<16> nonce{};
    system_random().fill(nonce);
    wire::Frame request;
    request.mutable_fetch_statement()->set_client_nonce(to_string(nonce));
    MELDER_TRY(const auto reply, ask(std::move(request), wire::Frame::kStatement));
    MELDER_TRY(const auto document, SignedBytes::from(reply.statement().statement()));
    MELDER_TRY(auto statement, Statement::verify(document, trust()));
    if (statement.client_nonce != nonce) return Error(Errc::malformed, "the server's statement is not over our nonce");
    return statement;
}

Result<client::ServerAddress> parse_server(std::string_view text) {
    const auto colon = text.rfind(':');
    client::ServerAddress out;
    if (colon != std::string_view::npos) {
        auto host = text.substr(0, colon);
        if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
        const auto port = text.substr(colon + 1);
        const auto parsed = std::from_chars(port.data(), port.data() + port.size(), out.port);
        if (!host.empty() && parsed.ec == std::errc() && parsed.ptr == port.data() + port.size() && out.port != 0) {
            out.host = host;
            return out;
        }
    }
    return Error(Errc::bad_argument, "--server takes HOST:PORT, such as melder.police.example:5222");
}

}  // namespace melder::admin
