// A colleague with a certified device and software of his own: what he writes is right down to the last signature but
// in one place. It is refused and shown to nobody, or told as what it is.

#include "proto/trust.pb.h"
#include "sdk/account/received_envelope.hpp"
#include "tests/end_to_end/account_fixture.hpp"
#include "tests/sdk/crypto/memory_session_store.hpp"

namespace melder::testing {
namespace {

using sdk::BodyType;
using sdk::MessageLost;

class AccountAndColleague : public AccountsAtServer {
protected:
    void SetUp() override {
        AccountsAtServer::SetUp();
        device = device_of(*bert);
        mallory = world.phone(mallory_id);
        store.identity = sdk::testing::MemorySessionStore::copy(mallory.identity);
        link = world.login(mallory).value();
        own_credential = credential_of(mallory_id);
        credential = Credential::verify(BytesView(credential_of(bert_id)), trust_list()).value();
        bert_peer = {device, credential->binding().identity_key, credential->binding().registration_id};
        wire::Frame take;
        take.mutable_take_bundles()->add_devices(device.string());
        const auto reply = link->request(std::move(take)).value();
        const auto& bundle = reply.bundles().results(0).bundle();
        sdk::ReceivedBundle received{bundle.signed_prekey().id(), to_bytes(view(bundle.signed_prekey().public_key())),
                                     to_bytes(view(bundle.signed_prekey().signature())), bundle.one_time().id(),
                                     to_bytes(view(bundle.one_time().public_key()))};
        store.commit(sessions.process_bundle(bert_peer, received).value());
    }
    TrustList trust_list() const {
        wire::Frame frame;
        frame.mutable_fetch_trust_list();
        const auto reply = link->request(std::move(frame)).value();
        return TrustList::verify(SignedBytes::from(reply.trust_list().trust_list()).value(), world.roots).value();
    }
    Bytes credential_of(const OfficerId& officer) const {
        wire::Frame frame;
        frame.mutable_look_up()->set_officer_id(officer.string());
        const auto reply = link->request(std::move(frame)).value();
        return to_bytes(view(reply.devices().credentials(0).SerializeAsString()));
    }

    sdk::ContentFields text(std::string_view words) const {
        sdk::ContentFields fields;
        fields.id = system_random().id<ContentId>();
        fields.sequence = ++sequence;
        fields.kind = sdk::TextContent{view(words)};
        return fields;
    }
    struct Envelope {
        EnvelopeId id;
        Lane lane = Lane::normal;
    };
    /// A control request, or an envelope whose inner message the caller chose.
    Envelope send_body(sdk::SealedBodyFields body, Lane lane = Lane::normal) {
        const Envelope envelope{system_random().id<EnvelopeId>(), lane};
        SharedHeader header;
        header.lane = lane;
        header.expires_at = time.wall() + 24h;
        const sdk::SealRecipient recipient{device, bert_peer.identity_key, envelope.id};
        const auto encoded = sdk::write_sealed_body(body);
        const auto sealed = sdk::seal(header, encoded.expose(), mallory.id(), mallory.identity,
                                      std::span(&recipient, 1), system_random())
                                .value();
        wire::Frame frame;
        *frame.mutable_submit() = sdk::to_submit(envelope.id, sealed);
        frame.mutable_submit()->set_partial(true);
        const auto reply = link->request(std::move(frame)).value();
        EXPECT_EQ(reply.submit_result().results(0).code(), 0U);
        return envelope;
    }
    sdk::SealedBodyFields body(BodyType type, BytesView inner) const {
        sdk::SealedBodyFields fields;
        fields.sender = mallory.id();
        fields.credential = own_credential;
        fields.type = type;
        fields.sent_at = time.wall();
        fields.inner = inner;
        return fields;
    }
    Envelope send(const sdk::ContentFields& content, const std::function<void(sdk::SealedBodyFields&)>& change = {},
                  Lane lane = Lane::normal) {
        auto inner = sessions.encrypt(bert_peer, sdk::write_content(content).value().expose()).value();
        store.commit(std::move(inner.writes));
        auto fields = body(static_cast<BodyType>(inner.type), inner.message);
        if (change) change(fields);
        return send_body(fields, lane);
    }
    static int losses_before_text(Account& account) {
        for (int lost = 0;;) {
            const auto event = wait(account.next_event(), patience_ms);
            if (event.has_error() || std::holds_alternative<TextReceived>(event->what)) return lost;
            if (std::holds_alternative<MessageLost>(event->what)) ++lost;
            EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
        }
    }
    /// Neither shown nor acknowledged, and the right one of the same sender is shown.
    void expect_refused(const std::function<void(sdk::SealedBodyFields&)>& change) {
        send(text("falsch"), change);
        EXPECT_FALSE(has_text(*bert));
        EXPECT_EQ(mailbox(device).waiting, 1U);
        send(text("echt"));
        const auto shown = read(*bert);
        ASSERT_TRUE(shown) << "the right one is not shown either: the test shows nothing";
        EXPECT_EQ(shown->text.view(), "echt");
        EXPECT_EQ(shown->from.device, mallory.id());
    }

