// A server that holds the real keys and lies: the account refuses or notices, and nothing leaves it.

#include <fstream>
#include <iterator>

#include "core/enrolment_code.hpp"
#include "proto/trust.pb.h"
#include "tests/end_to_end/account_fixture.hpp"
#include "tests/end_to_end/turned_server.hpp"

namespace melder::testing {
namespace {

using Kind = TrustNotice::Kind;
using wire::Frame;

class AccountAtTurnedServer : public AccountsAtServer {
protected:
    /// Everything the liar needs is taken from the honest server first; then it takes its place. Anna has never
    /// written to Bert.
    void SetUp() override {
        AccountsAtServer::SetUp();
        mallory = world.phone(mallory_id);
        const auto link = world.login(mallory).value();
        devices_of_bert = request(*link, look_up(bert_id));
        devices_of_anna = request(*link, look_up(anna_id));
        devices_of_mallory = request(*link, look_up(mallory_id));
        Frame take;
        take.mutable_take_bundles()->add_devices(bert->state().self->device.string());
        bundle_of_bert = request(*link, take);
        Frame ask;
        ask.mutable_fetch_statement()->set_client_nonce(std::string(16, 'n'));
        const auto stated = request(*link, ask);
        const auto document = SignedBytes::from(stated.statement().statement()).value();
        last = Statement::parse(document.body).value();
        Frame fetch;
        fetch.mutable_fetch_log()->set_limit(100);
        const auto page = request(*link, fetch);
        for (const auto& entry : page.log_page().entries())
            log.push_back(to_bytes(view(entry)));
    }
    void TearDown() override {
        anna.reset();
        bert.reset();
        turned.reset();
    }
    /// The liar is there, and anna is connected to it.
    void turn() {
        world.stop();
        ASSERT_TRUE(eventually([&] { return anna->state().connection != ConnectionState::online; }));
        auto list = SignedBytes::parse(read_file(world.config().trust_list_file)).value();
        const auto trust = TrustList::verify(list, world.roots).value();
        const std::vector known{Credential::verify(devices_of_anna.devices().credentials(0), trust).value(),
                                Credential::verify(devices_of_bert.devices().credentials(0), trust).value()};
        turned = std::make_unique<TurnedServer>(world, time, last, known);
        turned->set_log(log);
        turned->answer(Frame::kLookUp, devices_of_bert);
        turned->answer(Frame::kTakeBundles, bundle_of_bert);
    }
    void meet() {
        turn();
        anna->connect();
        ASSERT_TRUE(eventually([&] { return anna->state().connection == ConnectionState::online; }));
    }
    /// What a foreign key is refused with, and that nothing went out on the strength of it.
    void expect_refusal(Errc why) {
        const auto sent = write(*anna, bert_id, "geheim");
        ASSERT_TRUE(sent.has_error()) << "the foreign key was believed";
        EXPECT_EQ(sent.error(), why);
        EXPECT_EQ(anna->state().waiting_to_send, 0U);
        EXPECT_EQ(turned->count(Frame::kSubmit), 0);
    }
    /// A second version of the trust list with one more statement key, as the answer to FetchTrustList.
    SignedBytes next_list(const Ed25519Seed& statement_key) const {
        const auto list = SignedBytes::parse(read_file(world.config().trust_list_file)).value();
        auto fields = TrustList::verify(list, world.roots).value().fields();
        fields.version = 2;
        fields.statement_keys.push_back(ed25519_public_of(statement_key));
        SignedBytes next{TrustList::encode(fields).value(), {}};
        sign(next, Context::trust_list, world.root);
        return next;
    }
    static Frame reply_with(const SignedBytes& list) {
        Frame frame;
        *frame.mutable_trust_list()->mutable_trust_list() = list.to_wire();
        return frame;
    }
    static Frame look_up(const OfficerId& officer) {
        Frame frame;
        frame.mutable_look_up()->set_officer_id(officer.string());
        return frame;
    }
    static Frame request(Link& link, Frame frame) {
        auto reply = link.request(std::move(frame));
        EXPECT_TRUE(reply.has_value());
        auto out = reply.has_value() ? *reply : Frame();
        out.set_request(0);
        return out;
    }
    static Bytes read_file(const std::string& file);

    const OfficerId mallory_id = system_random().id<OfficerId>();
    World::Phone mallory;
    Frame devices_of_anna, devices_of_bert, devices_of_mallory, bundle_of_bert;
    Statement last;
    std::vector<Bytes> log;
    std::unique_ptr<TurnedServer> turned;
};

Bytes AccountAtTurnedServer::read_file(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), {});
}

