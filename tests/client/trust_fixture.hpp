#pragma once
// A root key and the lists and Hellos that follow from it.

#include "client/server_judgement.hpp"
#include "core/limits.hpp"
#include "proto/link.pb.h"

namespace melder::client::test {

struct TrustFixture {
    SeededRandom random{1};
    Ed25519Seed root = random.secret<Ed25519Seed>();
    Ed25519Seed statement = random.secret<Ed25519Seed>();
    RootSet roots{.version = 1, .threshold = 1, .keys = {ed25519_public_of(root)}, .previous = {}};
    Hash next_key = random.id<Hash>();

    [[nodiscard]] TrustList::Fields fields(std::uint64_t version, const Hash& spki) const {
        TrustList::Fields out;
        out.version = version;
        out.issued_at = UnixTime::from_seconds(1'800'000'000);
        out.not_after = UnixTime::from_seconds(1'830'000'000);
        out.statement_keys = {ed25519_public_of(statement)};
        out.pins = {{spki, ServerRole::relay},
                    {next_key, ServerRole::relay},
                    {spki, ServerRole::keyserver},
                    {next_key, ServerRole::keyserver}};
        out.longest_retention_s = 14 * 86400;
        out.longest_lease_s = 86400;
        out.longest_history_s = 86400;
        out.longest_code_validity_s = 86400;
        return out;
    }
    [[nodiscard]] SignedBytes sign_list(const TrustList::Fields& fields) const {
        SignedBytes document;
        document.body = TrustList::encode(fields).value();
        sign(document, Context::trust_list, root);
        return document;
    }
    [[nodiscard]] SignedBytes list(std::uint64_t version, const Hash& spki) const {
        return sign_list(fields(version, spki));
    }
    [[nodiscard]] std::shared_ptr<const TrustList> verified(const SignedBytes& document) const {
        return std::make_shared<TrustList>(TrustList::verify(document, roots).value());
    }
    [[nodiscard]] static wire::Hello hello(const SignedBytes& list, BytesView nonce = ByteArray<32>{}) {
        wire::Hello out;
        out.set_lowest_version(limits::lowest_protocol);
        out.set_highest_version(limits::highest_protocol);
        out.set_nonce(to_string(nonce));
        *out.mutable_trust_list() = list.to_wire();
        return out;
    }
};

}  // namespace melder::client::test
