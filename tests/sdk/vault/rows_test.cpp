#include <chrono>

#include "core/limits.hpp"
#include "sdk/vault/boot_rows.hpp"
#include "sdk/vault/identity_rows.hpp"
#include "sdk/vault/loss_rows.hpp"
#include "sdk/vault/outbox_rows.hpp"
#include "sdk/vault/prekey_rows.hpp"
#include "sdk/vault/receive_rows.hpp"
#include "sdk/vault/sequence_rows.hpp"
#include "sdk/vault/session_rows.hpp"
#include "tests/sdk/vault/vault_fixture.hpp"

namespace melder::sdk {
namespace {

using namespace std::chrono_literals;
using testing::VaultTest;

struct Rows : VaultTest {
    SeededRandom random{11};
    template <class Body>
    void commit(const Body& body, Millis later = Millis(0)) {
        auto transaction = begin(later);
        ASSERT_TRUE(body(transaction));
        ASSERT_TRUE(transaction.commit(Sync::durable));
    }
    SignedPrekeyPair signed_prekey() { return {generate_x25519(random), {}, 5}; }
    DeviceIdentity identity() {
        return {random.id<EnrolmentId>(), 77, generate_x25519(random), to_bytes(view("binding")), {}};
    }
};

TEST_F(Rows, the_identity_is_kept_before_the_device_is_enrolled_and_after) {
    EXPECT_EQ(load_identity(begin()).error(), Errc::not_enrolled);
    EXPECT_EQ(load_login_key(begin()).error(), Errc::not_enrolled);
    auto self = identity();
    const auto login = generate_p256();
    commit([&](auto& t) { return save_identity(t, self); });
    commit([&](auto& t) { return save_login_key(t, login); });
    reopen();
    EXPECT_TRUE(load_identity(begin()).value().credential.empty());
    EXPECT_FALSE(find_boot(begin(), BootValue::credential_hash).value());
    self.credential = to_bytes(view("credential"));
    commit([&](auto& t) { return save_identity(t, self); });
    const auto loaded = load_identity(begin()).value();
    EXPECT_EQ(loaded.enrolment_id, self.enrolment_id);
    EXPECT_EQ(loaded.registration_id, 77U);
    EXPECT_TRUE(loaded.identity.private_key.equals(self.identity.private_key));
    EXPECT_EQ(loaded.credential, self.credential);
    EXPECT_EQ(loaded.signed_binding, self.signed_binding);
    // A locked phone logs in: enrolment id, credential hash and login key are in the boot compartment.
    vault->close_main();
    EXPECT_TRUE(load_login_key(begin()).value().private_key.equals(login.private_key));
    EXPECT_TRUE(equal(find_boot(begin(), BootValue::enrolment_id).value()->expose(), self.enrolment_id.view()));
    EXPECT_TRUE(
        equal(find_boot(begin(), BootValue::credential_hash).value()->expose(), sha256(self.credential).view()));
}

TEST_F(Rows, prekey_ids_are_never_given_twice) {
    commit([&](auto& t) { return take_one_time_prekey_ids(t, 200); });
    reopen();
    auto transaction = begin();
    EXPECT_EQ(take_one_time_prekey_ids(transaction, 1).value(), 201U);
    EXPECT_EQ(take_one_time_prekey_ids(transaction, 1).value(), 202U);
    EXPECT_EQ(take_signed_prekey_id(transaction).value(), 1U);
    EXPECT_EQ(take_signed_prekey_id(transaction).value(), 2U);
    EXPECT_EQ(take_one_time_prekey_ids(transaction, 0xfffffe).error(), Errc::internal);
}

TEST_F(Rows, replaced_prekeys_are_kept_for_the_ttl_and_a_day) {
    const Millis ttl = limits::ttl_default;
    const Millis end = ttl + 24h;
    const auto one_time = generate_x25519(random);
    const auto first = signed_prekey();
    const auto base_key = random.id<X25519Public>();
    commit([&](auto& t) { return put_one_time_prekey(t, 1, one_time); });
    commit([&](auto& t) { return put_signed_prekey(t, 1, first, ttl); });
    commit([&](auto& t) { return remember_base_key(t, 1, base_key); });
    EXPECT_EQ(load_present_signed_prekey_id(begin()).value(), 1U);
    commit([&](auto& t) { return replace_one_time_prekeys(t, ttl); });
    commit([&](auto& t) { return put_signed_prekey(t, 2, signed_prekey(), ttl); });
    EXPECT_EQ(load_present_signed_prekey_id(begin()).value(), 2U);
    const auto late_base_key = random.id<X25519Public>();
    commit([&](auto& t) { return remember_base_key(t, 1, late_base_key); });
    EXPECT_TRUE(load_one_time_prekeys(begin()).value().at(0).replaced);

    const auto just_before = begin(end - 1ms);
    EXPECT_TRUE(find_one_time_prekey(just_before, 1).value()->private_key.equals(one_time.private_key));
    EXPECT_TRUE(find_signed_prekey(just_before, 1).value()->keys.private_key.equals(first.keys.private_key));
    EXPECT_TRUE(knows_base_key(just_before, 1, base_key).value());
    EXPECT_TRUE(knows_base_key(just_before, 1, late_base_key).value());
    EXPECT_FALSE(knows_base_key(just_before, 2, base_key).value());
    const auto after = begin(end);
    EXPECT_FALSE(find_one_time_prekey(after, 1).value());
    EXPECT_FALSE(find_signed_prekey(after, 1).value());
    EXPECT_FALSE(knows_base_key(after, 1, base_key).value());
    EXPECT_TRUE(find_signed_prekey(after, 2).value());
    auto transaction = begin(end);
    EXPECT_EQ(remember_base_key(transaction, 1, base_key).error(), Errc::unknown_prekey);
}

TEST_F(Rows, what_a_session_operation_wants_written_is_written_together_or_not_at_all) {
    const auto peer = random.id<EnrolmentId>();
    const auto key = random.id<X25519Public>();
    commit([&](auto& t) { return put_one_time_prekey(t, 9, generate_x25519(random)); });
    const auto writes = [&](std::uint32_t signed_prekey_id) {
        StagedWrites out;
        out.peer = peer;
        out.session_record = SecretBuffer(view("record"));
        out.trusted_identity = key;
        out.removed_one_time_prekey = 9;
        out.remembered_base_key = StagedWrites::BaseKey{signed_prekey_id, key};
        return out;
    };
    VaultSessionStore store;
    EXPECT_EQ(store.load_session(peer).error(), Errc::internal);
    auto transaction = begin();
    {
        const VaultSessionStore::Use use(store, transaction);
        EXPECT_EQ(stage(transaction, writes(404)).error(), Errc::unknown_prekey);
        EXPECT_TRUE(transaction.empty()) << "half of the writes were staged";
        ASSERT_TRUE(put_signed_prekey(transaction, 1, signed_prekey(), limits::ttl_default));
        ASSERT_TRUE(stage(transaction, writes(1)));
        // Reads see what is staged in the transaction that will be committed.
        EXPECT_EQ(to_string(store.load_session(peer).value()->expose()), "record");
        EXPECT_EQ(store.load_trusted_identity(peer).value(), key);
        EXPECT_FALSE(store.load_one_time_prekey(9).value());
        EXPECT_TRUE(store.load_signed_prekey(1).value());
        EXPECT_TRUE(store.knows_base_key(1, key).value());
    }
    EXPECT_FALSE(begin().find(Table::sessions, peer.view()).value());
    EXPECT_TRUE(find_one_time_prekey(begin(), 9).value());
    ASSERT_TRUE(transaction.commit(Sync::deferred));
    EXPECT_TRUE(begin().find(Table::sessions, peer.view()).value());
    EXPECT_FALSE(find_one_time_prekey(begin(), 9).value());
}

TEST_F(Rows, a_credential_is_found_by_hash_and_by_device_until_it_expires) {
    const auto device = random.id<EnrolmentId>();
    const auto encoded = to_bytes(view("credential"));
    commit([&](auto& t) { return put_credential(t, sha256(encoded), device, encoded, place.now + 1h); });
    EXPECT_EQ(find_credential(begin(), sha256(encoded)).value(), encoded);
    EXPECT_EQ(find_credential_of(begin(), device).value(), encoded);
    EXPECT_FALSE(find_credential_of(begin(1h), device).value());
}

struct Receiving : Rows {
    PendingRow row() {
        PendingRow out;
        out.envelope = random.id<EnvelopeId>();
        out.inner_hash = sha256(view("inner"));
        random.fill(out.message_key.key.expose_writable());
        random.fill(out.message_key.iv.expose_writable());
        out.expires = place.now + 24h;
        out.mark = mark_of(*vault, random.id<EnrolmentId>(), random.id<ContentId>()).value();
        return out;
    }
    bool noted(const EnvelopeId& id) { return begin().contains(Table::crash_notes, id.view()).value(); }
    void start_again() {
        reopen();
        commit([&](auto& t) { return count_notes_at_start(t); });
    }
};

TEST_F(Receiving, a_pending_row_opens_a_redelivery_until_it_is_acked_and_then_the_id_is_done) {
    const auto pending = row();
    commit([&](auto& t) { return put_pending(t, pending); });
    reopen();
    const auto found = find_pending(begin(), pending.envelope).value();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->inner_hash, pending.inner_hash);
    EXPECT_TRUE(found->message_key.key.equals(pending.message_key.key));
    EXPECT_TRUE(found->message_key.iv.equals(pending.message_key.iv));
    EXPECT_EQ(found->mark, pending.mark);
    EXPECT_EQ(find_content(begin(), pending.mark).value(), pending.envelope);
    EXPECT_FALSE(is_done(begin(), pending.envelope).value());