TEST_F(AccountAtTurnedServer, a_login_carries_a_statement_but_a_credential_only_where_it_may_have_been_lost) {
    meet();
    EXPECT_FALSE(turned->last_login().has_credential()) << "it names its officer";
    const auto carried = SignedBytes::from(turned->last_login().statement());
    ASSERT_TRUE(carried.has_value());
    EXPECT_EQ(Statement::parse(carried->body)->store_epoch, last.store_epoch);
    turned->say([](Statement& statement) { statement.store_epoch = system_random().id<StoreEpoch>(); });
    reconnect(*anna);
    EXPECT_EQ(turned->last_login().credential().SerializeAsString(),
              devices_of_anna.devices().credentials(0).SerializeAsString());
}

TEST_F(AccountAtTurnedServer, what_the_liar_says_truly_is_believed) {
    meet();
    EXPECT_TRUE(write(*anna, bert_id, "geheim").has_value());
    EXPECT_TRUE(eventually([&] { return turned->count(Frame::kSubmit) > 0; }));
}

TEST_F(AccountAtTurnedServer, another_officers_certified_device_is_not_taken_for_the_recipients) {
    meet();
    auto answer = devices_of_mallory;
    answer.mutable_devices()->set_officer_id(bert_id.string());
    turned->answer(Frame::kLookUp, answer);
    expect_refusal(Errc::credential_invalid);
}

TEST_F(AccountAtTurnedServer, a_binding_with_other_keys_under_the_recipients_grant_is_refused) {
    meet();
    auto answer = devices_of_bert;
    auto& credential = *answer.mutable_devices()->mutable_credentials(0);
    const auto identity = generate_x25519(system_random());
    const auto forged = sign_binding({bert->state().self->device, identity.public_key, mallory.login.public_key, 77},
                                     mallory.enrolment, identity.private_key, system_random());
    credential.mutable_binding()->set_body(to_string(forged.body));
    credential.mutable_binding()->set_enrolment_signature(to_string(forged.enrolment_signature));
    credential.mutable_binding()->set_identity_signature(to_string(forged.identity_signature));
    turned->answer(Frame::kLookUp, answer);
    expect_refusal(Errc::bad_signature);
}

TEST_F(AccountAtTurnedServer, a_signed_prekey_of_another_identity_is_refused) {
    meet();
    auto answer = bundle_of_bert;
    auto& prekey = *answer.mutable_bundles()->mutable_results(0)->mutable_bundle()->mutable_signed_prekey();
    const auto keys = generate_x25519(system_random());
    const auto public_key = to_djb_key(keys.public_key);
    prekey.set_public_key(to_string(public_key));
    prekey.set_signature(to_string(sign_xeddsa(mallory.identity.private_key, public_key, system_random())));
    turned->answer(Frame::kTakeBundles, answer);
    expect_refusal(Errc::bad_signature);
}

TEST_F(AccountAtTurnedServer, a_device_that_finds_other_keys_bound_to_its_id_stops_and_reports) {
    turn();
    // Somebody has the code, and the statement key dates whatever he binds.
    const auto seed = EnrolmentCode::parse(last_code).value().enrolment_seed().value();
    const auto identity = generate_x25519(system_random());
    const auto other = sign_binding({bert->state().self->device, identity.public_key, mallory.login.public_key, 77},
                                    seed, identity.private_key, system_random());
    auto answer = devices_of_bert;
    auto& credential = *answer.mutable_devices()->mutable_credentials(0);
    credential.mutable_binding()->set_body(to_string(other.body));
    credential.mutable_binding()->set_enrolment_signature(to_string(other.enrolment_signature));
    credential.mutable_binding()->set_identity_signature(to_string(other.identity_signature));
    const auto grant = SignedBytes::from(credential.grant()).value();
    *credential.mutable_date() = turned->date(grant.body_hash(), sha256(other.body)).to_wire();
    turned->answer(Frame::kLookUp, answer);
    bert->connect();
    ASSERT_TRUE(eventually([&] { return bert->state().connection == ConnectionState::online; }));
    EXPECT_EQ(wait(bert->look_up(bert_id), 10s).error(), Errc::already_bound);
    EXPECT_TRUE(await_notice(*bert, Kind::own_binding_differs));
    EXPECT_EQ(write(*bert, anna_id, "geheim").error(), Errc::already_bound);
    bert.reset();
    bert = open("bert");
    EXPECT_EQ(write(*bert, anna_id, "geheim").error(), Errc::already_bound);
}

