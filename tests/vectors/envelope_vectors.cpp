#include "core/credential.hpp"
#include "core/envelope.hpp"
#include "core/limits.hpp"
#include "proto/envelope.pb.h"
#include "sdk/crypto/content.hpp"
#include "sdk/crypto/sealed_envelope.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

using sdk::SealRecipient;

Bytes hkdf(BytesView ikm, BytesView salt, std::initializer_list<BytesView> info, std::size_t size_bytes) {
    Bytes out(size_bytes);
    hkdf_sha256(ikm, salt, info, out);
    return out;
}

Bytes joined(std::initializer_list<BytesView> parts) {
    Bytes out;
    for (const auto& part : parts)
        out.insert(out.end(), part.begin(), part.end());
    return out;
}

/// lp(H) ‖ E ‖ com
Bytes aad_by_hand(const sdk::SealedParts& body) {
    return joined({Bytes{0, 0, 0, 11}, body.header, body.ephemeral.view(), body.commitment.view()});
}

X25519KeyPair given_key_pair(Pen& pen, const std::string& name) {
    auto private_key = X25519Private::from(pen.given_random(name + "_private_key", 32)).value();
    const auto public_key = x25519_public_of(private_key);
    pen.equals(name + "_public_key", public_key.view());
    return {public_key, std::move(private_key)};
}

Bytes padded_by_hand(BytesView plaintext, std::size_t bucket_bytes) {
    auto padded = to_bytes(plaintext);
    padded.push_back(0x80);
    padded.resize(bucket_bytes - aead_tag_bytes);
    return padded;
}

AeadKey body_key_by_hand(BytesView m, BytesView e) {
    return AeadKey::from(hkdf(m, e, {view("Melder/1 body")}, 32)).value();
}

/// What one recipient gets, by the formulas.
void write_header(Pen& pen, const std::string& name, const sdk::Sealed& sealed, const sdk::SealedHeader& header,
                  BytesView e_private, BytesView m, const X25519KeyPair& sender, const EnrolmentId& sender_id,
                  const X25519Public& recipient_key, const EnvelopeId& envelope_id) {
    const auto& e = sealed.body.ephemeral;
    const auto ephemeral_secret = x25519(X25519Private::from(e_private).value(), recipient_key).value();
    const auto static_secret = x25519(sender.private_key, recipient_key).value();
    pen.equals(name + "_dh_ephemeral", ephemeral_secret.expose());
    pen.equals(name + "_dh_static", static_secret.expose());
    auto wrapped =
        hkdf(ephemeral_secret.expose(), joined({e.view(), recipient_key.view()}), {view("Melder/1 wrap")}, 32);
    pen.equals(name + "_mask", wrapped);
    for (std::size_t i = 0; i < wrapped.size(); ++i)
        wrapped[i] ^= m[i];
    pen.equals(name + "_wrapped_key", wrapped);
    const auto tag = hkdf(joined({static_secret.expose(), ephemeral_secret.expose()}), sealed.transcript.view(),
                          {view("Melder/1 auth"), sender.public_key.view(), recipient_key.view(), sender_id.view(),
                           header.recipient.view(), envelope_id.view(), wrapped},
                          16);
    pen.equals(name + "_tag", tag);
    pen.require(equal(header.wrapped_key, wrapped) && equal(header.tag, tag), "the library makes the same header");
}