    commit([&](auto& t) { return mark_done(t, pending.envelope, pending.expires); });
    EXPECT_FALSE(find_pending(begin(), pending.envelope).value());
    EXPECT_TRUE(is_done(begin(48h - 1ms), pending.envelope).value());
    EXPECT_FALSE(is_done(begin(48h), pending.envelope).value());
    EXPECT_EQ(find_content(begin(48h - 1ms), pending.mark).value(), pending.envelope) << "same content, other envelope";
    EXPECT_FALSE(find_content(begin(48h), pending.mark).value());
}

TEST_F(Receiving, a_pending_row_ends_with_its_envelope) {
    const auto pending = row();
    commit([&](auto& t) { return put_pending(t, pending); });
    EXPECT_FALSE(find_pending(begin(24h), pending.envelope).value());
}

TEST_F(Receiving, a_note_found_at_two_starts_makes_the_envelope_refused) {
    const auto id = random.id<EnvelopeId>();
    commit([&](auto& t) { return note_opening(t, id); });
    start_again();
    commit([&](auto& t) { return note_opening(t, id); });  // found once: tried again
    start_again();
    auto transaction = begin();
    EXPECT_EQ(note_opening(transaction, id).error(), Errc::crashes);
}

TEST_F(Receiving, a_note_that_was_not_taken_again_is_not_counted_again) {
    const auto id = random.id<EnvelopeId>();
    commit([&](auto& t) { return note_opening(t, id); });
    start_again();
    start_again();
    auto transaction = begin();
    EXPECT_TRUE(note_opening(transaction, id));
}

TEST_F(Receiving, a_note_goes_with_the_receive_commit_the_ack_or_the_refusal) {
    const auto pending = row();
    commit([&](auto& t) { return note_opening(t, pending.envelope); });
    EXPECT_TRUE(noted(pending.envelope));
    commit([&](auto& t) { return put_pending(t, pending); });
    EXPECT_FALSE(noted(pending.envelope));
    commit([&](auto& t) { return note_opening(t, pending.envelope); });
    commit([&](auto& t) { return mark_done(t, pending.envelope, pending.expires); });
    EXPECT_FALSE(noted(pending.envelope));
    commit([&](auto& t) { return note_opening(t, pending.envelope); });
    commit([&](auto& t) { return remove_note(t, pending.envelope); });
    EXPECT_FALSE(noted(pending.envelope));
}

TEST_F(Receiving, a_stream_is_kept_per_sender_conversation_and_lane_with_what_is_missing) {
    StreamRow stream{random.id<EnrolmentId>(), random.id<OfficerId>(), Lane::normal, 9, {{2, 3}, {7, 7}}};
    commit([&](auto& t) { return put_stream(t, stream); });
    commit([&](auto& t) { return put_sent(t, {stream.conversation, Lane::normal, 4, {}}); });
    reopen();
    const auto all = load_streams(begin()).value();
    ASSERT_EQ(all.size(), 1U) << "this device's own sending is no peer's stream";
    EXPECT_EQ(all[0].sender, stream.sender);
    EXPECT_EQ(all[0].conversation, stream.conversation);
    EXPECT_EQ(all[0].highest, 9U);
    EXPECT_EQ(all[0].missing, stream.missing);
}

TEST_F(Receiving, what_was_sent_is_counted_per_conversation_and_lane) {
    const SentRow sent{random.id<OfficerId>(), Lane::urgent, 5, {{3, place.now + 1h}, {5, place.now + 2h}}};
    commit([&](auto& t) { return put_sent(t, sent); });
    reopen();
    const auto read = load_sent(begin(), sent.conversation, Lane::urgent).value();
    EXPECT_EQ(read.highest, 5U);
    EXPECT_EQ(read.runs, sent.runs);
    EXPECT_EQ(load_sent(begin(), sent.conversation, Lane::normal)->highest, 0U);
    EXPECT_EQ(load_sent(begin(), random.id<OfficerId>(), Lane::urgent)->highest, 0U);
}

TEST_F(Receiving, a_loss_is_kept_until_it_is_erased) {
    const LossRow loss{
        random.id<EnvelopeId>(), random.id<EnrolmentId>(), place.now + 1h, Errc::no_session, true, false};
    commit([&](auto& t) { return put_loss(t, loss); });
    place.now = place.now + 1000h;
    reopen();
    const auto all = load_losses(begin()).value();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].envelope, loss.envelope);
    EXPECT_EQ(all[0].peer, loss.peer);
    EXPECT_EQ(all[0].lost_at, loss.lost_at);
    EXPECT_EQ(all[0].reason, Errc::no_session);
    EXPECT_TRUE(all[0].asked);
    EXPECT_FALSE(all[0].lost);
    commit([&](auto& t) { return erase_loss(t, loss.envelope); });
    EXPECT_TRUE(load_losses(begin())->empty());
}