TEST_F(AccountAtTurnedServer, a_statement_over_another_nonce_confirms_nothing) {
    turn();
    turned->say([](Statement& statement) { statement.client_nonce = ByteArray<16>{7}; });
    anna->connect();
    ASSERT_TRUE(eventually([&] { return anna->state().connection == ConnectionState::online; }));
    time.advance(25h);
    EXPECT_EQ(write(*anna, bert_id, "geheim").error(), Errc::head_stale);
    turned->say({});
    EXPECT_TRUE(write(*anna, bert_id, "geheim").has_value());
}

TEST_F(AccountAtTurnedServer, an_envelope_that_a_step_after_a_reboot_expires_is_not_acknowledged_on_one_word) {
    const auto upload =
        make_submit(system_random().id<EnvelopeId>(), Lane::normal, {anna->state().self->device}, time.wall() + 1h);
    Frame deliver;
    auto& delivery = *deliver.mutable_deliver()->add_envelopes();
    delivery.set_lane(wire::LANE_NORMAL);
    delivery.set_envelope_id(upload.envelope_id());
    *delivery.mutable_body() = upload.body();
    *delivery.mutable_header() = upload.headers(0);
    anna.reset();
    boot_name = "second";
    anna = open("anna");
    turn();
    turned->say([](Statement& statement) { statement.time = statement.time + Millis(30h); });
    turned->greet_with(deliver);
    anna->connect();
    EXPECT_TRUE(eventually([&] { return turned->count(Frame::kReceived) == 1; }));
    EXPECT_EQ(turned->count(Frame::kAck), 0);
    EXPECT_EQ(turned->count(Frame::kRefuse), 0);
    // The second opinion comes with one of the next connections; from then on it is given up.
    EXPECT_TRUE(eventually([&] {
        time.advance(11min);
        reconnect(*anna);
        EXPECT_FALSE(has_text(*anna));
        return turned->count(Frame::kAck) > 0;
    }));
}

TEST_F(AccountAtTurnedServer, another_head_for_the_same_log_is_a_fork_that_stops_sending_for_good) {
    turn();
    turned->state(last.log_size, sha256(view("another history")));
    anna->connect();
    EXPECT_TRUE(await_notice(*anna, Kind::log_forked));
    EXPECT_EQ(write(*anna, bert_id, "geheim", sdk::Urgency::urgent).error(), Errc::log_fork);
    anna.reset();
    anna = open("anna");
    EXPECT_EQ(write(*anna, bert_id, "geheim").error(), Errc::log_fork);
    EXPECT_EQ(turned->count(Frame::kSubmit), 0);
}

TEST_F(AccountAtTurnedServer, a_log_that_does_not_verify_is_no_fork_and_nothing_is_sealed_by_it) {
    turn();
    auto garbled = log;
    garbled.push_back(to_bytes(view("nonsense")));
    turned->set_log(garbled);
    turned->state(last.log_size + 1, sha256(view("nonsense")));
    anna->connect();
    EXPECT_FALSE(has_notice(*anna, Kind::log_forked));
    EXPECT_EQ(write(*anna, bert_id, "geheim").error(), Errc::log_invalid);
    EXPECT_EQ(turned->count(Frame::kSubmit), 0);
}

TEST_F(AccountAtTurnedServer, an_entry_about_a_newer_trust_list_is_read_with_that_list_and_is_no_fork) {
    const auto list = next_list(system_random().secret<Ed25519Seed>());
    wire::LogEntry entry;
    entry.set_index(last.log_size);
    entry.mutable_trust_list()->set_version(2);
    entry.mutable_trust_list()->set_sha256(list.body_hash().string());
    auto longer = log;
    longer.push_back(to_bytes(view(entry.SerializeAsString())));
    turn();
    turned->set_log(longer);
    turned->state(last.log_size + 1, next_head(last.log_head, longer.back()));  // and no word of version 2
    anna->connect();
    ASSERT_TRUE(eventually([&] { return anna->state().connection == ConnectionState::online; }));
    EXPECT_FALSE(has_notice(*anna, Kind::log_forked));
    EXPECT_EQ(write(*anna, bert_id, "geheim").error(), Errc::trust_list_too_old) << "the list is withheld";
    turned->answer(Frame::kFetchTrustList, reply_with(list));
    EXPECT_TRUE(write(*anna, bert_id, "geheim").has_value());
    EXPECT_EQ(anna->state().log_size, last.log_size + 1);
    EXPECT_EQ(anna->state().trust_list_version, 2U);
}

TEST_F(AccountAtTurnedServer, a_statement_by_a_key_that_only_a_newer_list_names_is_believed_with_that_list) {
    meet();
    const auto key = system_random().secret<Ed25519Seed>();
    ASSERT_TRUE(write(*anna, bert_id, "eins").has_value());
    turned->sign_with(key);
    time.advance(25h);
    EXPECT_EQ(write(*anna, bert_id, "zwei").error(), Errc::head_stale);
    turned->answer(Frame::kFetchTrustList, reply_with(next_list(key)));
    EXPECT_TRUE(write(*anna, bert_id, "drei").has_value());
}

