#include "core/signed.hpp"

#include <set>

#include "core/limits.hpp"
#include "proto/trust.pb.h"

namespace melder {

std::string_view text_of(Context context) noexcept {
    switch (context) {
#define MELDER_CONTEXT_TEXT(name, text) \
    case Context::name:                 \
        return text;
        MELDER_CONTEXT_TABLE(MELDER_CONTEXT_TEXT)
#undef MELDER_CONTEXT_TEXT
    }
    std::abort();  // an enumerator outside the table is a broken invariant
}

Bytes signing_input(Context context, BytesView body) {
    const auto text = view(text_of(context));
    Bytes out;
    out.reserve(text.size() + 1 + body.size());
    out.insert(out.end(), text.begin(), text.end());
    out.push_back(0);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

Result<SignedBytes> SignedBytes::from(const wire::Signed& message) {
    if (message.body().empty()) return Error(Errc::malformed, "a signed document without a body");
    if (static_cast<std::size_t>(message.signatures_size()) > limits::signatures_per_document) {
        return Error(Errc::malformed, "too many signatures");
    }
    SignedBytes out;
    out.body = to_bytes(view(message.body()));
    std::set<KeyId> signers;
    for (const auto& signature : message.signatures()) {
        MELDER_TRY(const auto key_id, KeyId::from(signature.key_id()));
        MELDER_TRY(const auto bytes, to_array<64>(view(signature.signature())));
        if (!signers.insert(key_id).second) return Error(Errc::malformed, "two signatures by one key");
        out.signatures.push_back({key_id, bytes});
    }
    return out;
}

Result<SignedBytes> SignedBytes::parse(BytesView encoded) {
    wire::Signed message;
    if (!message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) return Errc::malformed;
    return from(message);
}

wire::Signed SignedBytes::to_wire() const {
    wire::Signed message;
    message.set_body(to_string(body));
    for (const auto& signature : signatures) {
        auto* added = message.add_signatures();
        added->set_key_id(signature.key_id.string());
        added->set_signature(to_string(signature.signature));
    }
    return message;
}

Bytes SignedBytes::encode() const {
    return to_bytes(view(to_wire().SerializeAsString()));
}

void sign(SignedBytes& document, Context context, const Ed25519Seed& seed) {
    document.signatures.push_back(
        {key_id_of(ed25519_public_of(seed)), sign_ed25519(seed, signing_input(context, document.body))});
}

Result<void> verify(const SignedBytes& document, Context context, const Ed25519Public& key) {
    const auto id = key_id_of(key);
    const auto found = std::ranges::find(document.signatures, id, &SignedBytes::Signature::key_id);
    if (found == document.signatures.end()) return Errc::unknown_signer;
    return verify_ed25519(key, signing_input(context, document.body), found->signature);
}

}  // namespace melder
