#pragma once
// Signed bytes. A signature is over "Melder/<kind>/1" ‖ 0x00 ‖ body; the body travels opaque and is never re-encoded
// before it was verified. Every context of the project stands in MELDER_CONTEXT_TABLE; a test refuses duplicates and
// compares the table with the registry in PROTOCOL.md.

#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.hpp"
#include "core/crypto.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace melder::wire {
class Signed;
}

namespace melder {

#define MELDER_CONTEXT_TABLE(X)              \
    X(root_set, "Melder/root-set/1")         \
    X(trust_list, "Melder/trust-list/1")     \
    X(grant, "Melder/grant/1")               \
    X(binding, "Melder/binding/1")           \
    X(binding_date, "Melder/binding-date/1") \
    X(order, "Melder/order/1")               \
    X(statement, "Melder/statement/1")       \
    X(receipt, "Melder/receipt/1")           \
    X(login, "Melder/login/1")               \
    X(admin_login, "Melder/admin-login/1")   \
    X(enrol, "Melder/enrol/1")               \
    X(log, "Melder/log/1")                   \
    X(diagnosis, "Melder/diagnosis/1")

enum class Context {
#define MELDER_CONTEXT_ENUMERATOR(name, text) name,
    MELDER_CONTEXT_TABLE(MELDER_CONTEXT_ENUMERATOR)
#undef MELDER_CONTEXT_ENUMERATOR
};
[[nodiscard]] std::string_view text_of(Context context) noexcept;

/// context ‖ 0x00 ‖ body: the bytes that are signed (or hashed, for Context::log and ::diagnosis).
[[nodiscard]] Bytes signing_input(Context context, BytesView body);

/// A body with its signatures, as values.
struct SignedBytes {
    struct Signature {
        KeyId key_id;
        ByteArray<64> signature;
    };
    Bytes body;
    std::vector<Signature> signatures;

    /// `malformed` for a missing body, more than 16 signatures, wrong lengths or two signatures of one key.
    [[nodiscard]] static Result<SignedBytes> from(const wire::Signed& message);
    [[nodiscard]] static Result<SignedBytes> parse(BytesView encoded);
    [[nodiscard]] wire::Signed to_wire() const;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] Hash body_hash() const { return sha256(body); }
};

/// Adds a signature by `seed`.
void sign(SignedBytes& document, Context context, const Ed25519Seed& seed);
/// Verifies the one signature made by `key`; `unknown_signer` if there is none by it.
[[nodiscard]] Result<void> verify(const SignedBytes& document, Context context, const Ed25519Public& key);

}  // namespace melder
