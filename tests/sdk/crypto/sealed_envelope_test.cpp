#include "sdk/crypto/sealed_envelope.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "tests/core/police_force.hpp"
#include "tests/sdk/vault/memory_search.hpp"

namespace melder::sdk {
namespace {

struct Pair {
    melder::testing::PoliceForce force;
    melder::testing::PoliceForce::Phone sender = force.phone();
    melder::testing::PoliceForce::Phone receiver = force.phone();
    EnvelopeId id = force.random.id<EnvelopeId>();
    Credential credential = Credential::verify(view(sender.credential().SerializeAsString()), force.trust).value();

    static void put(Bytes& out, std::uint32_t field, BytesView value) {
        const auto varint = [&out](std::size_t number) {
            for (; number >= 0x80; number >>= 7)
                out.push_back(static_cast<Byte>(number | 0x80));
            out.push_back(static_cast<Byte>(number));
        };
        varint((field << 3) | 2);
        varint(value.size());
        out.insert(out.end(), value.begin(), value.end());
    }
    /// A SealedBody: sender_id, credential, inner.
    [[nodiscard]] Bytes body(BytesView inner = Bytes{42}) const {
        Bytes out;
        put(out, 1, sender.grant.enrolment_id.view());
        put(out, 2, view(sender.credential().SerializeAsString()));
        put(out, 15, inner);
        return out;
    }
    [[nodiscard]] SealRecipient to(const melder::testing::PoliceForce::Phone& phone) const {
        return {phone.grant.enrolment_id, phone.identity.public_key, id, nullptr};
    }
    [[nodiscard]] Result<Sealed> sealed_with(BytesView encoded) {
        const auto one = to(receiver);
        return seal({}, encoded, sender.grant.enrolment_id, sender.identity, std::span(&one, 1), force.random);
    }
    [[nodiscard]] Result<SecretBuffer> received(const Sealed& s) const {
        MELDER_TRY(auto body, opened(s));
        return std::move(body).authenticate(credential);
    }
    [[nodiscard]] Sealed sealed() { return sealed_with(body()).value(); }
    [[nodiscard]] Result<OpenedBody> opened(const Sealed& s) const {
        return open(s.body, s.headers.front(), {receiver.grant.enrolment_id, receiver.identity, id});
    }
};

TEST(SealedEnvelope, what_was_sealed_opens_for_its_recipient) {
    Pair pair;
    const auto sealed = pair.sealed();
    auto opened = pair.opened(sealed);
    ASSERT_TRUE(opened.has_value());
    const auto body = std::move(*opened).authenticate(pair.credential);
    ASSERT_TRUE(body.has_value());
    EXPECT_TRUE(equal(body->expose(), pair.body()));
}

TEST(SealedEnvelope, a_changed_header_commitment_or_body_does_not_open) {
    Pair pair;
    auto header = pair.sealed();
    header.body.header[5] ^= 1;
    EXPECT_TRUE(pair.opened(header).has_error());
    auto commitment = pair.sealed();
    commitment.body.commitment = Hash{};
    EXPECT_TRUE(pair.opened(commitment).has_error());
    auto body = pair.sealed();
    body.body.sealed[0] ^= 1;
    EXPECT_TRUE(pair.opened(body).has_error());
}

TEST(SealedEnvelope, a_wrong_tag_or_envelope_id_is_not_the_sender) {
    Pair pair;
    auto sealed = pair.sealed();
    sealed.headers.front().tag[0] ^= 1;
    auto opened = pair.opened(sealed);
    ASSERT_TRUE(opened.has_value());
    EXPECT_EQ(std::move(*opened).authenticate(pair.credential).error(), Errc::sender_unauthenticated);
    const auto right = pair.sealed();
    pair.id = pair.force.random.id<EnvelopeId>();
    auto transplanted = pair.opened(right);
    ASSERT_TRUE(transplanted.has_value());
    EXPECT_EQ(std::move(*transplanted).authenticate(pair.credential).error(), Errc::sender_unauthenticated);
}

TEST(SealedEnvelope, another_credential_than_the_one_inside_is_refused) {
    Pair pair;
    const auto sealed = pair.sealed();
    auto opened = pair.opened(sealed);
    ASSERT_TRUE(opened.has_value());
    const auto other =
        Credential::verify(view(pair.receiver.credential().SerializeAsString()), pair.force.trust).value();
    EXPECT_EQ(std::move(*opened).authenticate(other).error(), Errc::credential_invalid);
}

TEST(SealedEnvelope, any_bit_changed_anywhere_is_refused) {
    Pair pair;
    const auto good = pair.sealed();
    const auto expect_refused = [&](Byte& byte, std::string_view part) {
        for (int bit = 0; bit < 8; ++bit) {
            byte = static_cast<Byte>(byte ^ (1 << bit));
            EXPECT_TRUE(pair.received(good).has_error()) << part << ", bit " << bit;
            byte = static_cast<Byte>(byte ^ (1 << bit));
        }
    };
    const auto expect_all_refused = [&](BytesView bytes, std::string_view part) {
        for (const auto& byte : bytes)
            expect_refused(const_cast<Byte&>(byte), part);
    };
    expect_all_refused(good.body.header, "header");
    expect_all_refused(good.body.ephemeral.view(), "ephemeral key");
    expect_all_refused(good.body.commitment.view(), "commitment");
    expect_all_refused(good.headers.front().wrapped_key, "wrapped key");
    expect_all_refused(good.headers.front().tag, "tag");
    expect_all_refused(BytesView(good.body.sealed).first(64), "body");
    expect_all_refused(BytesView(good.body.sealed).last(32), "end of the body");
    EXPECT_TRUE(pair.received(good).has_value()) << "only what was changed";
}

TEST(SealedEnvelope, a_body_falls_into_the_smallest_bucket_that_holds_it_its_mark_and_its_tag) {
    Pair pair;
    const auto around = pair.body(Bytes(300)).size() - 300;  // two bytes of length from 128 to 16,383
    for (std::size_t bucket = 0; bucket < std::size(limits::buckets_bytes); ++bucket) {
        const auto fits = limits::buckets_bytes[bucket] - aead_tag_bytes - 1;
        const auto body_of = [&](std::size_t size) {
            auto inner = size - around;
            if (inner > 16'383) --inner;
            auto out = pair.body(Bytes(inner, Byte{0x80}));
            EXPECT_EQ(out.size(), size);
            return out;
        };
        const auto largest = body_of(fits);
        const auto sealed = pair.sealed_with(largest).value();
        EXPECT_EQ(sealed.body.sealed.size(), limits::buckets_bytes[bucket]);
        EXPECT_EQ(SharedHeader::parse(sealed.body.header).value().bucket, bucket);
        EXPECT_TRUE(equal(pair.received(sealed).value().expose(), largest));
        const auto next = pair.sealed_with(body_of(fits + 1));
        if (bucket + 1 == std::size(limits::buckets_bytes)) {
            EXPECT_EQ(next.error(), Errc::too_large);
        } else {
            EXPECT_EQ(next->body.sealed.size(), limits::buckets_bytes[bucket + 1]);
        }
    }
}

/// B with another plaintext, sealed as the formula says by somebody who knows M.
void seal_body_again(Sealed& sealed, const std::function<void(std::span<Byte>)>& change) {
    AeadKey key;
    hkdf_sha256(sealed.body_key.expose(), sealed.body.ephemeral.view(), {view("Melder/1 body")}, key.expose_writable());
    auto aad = length_prefixed({sealed.body.header});
    aad.insert(aad.end(), sealed.body.ephemeral.view().begin(), sealed.body.ephemeral.view().end());
    aad.insert(aad.end(), sealed.body.commitment.view().begin(), sealed.body.commitment.view().end());
    constexpr ByteArray<aead_nonce_bytes> zero{};
    auto plaintext = aead_open(key, zero, aad, sealed.body.sealed).value();
    change(plaintext.expose_writable());
    sealed.body.sealed = aead_seal(key, zero, aad, plaintext.expose());
}

TEST(SealedEnvelope, a_rightly_sealed_body_without_its_padding_mark_is_refused) {
    Pair pair;
    const auto mark = pair.body().size();
    auto same = pair.sealed();
    seal_body_again(same, [&](auto plaintext) { ASSERT_EQ(plaintext[mark], 0x80); });
    EXPECT_TRUE(pair.opened(same).has_value());
    auto other = pair.sealed();
    seal_body_again(other, [&](auto plaintext) { plaintext[mark] = 0x81; });
    EXPECT_EQ(pair.opened(other).error(), Errc::sealed_invalid);
    auto late = pair.sealed();
    seal_body_again(late, [](auto plaintext) { plaintext.back() = 1; });
    EXPECT_EQ(pair.opened(late).error(), Errc::sealed_invalid);
    auto nothing = pair.sealed();
    seal_body_again(nothing, [](auto plaintext) { std::ranges::fill(plaintext, Byte{0}); });
    EXPECT_EQ(pair.opened(nothing).error(), Errc::sealed_invalid);
}

TEST(SealedEnvelope, a_body_that_ends_like_padding_keeps_its_end) {
    Pair pair;
    for (const auto& end : {Bytes{0}, Bytes{0x80}, Bytes{0x80, 0, 0}, Bytes{0, 0x80}}) {
        const auto body = pair.body(end);
        EXPECT_TRUE(equal(pair.received(pair.sealed_with(body).value()).value().expose(), body));
    }
}

TEST(SealedEnvelope, a_body_that_is_longer_or_shorter_than_its_bucket_is_refused) {
    Pair pair;
    auto longer = pair.sealed();
    longer.body.sealed.push_back(0);
    EXPECT_EQ(pair.opened(longer).error(), Errc::sealed_invalid);
    auto shorter = pair.sealed();
    shorter.body.sealed.pop_back();
    EXPECT_EQ(pair.opened(shorter).error(), Errc::sealed_invalid);
}

TEST(SealedEnvelope, the_fields_that_name_the_sender_come_exactly_once_and_unknown_ones_are_passed_over) {
    Pair pair;
    const auto opens = [&](const Bytes& body) { return pair.opened(pair.sealed_with(body).value()); };
    auto unknown = pair.body();
    Pair::put(unknown, 77, view("of a newer version"));
    EXPECT_TRUE(opens(unknown).has_value());
    for (const std::uint32_t twice : {1u, 2u}) {
        auto body = pair.body();
        Pair::put(body, twice, pair.sender.grant.enrolment_id.view());
        EXPECT_EQ(opens(body).error(), Errc::sealed_invalid) << twice;
    }
    Bytes no_credential;
    Pair::put(no_credential, 1, pair.sender.grant.enrolment_id.view());
    EXPECT_EQ(opens(no_credential).error(), Errc::sealed_invalid);
    Bytes no_sender;
    Pair::put(no_sender, 2, view(pair.sender.credential().SerializeAsString()));
    EXPECT_EQ(opens(no_sender).error(), Errc::sealed_invalid);
    Bytes short_sender;
    Pair::put(short_sender, 1, pair.sender.grant.enrolment_id.view().first(15));
    Pair::put(short_sender, 2, view(pair.sender.credential().SerializeAsString()));
    EXPECT_EQ(opens(short_sender).error(), Errc::sealed_invalid);
    Bytes number_for_sender{0x08, 1};
    Pair::put(number_for_sender, 2, view(pair.sender.credential().SerializeAsString()));
    EXPECT_EQ(opens(number_for_sender).error(), Errc::sealed_invalid);
    EXPECT_EQ(opens(Bytes{0x0a, 200}).error(), Errc::sealed_invalid) << "a length beyond the end";
}

struct Three : Pair {
    std::vector<melder::testing::PoliceForce::Phone> phones;
    std::vector<SealRecipient> recipients;
    Three() {
        for (int i = 0; i < 3; ++i) {
            phones.push_back(force.phone());
            recipients.push_back(to(phones.back()));
            recipients.back().envelope_id = force.random.id<EnvelopeId>();
        }
    }
    [[nodiscard]] Sealed sealed_for_all() {
        return seal({}, body(), sender.grant.enrolment_id, sender.identity, recipients, force.random).value();
    }
    [[nodiscard]] Result<SecretBuffer> receive(const SealedParts& parts, const SealedHeader& header, std::size_t who,
                                               std::optional<EnvelopeId> as = {}) const {
        MELDER_TRY(auto opened,
                   open(parts, header,
                        {recipients[who].device, phones[who].identity, as.value_or(recipients[who].envelope_id)}));
        return std::move(opened).authenticate(credential);
    }
};

TEST(SealedEnvelope, each_of_several_recipients_opens_the_one_body_with_its_own_header) {
    Three three;
    const auto sealed = three.sealed_for_all();
    ASSERT_EQ(sealed.headers.size(), 3u);
    for (std::size_t i = 0; i < 3; ++i) {
        const auto body = three.receive(sealed.body, sealed.headers[i], i);
        ASSERT_TRUE(body.has_value()) << i;
        EXPECT_TRUE(equal(body->expose(), three.body()));
    }
}

TEST(SealedEnvelope, a_header_cannot_be_given_to_another_recipient) {
    Three three;
    auto sealed = three.sealed_for_all();
    EXPECT_EQ(three.receive(sealed.body, sealed.headers[0], 1).error(), Errc::sealed_invalid);
    sealed.headers[0].recipient = three.recipients[1].device;
    EXPECT_EQ(three.receive(sealed.body, sealed.headers[0], 1).error(), Errc::sealed_invalid);
    // Not even to another device of the same key, nor under another recipient's envelope id.
    three.recipients[2].identity_key = three.recipients[1].identity_key;
    const auto same_key = three.sealed_for_all();
    auto moved = same_key.headers[2];
    moved.recipient = three.recipients[1].device;
    EXPECT_EQ(three.receive(same_key.body, moved, 1).error(), Errc::sender_unauthenticated);
    EXPECT_EQ(three.receive(same_key.body, same_key.headers[1], 1, three.recipients[0].envelope_id).error(),
              Errc::sender_unauthenticated);
}

TEST(SealedEnvelope, a_header_cannot_be_moved_to_another_body_nor_a_body_to_another_header) {
    Three three;
    const auto one = three.sealed_for_all();
    const auto two = three.sealed_for_all();
    EXPECT_EQ(three.receive(two.body, one.headers[0], 0).error(), Errc::sealed_invalid);
    auto mixed = one.body;
    mixed.sealed = two.body.sealed;
    EXPECT_EQ(three.receive(mixed, one.headers[0], 0).error(), Errc::sealed_invalid);
    auto other_header = one.body;
    other_header.header = SharedHeader{suite_1, Lane::urgent, UnixTime{1}, 0}.encode();
    EXPECT_EQ(three.receive(other_header, one.headers[0], 0).error(), Errc::sealed_invalid);
    auto other_tag = one.headers[0];
    other_tag.tag = two.headers[0].tag;
    EXPECT_EQ(three.receive(one.body, other_tag, 0).error(), Errc::sender_unauthenticated);
}

TEST(SealedEnvelope, a_recipient_cannot_pass_a_message_on_in_its_senders_name) {
    Three three;
    const auto& mallory = three.phones[0];
    const auto forged = seal({}, three.body(), three.sender.grant.enrolment_id, mallory.identity,
                             std::span(&three.recipients[1], 1), three.force.random)
                            .value();
    EXPECT_EQ(three.receive(forged.body, forged.headers[0], 1).error(), Errc::sender_unauthenticated);
}

TEST(SealedEnvelope, a_cached_static_secret_is_what_the_tag_is_made_with) {
    Pair pair;
    auto cached = x25519(pair.sender.identity.private_key, pair.receiver.identity.public_key).value();
    auto recipient = pair.to(pair.receiver);
    recipient.static_secret = &cached;
    const auto seal_it = [&] {
        return seal({}, pair.body(), pair.sender.grant.enrolment_id, pair.sender.identity, std::span(&recipient, 1),
                    pair.force.random)
            .value();
    };
    EXPECT_TRUE(pair.received(seal_it()).has_value());
    cached.expose_writable()[0] ^= 1;
    EXPECT_EQ(pair.received(seal_it()).error(), Errc::sender_unauthenticated);
}

TEST(SealedEnvelope, low_order_points_are_refused_on_both_sides) {
    ByteArray<32> points[5]{};  // 0, 1, p − 1, p, p + 1, little-endian
    points[1][0] = 1;
    for (int i = 2; i < 5; ++i) {
        points[i].fill(0xff);
        points[i][0] = static_cast<Byte>(0xec + (i - 2));
        points[i][31] = 0x7f;
    }
    for (const auto& point : points) {
        Pair pair;
        auto recipient = pair.to(pair.receiver);
        recipient.identity_key = X25519Public(point);
        EXPECT_EQ(seal({}, pair.body(), pair.sender.grant.enrolment_id, pair.sender.identity, std::span(&recipient, 1),
                       pair.force.random)
                      .error(),
                  Errc::bad_key);
        auto sealed = pair.sealed();
        sealed.body.ephemeral = X25519Public(point);
        EXPECT_EQ(pair.opened(sealed).error(), Errc::sealed_invalid);
    }
}

TEST(SealedEnvelope, nothing_is_sealed_for_nobody_or_for_too_many) {
    Pair pair;
    const auto seal_for = [&](std::size_t count) {
        const std::vector<SealRecipient> recipients(count, pair.to(pair.receiver));
        return seal({}, pair.body(), pair.sender.grant.enrolment_id, pair.sender.identity, recipients,
                    pair.force.random)
            .error();
    };
    EXPECT_EQ(seal_for(0), Errc::bad_argument);
    EXPECT_EQ(seal_for(limits::headers_per_upload + 1), Errc::too_large);
}

TEST(SealedEnvelope, plaintext_is_gone_from_memory_once_it_was_let_go_or_refused) {
    Pair pair;
    Sealed sealed;
    testing::Inverted pattern;
    {
        const auto text = system_random().secret<Secret<32>>();
        pattern = testing::inverted(text.expose());
        auto body = pair.body(text.expose());
        sealed = pair.sealed_with(body).value();
        EXPECT_GE(testing::occurrences(pattern), 2) << "the search finds nothing even while it is there";
        wipe(body);
    }
    EXPECT_EQ(testing::occurrences(pattern), 0) << "sealing leaves a copy";
    {
        const auto received = pair.received(sealed).value();
        EXPECT_GE(testing::occurrences(pattern), 1);
    }
    EXPECT_EQ(testing::occurrences(pattern), 0) << "opening leaves a copy";
    sealed.headers.front().tag[0] ^= 1;
    EXPECT_TRUE(pair.received(sealed).has_error());
    EXPECT_EQ(testing::occurrences(pattern), 0) << "refusing leaves a copy";
}

}  // namespace
}  // namespace melder::sdk
