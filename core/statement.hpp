#pragma once
// Signed freshness: time, trust-list version, size and head of the order log.

#include <optional>

#include "core/trust_list.hpp"

namespace melder {

struct Statement {
    UnixTime time;
    std::uint64_t trust_list_version = 0;
    std::uint64_t log_size = 0;
    Hash log_head;
    std::optional<ByteArray<16>> client_nonce;
    StoreEpoch store_epoch;

    [[nodiscard]] static Result<Statement> parse(BytesView body);
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static Result<Statement> verify(const SignedBytes& document, const TrustList& trust);
};
[[nodiscard]] SignedBytes sign_statement(const Statement& statement, const Ed25519Seed& statement_seed);

/// True if both can't be true of one append-only log: equal size and different heads.
[[nodiscard]] bool contradict(const Statement& a, const Statement& b) noexcept;

}  // namespace melder
