#include "sdk/crypto/sealed_envelope.hpp"

#include <gtest/gtest.h>

#include "tests/core/police_force.hpp"

namespace melder::sdk {
namespace {

struct Pair {
    testing::PoliceForce force;
    testing::PoliceForce::Phone sender = force.phone();
    testing::PoliceForce::Phone receiver = force.phone();
    EnvelopeId id = force.random.id<EnvelopeId>();
    Credential credential = Credential::verify(view(sender.credential().SerializeAsString()), force.trust).value();

    [[nodiscard]] Bytes body() const {
        const auto encoded = sender.credential().SerializeAsString();
        Bytes out{0x0a, 16};  // SealedBody.sender_id
        const auto append = [&out](BytesView more) { out.insert(out.end(), more.begin(), more.end()); };
        append(sender.grant.enrolment_id.view());
        append(Bytes{0x12, static_cast<Byte>((encoded.size() & 0x7f) | 0x80), static_cast<Byte>(encoded.size() >> 7)});
        append(view(encoded));
        append(Bytes{0x7a, 1, 42});  // SealedBody.inner
        return out;
    }
    [[nodiscard]] Sealed sealed() {
        const SealRecipient to{receiver.grant.enrolment_id, receiver.identity.public_key, id, nullptr};
        return seal({}, body(), sender.grant.enrolment_id, sender.identity, std::span(&to, 1), force.random).value();
    }
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

}  // namespace
}  // namespace melder::sdk
