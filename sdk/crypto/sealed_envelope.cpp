#include "sdk/crypto/sealed_envelope.hpp"

#include <protozero/pbf_reader.hpp>

#include "core/crypto.hpp"
#include "core/limits.hpp"

namespace melder::sdk {
namespace {

constexpr Byte padding_mark = 0x80;
constexpr ByteArray<aead_nonce_bytes> zero_nonce{};  // K is new for every plaintext

constexpr std::uint32_t sender_id_field = 1;   // SealedBody.sender_id
constexpr std::uint32_t credential_field = 2;  // SealedBody.credential

AeadKey body_cipher_key(const BodyKey& m, const X25519Public& e) {
    AeadKey key;
    hkdf_sha256(m.expose(), e.view(), {view("Melder/1 body")}, key.expose_writable());
    return key;
}

Hash commitment_of(const BodyKey& m, const X25519Public& e) {
    ByteArray<32> out;
    hkdf_sha256(m.expose(), e.view(), {view("Melder/1 commit")}, out);
    return Hash(out);
}

Bytes aad_of(const SealedParts& body) {
    auto aad = length_prefixed({body.header});
    aad.insert(aad.end(), body.ephemeral.view().begin(), body.ephemeral.view().end());
    aad.insert(aad.end(), body.commitment.view().begin(), body.commitment.view().end());
    return aad;
}

Hash transcript_of(const SealedParts& body, BytesView aad) {
    return sha256({aad, length_prefixed({body.sealed})});
}

// M ⊕ mask and C ⊕ mask are the same operation.
void apply_wrap(const SharedSecret& dh, const X25519Public& e, const X25519Public& r, std::span<const Byte, 32> in,
                std::span<Byte, 32> out) {
    ByteArray<64> salt;
    std::ranges::copy(e.view(), salt.begin());
    std::ranges::copy(r.view(), salt.begin() + 32);
    Secret<32> mask;
    hkdf_sha256(dh.expose(), salt, {view("Melder/1 wrap")}, mask.expose_writable());
    for (std::size_t i = 0; i < 32; ++i)
        out[i] = in[i] ^ mask.expose()[i];
}

struct TagInput {
    const SharedSecret& static_secret;
    const SharedSecret& ephemeral_secret;
    const Hash& transcript;
    const X25519Public& sender_key;
    const X25519Public& recipient_key;
    const EnrolmentId& sender;
    const EnrolmentId& recipient;
    const EnvelopeId& envelope_id;
    BytesView wrapped_key;
};

ByteArray<16> tag_of(const TagInput& in) {
    Secret<64> ikm;
    std::ranges::copy(in.static_secret.expose(), ikm.expose_writable().begin());
    std::ranges::copy(in.ephemeral_secret.expose(), ikm.expose_writable().begin() + 32);
    ByteArray<16> tag;
    hkdf_sha256(ikm.expose(), in.transcript.view(),
                {view("Melder/1 auth"), in.sender_key.view(), in.recipient_key.view(), in.sender.view(),
                 in.recipient.view(), in.envelope_id.view(), in.wrapped_key},
                tag);
    return tag;
}

Result<std::uint8_t> bucket_for(std::size_t plaintext_bytes) {
    const auto needed = plaintext_bytes + 1 + aead_tag_bytes;
    for (std::uint8_t i = 0; i < std::size(limits::buckets_bytes); ++i) {
        if (needed <= limits::buckets_bytes[i]) return i;
    }
    return Errc::too_large;
}

Result<void> strip_padding(SecretBuffer& padded) {
    const auto bytes = padded.expose();
    auto end = bytes.size();
    while (end > 0 && bytes[end - 1] == 0)
        --end;
    if (end == 0 || bytes[end - 1] != padding_mark) return Errc::sealed_invalid;
    padded.truncate(end - 1);
    return ok();
}

// Only the two fields that say who the sender claims to be; each must come exactly once.
Result<std::pair<BytesView, BytesView>> find_sender(BytesView body) {
    std::optional<BytesView> sender, credential;
    try {
        protozero::pbf_reader reader(reinterpret_cast<const char*>(body.data()), body.size());
        while (reader.next()) {
            const auto field = reader.tag();
            if (field != sender_id_field && field != credential_field) {
                reader.skip();
                continue;
            }
            auto& slot = field == sender_id_field ? sender : credential;
            if (slot || reader.wire_type() != protozero::pbf_wire_type::length_delimited) return Errc::sealed_invalid;
            const auto value = reader.get_view();
            slot = BytesView(reinterpret_cast<const Byte*>(value.data()), value.size());
        }
    } catch (const protozero::exception&) {
        return Errc::sealed_invalid;
    }
    if (!sender || sender->size() != EnrolmentId::size_bytes || !credential) return Errc::sealed_invalid;
    if (credential->size() > limits::credential_bytes) return Errc::sealed_invalid;
    return std::pair(*sender, *credential);
}

}  // namespace

Result<Sealed> seal(SharedHeader header, BytesView body, const EnrolmentId& sender,
                    const X25519KeyPair& sender_identity, std::span<const SealRecipient> recipients, Random& random) {
    if (recipients.empty()) return Errc::bad_argument;
    if (recipients.size() > limits::headers_per_upload) return Errc::too_large;
    MELDER_TRY(header.bucket, bucket_for(body.size()));

    const auto ephemeral = generate_x25519(random);
    Sealed out;
    out.body_key = random.secret<BodyKey>();
    out.body.header = header.encode();
    out.body.ephemeral = ephemeral.public_key;
    out.body.commitment = commitment_of(out.body_key, ephemeral.public_key);

    SecretBuffer padded(limits::buckets_bytes[header.bucket] - aead_tag_bytes);
    std::ranges::copy(body, padded.expose_writable().begin());
    padded.expose_writable()[body.size()] = padding_mark;
    const auto aad = aad_of(out.body);
    out.body.sealed = aead_seal(body_cipher_key(out.body_key, ephemeral.public_key), zero_nonce, aad, padded.expose());
    out.transcript = transcript_of(out.body, aad);

    out.headers.reserve(recipients.size());
    for (const auto& recipient : recipients) {
        MELDER_TRY(const auto ephemeral_secret, x25519(ephemeral.private_key, recipient.identity_key));
        SharedSecret computed;
        if (recipient.static_secret == nullptr) {
            MELDER_TRY(computed, x25519(sender_identity.private_key, recipient.identity_key));
        }
        auto& made = out.headers.emplace_back();
        made.recipient = recipient.device;
        apply_wrap(ephemeral_secret, ephemeral.public_key, recipient.identity_key, out.body_key.expose(),
                   made.wrapped_key);
        made.tag = tag_of({recipient.static_secret != nullptr ? *recipient.static_secret : computed, ephemeral_secret,
                           out.transcript, sender_identity.public_key, recipient.identity_key, sender, recipient.device,
                           recipient.envelope_id, made.wrapped_key});
    }
    return out;
}

Result<OpenedBody> open(const SealedParts& body, const SealedHeader& header, const OpenRecipient& self) {
    MELDER_TRY(const auto shared, SharedHeader::parse(body.header));
    if (shared.bucket >= std::size(limits::buckets_bytes)) return Errc::sealed_invalid;
    if (body.sealed.size() != limits::buckets_bytes[shared.bucket]) return Errc::sealed_invalid;
    if (header.recipient != self.device) return Errc::sealed_invalid;

    auto ephemeral_secret = x25519(self.identity.private_key, body.ephemeral);
    if (ephemeral_secret.has_error()) return Errc::sealed_invalid;
    BodyKey m;
    apply_wrap(*ephemeral_secret, body.ephemeral, self.identity.public_key, header.wrapped_key, m.expose_writable());
    if (!equal_constant_time(commitment_of(m, body.ephemeral).view(), body.commitment.view())) {
        return Errc::sealed_invalid;
    }

    const auto aad = aad_of(body);
    OpenedBody opened;
    MELDER_TRY(opened.plaintext_, aead_open(body_cipher_key(m, body.ephemeral), zero_nonce, aad, body.sealed));
    MELDER_CHECK(strip_padding(opened.plaintext_));
    MELDER_TRY(const auto claimed, find_sender(opened.plaintext_.expose()));
    opened.sender_id_ = claimed.first;
    opened.credential_ = claimed.second;
    opened.transcript_ = transcript_of(body, aad);
    std::ranges::copy(header.wrapped_key, opened.wrapped_and_tag_.begin());
    std::ranges::copy(header.tag, opened.wrapped_and_tag_.begin() + 32);
    opened.recipient_ = self.device;
    opened.envelope_id_ = self.envelope_id;
    opened.recipient_key_ = self.identity.public_key;
    opened.own_ = self.identity.private_key.clone();
    opened.ephemeral_secret_ = std::move(*ephemeral_secret);
    return opened;
}

BytesView OpenedBody::encoded_credential() const noexcept {
    return credential_;
}

Result<SecretBuffer> OpenedBody::authenticate(const Credential& verified) && {
    auto body = std::move(plaintext_);  // gone with this call, whatever it answers
    if (!equal(verified.encoded(), credential_)) return Errc::credential_invalid;
    const auto sender = verified.device();
    if (!equal(sender.view(), sender_id_)) return Errc::credential_invalid;
    const auto& sender_key = verified.binding().identity_key;
    MELDER_TRY(const auto static_secret, x25519(own_, sender_key));
    const auto wrapped_key = BytesView(wrapped_and_tag_).first(32);
    const auto expected = tag_of({static_secret, ephemeral_secret_, transcript_, sender_key, recipient_key_, sender,
                                  recipient_, envelope_id_, wrapped_key});
    if (!equal_constant_time(expected, BytesView(wrapped_and_tag_).subspan(32))) return Errc::sender_unauthenticated;
    return body;
}

}  // namespace melder::sdk