TEST_F(Receiving, a_limit_of_a_peer_ends_at_its_time) {
    const auto peer = random.id<EnrolmentId>();
    commit([&](auto& t) { return put_limit(t, PeerLimit::heartbeat, peer, place.now + 1h); });
    EXPECT_TRUE(is_limited(begin(), PeerLimit::heartbeat, peer).value());
    EXPECT_FALSE(is_limited(begin(), PeerLimit::session_repair, peer).value());
    place.now = place.now + 1h;
    EXPECT_FALSE(is_limited(begin(), PeerLimit::heartbeat, peer).value());
}

struct Outbox : Rows {
    OutboxState state(std::uint64_t order) {
        OutboxState out;
        out.envelope = random.id<EnvelopeId>();
        out.content = random.id<ContentId>();
        out.expires = place.now + 72h;
        out.order = order;
        out.recipients = {random.id<EnrolmentId>(), random.id<EnrolmentId>()};
        return out;
    }
};

TEST_F(Outbox, the_exact_bytes_and_the_order_survive_and_can_be_read_while_the_main_compartment_is_closed) {
    const auto second = state(2);
    auto first = state(1);
    commit([&](auto& t) { return put_outbox(t, second, view("bytes 2")); });
    commit([&](auto& t) { return put_outbox(t, first, view("bytes 1")); });
    first.answered = {first.recipients[0]};
    commit([&](auto& t) { return update_outbox(t, first); });
    reopen();
    vault->close_main();
    const auto rows = load_outbox(begin()).value();
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0].envelope, first.envelope);
    EXPECT_EQ(rows[0].answered, first.answered);
    EXPECT_EQ(rows[0].recipients, first.recipients);
    EXPECT_EQ(rows[1].envelope, second.envelope);
    EXPECT_EQ(find_outbox_bytes(begin(), first.envelope).value(), to_bytes(view("bytes 1")));
    EXPECT_EQ(load_boot_number(begin(), BootValue::send_counter).value(), 2U);
    commit([&](auto& t) { return erase_outbox_bytes(t, first.envelope); });
    EXPECT_FALSE(find_outbox_bytes(begin(), first.envelope).value());
    EXPECT_EQ(load_outbox(begin()).value().size(), 2U);
    commit([&](auto& t) { return erase_outbox(t, first.envelope); });
    EXPECT_EQ(load_outbox(begin()).value().size(), 1U);
}

