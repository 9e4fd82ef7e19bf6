#pragma once
// The certified link for a command line: one request after the other, each waited for.

#include <chrono>
#include <memory>
#include <string>

#include "client/link_connection.hpp"

namespace melder::admin {

class AdminLink {
public:
    /// Connects, judges the server, logs in with `key`. The link's errors, with a sentence where the reader can help.
    [[nodiscard]] static Result<std::unique_ptr<AdminLink>> open(const client::ServerAddress& server,
                                                                 client::ServerTrust trust, const Ed25519Seed& key);
    ~AdminLink();
    AdminLink(const AdminLink&) = delete;
    AdminLink& operator=(const AdminLink&) = delete;

    /// The reply, or the server's refusal as its Error; `malformed` if it is not of the kind asked for.
    [[nodiscard]] Result<wire::Frame> ask(wire::Frame request, wire::Frame::BodyCase expected,
                                          std::chrono::seconds deadline = std::chrono::seconds(30));
    /// `count` requests, several of them unanswered at a time; `reply` in the order of the requests. Ends at the first
    /// error, its own or `reply`'s.
    [[nodiscard]] Result<void> ask_many(std::size_t count, const std::function<wire::Frame(std::size_t)>& request,
                                        wire::Frame::BodyCase expected,
                                        const std::function<Result<void>(std::size_t, const wire::Frame&)>& reply);
    /// Signed by a statement key over a fresh nonce: size and head of the log at this moment.
    [[nodiscard]] Result<Statement> fetch_statement();

    [[nodiscard]] const TrustList& trust() const noexcept { return *hello_.trust; }
    /// SHA-256 of the TLS key that the server shows on this connection.
    [[nodiscard]] const Hash& server_key() const noexcept { return hello_.spki; }
    /// When its certificate ends, if it says so.
    [[nodiscard]] std::optional<UnixTime> certificate_ends() const noexcept { return hello_.certificate_ends; }
    [[nodiscard]] bool trust_is_new() const noexcept { return hello_.trust_is_new; }

private:
    AdminLink();
    template <class T>
    Result<T> wait(const std::function<void(std::function<void(Result<T>)>)>& start);

    class Loop;
    std::unique_ptr<Loop> loop_;
    client::ServerHello hello_;
};

/// "host:port" or "[::1]:port"; `bad_argument`.
[[nodiscard]] Result<client::ServerAddress> parse_server(std::string_view text);

}  // namespace melder::admin