void write_sealed(Pen& pen, const Trusted& trusted) {
    pen.begin("sealed envelope, suite 1");
    const auto credential = Credential::verify(BytesView(trusted.credential), *trusted.list).value();
    const auto sender_private = X25519Private::from(trusted.sender_identity).value();
    const X25519KeyPair sender{x25519_public_of(sender_private), sender_private.clone()};
    const auto inner = pen.given_random("inner", 48);
    const auto plaintext = sdk::write_sealed_body({.sender = credential.device(),
                                                   .credential = trusted.credential,
                                                   .statement = trusted.statement,
                                                   .type = sdk::BodyType::signal,
                                                   .sent_at = {1'800'000'200'000},
                                                   .answers = {},
                                                   .inner = inner});
    pen.equals("sealed_body", plaintext.expose());

    X25519KeyPair keys[] = {given_key_pair(pen, "first"), given_key_pair(pen, "second")};
    const std::string names[] = {"first", "second"};
    std::vector<SealRecipient> recipients;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto device = EnrolmentId::from(pen.given_random(names[i] + "_device", 16)).value();
        const auto envelope_id = EnvelopeId::from(pen.given_random(names[i] + "_envelope_id", 16)).value();
        recipients.push_back({device, keys[i].public_key, envelope_id, nullptr});
    }
    const auto e_private = pen.given_random("ephemeral_private_key", 32);
    const auto m = pen.given_random("m", 32);
    FixedRandom random(joined({e_private, m}));
    const auto expires_at = static_cast<std::int64_t>(pen.given_number("expires_at_ms", 1'801'209'600'000));
    const auto sealed = sdk::seal({.lane = Lane::normal, .expires_at = {expires_at}}, plaintext.expose(),
                                  credential.device(), sender, recipients, random)
                            .value();

    pen.equals("header", sealed.body.header);
    const auto e = x25519_public_of(X25519Private::from(e_private).value());
    pen.equals("ephemeral", e.view());
    const auto k = body_key_by_hand(m, e.view());
    pen.equals("k", k.expose());
    const auto commitment = hkdf(m, e.view(), {view("Melder/1 commit")}, 32);
    pen.equals("commitment", commitment);
    const auto aad = aad_by_hand(sealed.body);
    pen.equals("aad", aad);
    const auto shared = SharedHeader::parse(sealed.body.header).value();
    const auto bucket_bytes = limits::buckets_bytes[shared.bucket];
    const auto b = aead_seal(k, ByteArray<12>{}, aad, padded_by_hand(plaintext.expose(), bucket_bytes));
    pen.equals("b", b);
    const auto length = static_cast<std::uint32_t>(b.size());
    const auto t = sha256({aad,
                           Bytes{static_cast<Byte>(length >> 24), static_cast<Byte>(length >> 16),
                                 static_cast<Byte>(length >> 8), static_cast<Byte>(length)},
                           b});
    pen.equals("t", t.view());
    pen.require(sealed.body.ephemeral == e && equal(sealed.body.commitment.view(), commitment) &&
                    equal(sealed.body.sealed, b) && sealed.transcript == t,
                "the library seals the same body");
    for (std::size_t i = 0; i < 2; ++i) {
        write_header(pen, names[i], sealed, sealed.headers[i], e_private, m, sender, credential.device(),
                     keys[i].public_key, recipients[i].envelope_id);
        auto opened =
            sdk::open(sealed.body, sealed.headers[i], {recipients[i].device, keys[i], recipients[i].envelope_id})
                .value();
        const auto read = std::move(opened).authenticate(credential).value();
        pen.require(equal(read.expose(), plaintext.expose()), "the recipient reads what was sealed");
    }

    wire::EnvelopeBody body;
    body.set_header(to_string(sealed.body.header));
    body.set_ephemeral(e.string());
    body.set_commitment(to_string(commitment));
    body.set_sealed(to_string(b));
    wire::DeviceHeader header;
    header.set_recipient(recipients[0].device.string());
    header.set_wrapped_key(to_string(sealed.headers[0].wrapped_key));
    header.set_tag(to_string(sealed.headers[0].tag));
    pen.equals("first_envelope_sha256", envelope_hash(body, header).view());
}

void write_padding(Pen& pen) {
    pen.begin("padding");
    const auto recipient = given_key_pair(pen, "recipient");
    const auto sender = given_key_pair(pen, "sender");
    const auto e_private = pen.given_random("ephemeral_private_key", 32);
    const auto m = pen.given_random("m", 32);
    const auto e = x25519_public_of(X25519Private::from(e_private).value());
    const EnrolmentId device;  // all zero: padding does not depend on it
    const SealRecipient to{device, recipient.public_key, EnvelopeId{}, nullptr};
    // Each bucket at its last byte, and one byte more.
    for (const std::uint64_t size : {0, 1, 1007, 1008, 2031, 2032, 4079, 4080, 16367, 16368, 63471}) {
        const auto plaintext_bytes = pen.given_number("plaintext_bytes", size);
        pen.require(plaintext_bytes < 65536, "the plaintext fits");
        const Bytes plaintext(plaintext_bytes, 0x61);
        FixedRandom random(joined({e_private, m}));
        const auto sealed = sdk::seal({}, plaintext, device, sender, std::span(&to, 1), random).value();
        pen.equals_number("bucket", SharedHeader::parse(sealed.body.header).value().bucket);
        pen.equals_number("sealed_bytes", sealed.body.sealed.size());
        const auto padded =
            aead_open(body_key_by_hand(m, e.view()), ByteArray<12>{}, aad_by_hand(sealed.body), sealed.body.sealed)
                .value();
        pen.require(equal(padded.expose(), padded_by_hand(plaintext, sealed.body.sealed.size())),
                    "the padding is 0x80, then zero bytes");
        pen.equals("padded_sha256", sha256(padded.expose()).view());
    }
    FixedRandom random(joined({e_private, m}));
    pen.require(sdk::seal({}, Bytes(63472), device, sender, std::span(&to, 1), random).error() == Errc::too_large,
                "nothing is longer than the largest bucket");
    pen.equals("b_of_the_last_sha256",
               [&] {
                   FixedRandom again(joined({e_private, m}));
                   return sha256(
                       sdk::seal({}, Bytes(63471, 0x61), device, sender, std::span(&to, 1), again).value().body.sealed);
               }()
                   .view());
}

}  // namespace

void write_envelope(Pen& pen, const Trusted& trusted) {
    write_sealed(pen, trusted);
    write_padding(pen);
}

}  // namespace melder::vectors
