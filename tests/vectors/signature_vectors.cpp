#include "core/crypto.hpp"
#include "core/signed.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

constexpr Context signed_by_ed25519[] = {Context::root_set,  Context::trust_list,   Context::grant,
                                         Context::binding,   Context::binding_date, Context::order,
                                         Context::statement, Context::admin_login,  Context::enrol};

Bytes input_by_hand(std::string_view context, BytesView body) {
    auto out = to_bytes(view(context));
    out.push_back(0);
    out.insert(out.end(), body.begin(), body.end());
    return out;
}

}  // namespace

void write_signatures(Pen& pen) {
    pen.begin("Ed25519 signatures");
    const auto seed = Ed25519Seed::from(pen.given_random("seed", 32)).value();
    const auto key = ed25519_public_of(seed);
    pen.equals("public_key", key.view());
    pen.equals("key_id", key_id_of(key).view());
    const auto body = pen.given_random("body", 24);
    for (const auto context : signed_by_ed25519) {
        const auto text = pen.given_text("context", text_of(context));
        const auto input = input_by_hand(text, body);
        pen.require(equal(input, signing_input(context, body)), "the library signs context, zero, body");
        const auto signature = sign_ed25519(seed, input);
        pen.equals("signature", signature);
        pen.require(verify_ed25519(key, input, signature).has_value(), "the signature verifies");
    }

    pen.begin("XEdDSA signature");
    const auto identity = X25519Private::from(pen.given_random("private_key", 32)).value();
    const auto identity_key = x25519_public_of(identity);
    pen.equals("public_key", to_djb_key(identity_key));
    const auto signed_body = pen.given_random("body", 24);
    const auto context = pen.given_text("context", text_of(Context::binding));
    FixedRandom nonce(pen.given_random("random", 64));
    const auto input = input_by_hand(context, signed_body);
    const auto signature = sign_xeddsa(identity, input, nonce);
    pen.equals("signature", signature);
    pen.require(verify_xeddsa(identity_key, input, signature).has_value(), "the signature verifies");

    pen.begin("ECDSA P-256 signature");  // another one each time
    const auto login = P256Private::from(pen.given_random("private_key", 32)).value();
    const auto login_key = p256_public_of(login).value();
    pen.equals("public_key", login_key.view());
    const auto login_context = pen.given_text("context", text_of(Context::login));
    const auto login_input = input_by_hand(login_context, pen.given_random("body", 24));
    pen.judged(
        "signature", [&] { return to_bytes(sign_p256(login, login_input).value()); },
        [&](BytesView found) { return verify_p256(login_key, login_input, found).has_value(); });
}

}  // namespace melder::vectors