TEST_F(Outbox, content_rests_until_erased_or_expired_or_a_day_old) {
    const auto content = random.id<ContentId>();
    const auto brief = random.id<ContentId>();
    commit([&](auto& t) { return put_outbox_content(t, content, view("hello"), place.now + 72h, random); });
    commit([&](auto& t) { return put_outbox_content(t, brief, view("short"), place.now + 1h, random); });
    EXPECT_EQ(to_string(find_outbox_content(begin(24h - 1ms), content).value()->expose()), "hello");
    EXPECT_FALSE(find_outbox_content(begin(24h), content).value());
    EXPECT_FALSE(find_outbox_content(begin(1h), brief).value());
    commit([&](auto& t) { return erase_outbox_content(t, content); });
    EXPECT_FALSE(find_outbox_content(begin(), content).value());
    EXPECT_FALSE(begin().contains(Table::outbox_content_keys, content.view()).value());
    EXPECT_FALSE(begin().contains(Table::outbox_content, content.view()).value());
}

TEST_F(Outbox, without_its_own_key_the_content_is_closed_even_to_the_vault) {
    const auto content = random.id<ContentId>();
    commit([&](auto& t) { return put_outbox_content(t, content, view("hello"), place.now + 72h, random); });
    const auto cell = begin().find(Table::outbox_content, content.view()).value();
    EXPECT_EQ(to_string(cell->expose()).find("hello"), std::string::npos);
    commit([&](auto& t) { return t.erase(Table::outbox_content_keys, content.view()); });
    EXPECT_FALSE(find_outbox_content(begin(), content).value());
}

