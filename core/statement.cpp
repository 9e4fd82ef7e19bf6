#include "core/statement.hpp"

#include "core/wire_time.hpp"
#include "proto/trust.pb.h"

namespace melder {

Result<Statement> Statement::parse(BytesView body) {
    wire::Statement message;
    if (!message.ParseFromArray(body.data(), static_cast<int>(body.size()))) return Errc::malformed;
    Statement out;
    MELDER_TRY(out.time, time_from_ms(message.time_ms()));
    out.trust_list_version = message.trust_list_version();
    out.log_size = message.log_size();
    MELDER_TRY(out.log_head, Hash::from(message.log_head()));
    if (!message.client_nonce().empty()) {
        MELDER_TRY(out.client_nonce, to_array<16>(view(message.client_nonce())));
    }
    MELDER_TRY(out.store_epoch, StoreEpoch::from(message.store_epoch()));
    return out;
}

Bytes Statement::encode() const {
    wire::Statement message;
    message.set_time_ms(static_cast<std::uint64_t>(time.ms));
    message.set_trust_list_version(trust_list_version);
    message.set_log_size(log_size);
    message.set_log_head(log_head.string());
    if (client_nonce) message.set_client_nonce(to_string(*client_nonce));
    message.set_store_epoch(store_epoch.string());
    return to_bytes(view(message.SerializeAsString()));
}

Result<Statement> Statement::verify(const SignedBytes& document, const TrustList& trust) {
    MELDER_CHECK(trust.verify_by_statement_key(document, Context::statement));
    return parse(document.body);
}

SignedBytes sign_statement(const Statement& statement, const Ed25519Seed& statement_seed) {
    SignedBytes document{statement.encode(), {}};
    sign(document, Context::statement, statement_seed);
    return document;
}

bool contradict(const Statement& a, const Statement& b) noexcept {
    return a.log_size == b.log_size && a.log_head != b.log_head;
}

}  // namespace melder
