#include "client/server_judgement.hpp"

#include <algorithm>

#include "core/limits.hpp"
#include "proto/link.pb.h"

namespace melder::client {
namespace {

constexpr std::size_t nonce_bytes = 32;

/// Which of the two lists is in force, and what has to be done about the other.
Result<void> choose_list(TrustList of_server, const ServerTrust& trust, ServerHello& out) {
    if (trust.known == nullptr || of_server.version() > trust.known->version()) {
        out.trust = std::make_shared<const TrustList>(std::move(of_server));
        out.trust_is_new = true;
    } else {
        const auto follows = of_server.may_follow(*trust.known);
        if (follows.has_error() && follows.error() != Errc::trust_list_too_old) return follows.error();
        out.trust = trust.known;
        out.offer_trust = follows.has_error();
    }
    if (out.trust->version() < trust.lowest_version) return Errc::trust_list_too_old;
    return ok();
}

Result<std::uint32_t> choose_protocol(const wire::Hello& hello, const TrustList& trust) {
    const auto lowest = std::max({limits::lowest_protocol, hello.lowest_version(), trust.fields().lowest_protocol});
    const auto highest = std::min(limits::highest_protocol, hello.highest_version());
    if (lowest > highest) return Errc::version_mismatch;
    return highest;
}

/// A newer list may have dropped the key that the server still signs with; then there is just no statement.
Result<void> take_statement(const wire::Hello& hello, ServerHello& out) {
    if (!hello.has_statement()) return ok();
    MELDER_TRY(auto document, SignedBytes::from(hello.statement()));
    const auto statement = Statement::verify(document, *out.trust);
    if (statement.has_error()) {
        if (out.offer_trust) return ok();
        return statement.error();
    }
    out.statement = *statement;
    out.statement_document = std::move(document);
    return ok();
}

}  // namespace

Result<ServerHello> judge_server(BytesView hello, const Hash& spki, const ServerTrust& trust) {
    wire::Hello message;
    if (!message.ParseFromArray(hello.data(), static_cast<int>(hello.size())) ||
        message.nonce().size() != nonce_bytes) {
        return Errc::malformed;
    }
    MELDER_TRY(const auto document, SignedBytes::from(message.trust_list()));
    MELDER_TRY(auto of_server, TrustList::verify(document, trust.roots));
    ServerHello out;
    MELDER_CHECK(choose_list(std::move(of_server), trust, out));
    if (!out.trust->has_pin(spki)) return Errc::wrong_server_key;
    MELDER_TRY(out.protocol, choose_protocol(message, *out.trust));
    MELDER_CHECK(take_statement(message, out));
    out.spki = spki;
    out.encoded = to_bytes(hello);
    return out;
}

Result<void> judge_services(const ServerHello& hello, bool relay, bool keyserver) {
    if (relay && !hello.trust->has_pin(hello.spki, ServerRole::relay)) return Errc::wrong_server_key;
    if (keyserver && !hello.trust->has_pin(hello.spki, ServerRole::keyserver)) return Errc::wrong_server_key;
    return ok();
}

}  // namespace melder::client