TEST_F(Outbox, nothing_readable_is_in_any_file_while_open_and_after) {
    const auto self = identity();
    const auto login = generate_p256();
    const auto row = state(1);
    const auto envelope = random.id<EnvelopeId>();
    const auto peer = random.id<EnrolmentId>();
    const auto prekey = generate_x25519(random);
    commit([&](auto& t) { return save_identity(t, self); });
    commit([&](auto& t) { return save_login_key(t, login); });
    commit([&](auto& t) { return put_outbox(t, row, view("the sealed bytes of the outbox")); });
    commit([&](auto& t) { return put_outbox_content(t, row.content, view("Zugriff um 05:30"), row.expires, random); });
    commit([&](auto& t) { return put_one_time_prekey(t, 1, prekey); });
    commit([&](auto& t) { return note_opening(t, envelope); });
    commit([&](auto& t) { return mark_done(t, envelope, row.expires); });
    commit([&](auto& t) {
        return put_credential(t, sha256(view("c")), peer, view("Polizeihauptmeister Groß"), row.expires);
    });
    const Hash hash = sha256(view("c"));
    std::vector<std::string> needles{"Zugriff um 05:30", "Polizeihauptmeister", "the sealed bytes of the outbox"};
    for (const BytesView id : {row.envelope.view(), row.content.view(), row.recipients[0].view(), envelope.view(),
                               peer.view(), self.enrolment_id.view(), hash.view()}) {
        needles.push_back(to_string(id));
        needles.push_back(to_hex(id));
    }
    for (const BytesView key : {BytesView(self.identity.private_key.expose()), self.identity.public_key.view(),
                                BytesView(login.private_key.expose()), BytesView(prekey.private_key.expose())}) {
        needles.push_back(to_string(key));
    }
    for (const auto compartment : {Compartment::boot, Compartment::main}) {
        needles.push_back(to_string(place.keys.load(compartment).value().expose()));
    }
    const auto expect_nothing = [&] {
        const auto written = place.everything_written();
        ASSERT_GT(written.size(), 8192U);
        for (const auto& needle : needles)
            EXPECT_EQ(written.find(needle), std::string::npos) << to_hex(view(needle));
    };
    ASSERT_TRUE(std::filesystem::file_size(place.file.string() + "-wal") > 0);
    expect_nothing();
    vault.reset();
    expect_nothing();
}

}  // namespace
}  // namespace melder::sdk