    const OfficerId mallory_id = system_random().id<OfficerId>();
    World::Phone mallory;
    sdk::testing::MemorySessionStore store{system_random()};
    sdk::SessionLayer sessions{store, system_random()};
    std::unique_ptr<Link> link;
    Bytes own_credential;
    std::optional<Credential> credential;  ///< bert's
    sdk::CertifiedPeer bert_peer;
    EnrolmentId device;
    mutable std::uint64_t sequence = 0;
};

TEST_F(AccountAndColleague, the_credential_of_somebody_else_is_refused) {
    const auto others = credential_of(anna_id);
    expect_refused([&](auto& fields) {
        fields.sender = device_of(*anna);
        fields.credential = others;
    });
}
TEST_F(AccountAndColleague, his_own_name_over_the_credential_of_somebody_else_is_refused) {
    const auto others = credential_of(anna_id);
    expect_refused([&](auto& fields) { fields.credential = others; });
}
TEST_F(AccountAndColleague, a_credential_he_signed_himself_is_refused) {
    wire::Credential forged;
    ASSERT_TRUE(forged.ParseFromArray(own_credential.data(), static_cast<int>(own_credential.size())));
    auto grant = mallory.grant;
    grant.display_name = "Der Präsident";
    SignedBytes document{grant.encode().value(), {}};
    sign(document, Context::grant, mallory.enrolment);
    *forged.mutable_grant() = document.to_wire();
    const auto encoded = to_bytes(view(forged.SerializeAsString()));
    expect_refused([&](auto& fields) { fields.credential = encoded; });
}
TEST_F(AccountAndColleague, a_name_changed_under_the_administrators_signature_is_refused) {
    auto altered = own_credential;
    const std::string_view name = "Groß";
    const auto at = std::ranges::search(altered, name, {}, {}, [](char c) { return static_cast<Byte>(c); });
    ASSERT_FALSE(at.empty());
    at[0] = 'K';
    expect_refused([&](auto& fields) { fields.credential = altered; });
}
TEST_F(AccountAndColleague, a_time_before_the_longest_life_of_a_message_is_refused) {
    expect_refused([&](auto& fields) { fields.sent_at = time.wall() - limits::ttl_longest - 61min; });
}
TEST_F(AccountAndColleague, a_time_to_come_is_refused) {
    expect_refused([&](auto& fields) { fields.sent_at = time.wall() + 6min; });
}
TEST_F(AccountAndColleague, a_clock_that_is_a_little_ahead_is_not_refused) {
    send(text("echt"), [&](auto& fields) { fields.sent_at = time.wall() + 4min; });
    EXPECT_TRUE(read(*bert));
}
TEST_F(AccountAndColleague, a_message_of_a_group_that_is_not_there_is_refused) {
    const auto inner = to_bytes(view("x"));
    send_body(body(BodyType::sender_key, inner));
    EXPECT_FALSE(has_text(*bert));
    EXPECT_EQ(mailbox(device).waiting, 1U);
}

TEST_F(AccountAndColleague, who_is_no_colleague_of_ones_own_cannot_name_the_conversation) {
    auto content = text("von Anna an Clara");
    content.conversation = system_random().id<OfficerId>();
    send(content);
    EXPECT_TRUE(await<MessageLost>(
        *bert, [&](const auto& loss) { return loss.from == mallory.id() && loss.reason == Errc::malformed; }));
    EXPECT_FALSE(has_text(*bert));
}

TEST_F(AccountAndColleague, the_same_content_in_two_envelopes_is_shown_once) {
    const auto content = text("einmal");
    send(content);
    ASSERT_TRUE(read(*bert));
    send(content);
    EXPECT_FALSE(has_text(*bert));
    EXPECT_TRUE(eventually([&] { return mailbox(device).waiting == 0; }));
}

TEST_F(AccountAndColleague, he_is_not_sent_again_what_was_for_others) {
    const auto carla_id = system_random().id<OfficerId>();
    auto carla = enrol("carla", carla_id, "0817");
    carla.reset();
    const auto sent = write(*bert, carla_id, "nur für Carla");
    ASSERT_TRUE(sent.has_value());
    ASSERT_TRUE(await_state(*bert, *sent, SendState::stored));
    // Every id he could name is as good as a wrong one: he was the recipient of none.
    const auto asked = system_random().id<EnvelopeId>();
    const auto request = sdk::ControlRequest{{asked}, std::nullopt}.encode();
    send_body(body(BodyType::resend_request, request), Lane::keys);
    const auto frame = link->await(wire::Frame::kDeliver);
    ASSERT_TRUE(frame);
    const auto& delivery = frame->deliver().envelopes(0);
    EXPECT_EQ(delivery.lane(), wire::Lane::LANE_KEYS);
    const sdk::EnvelopeKey key{Lane::keys, EnvelopeId::from(delivery.envelope_id()).value()};
    const auto envelope = sdk::ReceivedEnvelope::from(key, delivery).value();
    auto opened = sdk::open(envelope.body, envelope.own, {mallory.id(), mallory.identity, key.id}).value();
    const auto answer = sdk::SealedBodyView::parse(std::move(opened).authenticate(*credential).value()).value();
    EXPECT_EQ(answer.type(), BodyType::lost);
    EXPECT_EQ(sdk::ControlRequest::parse(answer.inner()).value().envelopes, std::vector{asked});
    EXPECT_TRUE(eventually([&] { return mailbox(device).waiting == 0; }));
}

TEST_F(AccountAndColleague, a_lost_that_nobody_asked_about_is_no_event) {
    const auto request = sdk::ControlRequest{{system_random().id<EnvelopeId>()}, std::nullopt}.encode();
    send_body(body(BodyType::lost, request), Lane::keys);
    EXPECT_TRUE(eventually([&] { return mailbox(device).waiting == 0; }));
    send(text("danach"));
    EXPECT_EQ(losses_before_text(*bert), 0);
}

TEST_F(AccountAndColleague, a_request_that_is_malformed_is_refused) {
    const auto inner = to_bytes(view("\x0a\x01x"));
    send_body(body(BodyType::resend_request, inner), Lane::keys);
    EXPECT_FALSE(has_text(*bert));
    EXPECT_EQ(mailbox(device).waiting, 1U);
}

TEST_F(AccountAndColleague, what_comes_out_of_order_is_shown_in_order_when_the_mailbox_is_empty) {
    send(text("eins"));
    ASSERT_TRUE(read(*bert));
    bert.reset();
    auto second = text("zwei"), third = text("drei");
    send(third);
    send(second);
    bert = open("bert");
    connect(*bert);
    const auto first_shown = read(*bert);
    const auto second_shown = read(*bert);
    ASSERT_TRUE(first_shown && second_shown);
    EXPECT_EQ(first_shown->text.view(), "zwei");
    EXPECT_EQ(second_shown->text.view(), "drei");
}

TEST_F(AccountAndColleague, an_app_that_reads_late_loses_nothing_and_sees_each_sender_in_order) {
    // Two senders, since the server lets one write sixty a minute to one device.
    constexpr int each = static_cast<int>(limits::unread_events) * 3 / 4;
    for (int i = 0; i < each; ++i) {
        send(text("Lage " + std::to_string(i)));
        ASSERT_TRUE(write(*anna, bert_id, "Lage " + std::to_string(i)).has_value());
    }
    std::map<EnrolmentId, int> next;
    for (int i = 0; i < 2 * each; ++i) {
        const auto shown = read(*bert);
        ASSERT_TRUE(shown) << i;
        EXPECT_EQ(shown->text.view(), "Lage " + std::to_string(next[shown->from.device]++));
    }
    EXPECT_TRUE(eventually([&] { return mailbox(device).waiting == 0; }));
}

}  // namespace
}  // namespace melder::testing