TEST_F(AccountAtTurnedServer, a_log_that_is_stated_and_withheld_stops_normal_messages) {
    turn();
    turned->state(last.log_size + 1, sha256(view("withheld")));
    anna->connect();
    ASSERT_TRUE(eventually([&] { return anna->state().connection == ConnectionState::online; }));
    EXPECT_EQ(write(*anna, bert_id, "geheim").error(), Errc::head_stale);
    EXPECT_EQ(turned->count(Frame::kSubmit), 0);
}

/// A search is answered with certificates: whoever the liar names must be who he says.
class SearchAtTurnedServer : public AccountAtTurnedServer {
protected:
    Result<sdk::OfficersPage> search_answered_with(std::initializer_list<wire::Credential> credentials,
                                                   const std::string& next = "") {
        Frame frame;
        for (const auto& credential : credentials)
            *frame.mutable_officers_found()->add_credentials() = credential;
        frame.mutable_officers_found()->set_next(next);
        turned->answer(Frame::kSearchOfficers, frame);
        return wait(anna->search({.text = "bert", .after = {}}), patience_ms);
    }
    [[nodiscard]] wire::Credential of_bert() const { return devices_of_bert.devices().credentials(0); }
    [[nodiscard]] wire::Credential of_mallory() const { return devices_of_mallory.devices().credentials(0); }
};

TEST_F(SearchAtTurnedServer, certified_officers_are_believed) {
    meet();
    const auto page = search_answered_with({of_bert(), of_mallory()}, bert_id.string());
    ASSERT_TRUE(page.has_value()) << page.error();
    ASSERT_EQ(page->officers.size(), 2U);
    EXPECT_EQ(page->officers[0].officer, bert_id);
    EXPECT_EQ(page->next, bert_id);
}

TEST_F(SearchAtTurnedServer, an_altered_certificate_spoils_the_page) {
    meet();
    auto renamed = of_mallory();
    auto grant = Grant::parse(view(renamed.grant().body())).value();
    grant.display_name = "Bert";
    renamed.mutable_grant()->set_body(to_string(grant.encode().value()));
    EXPECT_EQ(search_answered_with({of_bert(), renamed}).error(), Errc::bad_signature);
}

TEST_F(SearchAtTurnedServer, an_answer_of_another_shape_is_refused) {
    meet();
    EXPECT_EQ(search_answered_with({of_bert(), of_bert()}).error(), Errc::malformed) << "twice the same officer";
    EXPECT_EQ(search_answered_with({of_bert()}, "short").error(), Errc::malformed);
    Frame two;
    *two.mutable_officers_found()->add_credentials() = of_bert();
    *two.mutable_officers_found()->add_credentials() = of_mallory();
    turned->answer(Frame::kSearchOfficers, two);
    EXPECT_EQ(wait(anna->search({.text = "bert", .after = {}, .limit = 1}), patience_ms).error(), Errc::malformed)
        << "more than were asked for";
    turned->answer(Frame::kSearchOfficers, devices_of_bert);
    EXPECT_EQ(wait(anna->search({.text = "bert", .after = {}}), patience_ms).error(), Errc::malformed);
}

TEST_F(AccountAtTurnedServer, a_device_that_the_server_leaves_out_or_swaps_never_makes_a_number_that_agrees) {
    exchange(*anna, bert_id, *bert);  // Bert's device was verified once
    const auto honest = wait(bert->safety_number(anna_id), patience_ms);
    ASSERT_TRUE(honest.has_value()) << honest.error();
    meet();
    const auto asked = [&] { return wait(anna->safety_number(bert_id), patience_ms); };
    turned->answer(Frame::kLookUp, devices_of_bert);
    EXPECT_EQ(asked().error(), Errc::credential_invalid) << "Bert's devices as Anna's own";

    Frame nothing;
    nothing.mutable_devices()->set_officer_id(anna_id.string());
    turned->answer(Frame::kLookUp, nothing);
    EXPECT_EQ(asked().error(), Errc::credential_invalid) << "Anna's as Bert's";
    Frame not_found;
    not_found.mutable_error()->set_code(static_cast<std::uint32_t>(Errc::not_found));
    turned->answer(Frame::kLookUp, not_found);
    const auto alone = asked();
    ASSERT_TRUE(alone.has_value()) << "what was verified before counts: " << alone.error();
    EXPECT_EQ(alone->digits, honest->digits) << "leaving out what is known hides nothing";
}

}  // namespace
}  // namespace melder::testing
