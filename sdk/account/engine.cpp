#include "sdk/account/engine.hpp"

#include <system_error>

#include "core/enrolment_code.hpp"
#include "proto/trust.pb.h"
#include "sdk/account/prekey_stock.hpp"
#include "sdk/vault/boot_rows.hpp"
#include "sdk/vault/receive_rows.hpp"

namespace melder::sdk {

PeerDevice describe(const Credential& credential) {
    const auto& grant = credential.grant();
    return {credential.device(),  credential.officer(), grant.display_name,
            grant.service_number, grant.unit.ids(),     grant.has(Role::leader)};
}

Engine::Engine(EnginePlaces places, AccountOptions options, RootSet roots)
    : clock_(places.clock, boot_id_of(options.boot_name ? options.boot_name() : read_boot_name())),
      places_{places.lane, clock_, places.random},
      options_(std::move(options)),
      roots_(std::move(roots)),
      platform_keys_(key_file(options_)),
      sessions_(session_store_, places.random),
      outbox_(places.random) {}

Engine::~Engine() = default;

Result<void> Engine::open_vault(bool create) {
    MELDER_TRY(vault_, Vault::open({.path = vault_file(options_),
                                    .keys = platform_keys_,
                                    .random = places_.random,
                                    .create = create,
                                    .share = {}}));
    return ok();
}

Result<void> Engine::load() {
    if (std::error_code error; std::filesystem::exists(vault_file(options_), error)) {
        MELDER_CHECK(open_vault(false));
        MELDER_CHECK(load_clock(vault_->begin(UnixTime{}), clock_));
        const auto now = clock_.wall();
        const auto transaction = vault_->begin(now);
        MELDER_TRY(device_, load_own_device(transaction));
        MELDER_TRY(auto trust, load_trust(transaction, roots_));
        MELDER_TRY(epoch_, load_store_epoch(transaction));
        MELDER_TRY(const auto age, load_signed_prekey_age(transaction));
        prekeys_.restore(age);
        if (device_ && device_->enrolled()) {
            if (!trust) return Errc::vault_unreadable;
            MELDER_TRY(credential_, Credential::verify(BytesView(device_->identity.credential), trust->list()));
            believe(std::move(*trust));
            MELDER_TRY(const auto other, find_boot(transaction, BootValue::own_binding_conflict));
            other_binding_ = other.has_value();
        }
        auto counting = vault_->begin(now);
        MELDER_CHECK(count_notes_at_start(counting));
        MELDER_CHECK(counting.commit(Sync::deferred));
        MELDER_CHECK(load_outbox());
        if (credential_) {
            MELDER_CHECK(load_streams());
            MELDER_CHECK(load_losses());
            MELDER_CHECK(load_own_devices());
        }
        expire();
    }
    publish();
    return ok();
}

void Engine::open_link() {
    std::vector<client::ServerAddress> servers;
    for (const auto& server : options_.servers)
        servers.push_back({server.host, server.port});
    const auto weak = weak_from_this();
    LinkKeeper::Handlers handlers;
    handlers.load_facts = [weak]() -> Result<LoginFacts> {
        const auto engine = weak.lock();
        if (!engine || engine->closed_) return Errc::closed;
        return engine->login_facts();
    };
    handlers.on_up = [weak](const client::ServerHello& hello, const wire::Welcome& welcome) {
        if (const auto engine = weak.lock(); engine && !engine->closed_) engine->on_up(hello, welcome);
    };
    handlers.on_frame = [weak](wire::Frame& frame) {
        if (const auto engine = weak.lock(); engine && !engine->closed_) engine->on_frame(frame);
    };
    handlers.on_down = [weak](const Error& why, std::optional<Millis> retry_in) {
        if (const auto engine = weak.lock(); engine && !engine->closed_) engine->on_down(why, retry_in);
    };
    link_ = std::make_unique<LinkKeeper>(
        LinkKeeperOptions{std::move(servers), client::make_socket_stream, client::LinkTimes{},
                          [&lane = places_.lane](std::function<void()> work) { lane.post(std::move(work)); },
                          places_.random},
        std::move(handlers));
}

AccountState Engine::snapshot() const {
    const std::scoped_lock lock(snapshot_mutex_);
    return snapshot_;
}

void Engine::publish() {
    AccountState state;
    state.enrolled = credential_.has_value();
    if (credential_) state.self = describe(*credential_);
    state.trust_list_version = trust_ ? trust_list().version() : 0;
    state.log_size = trust_ ? book().size() : 0;
    state.connection = connection_;
    state.waiting_to_send = outbox_.unanswered();
    const std::scoped_lock lock(snapshot_mutex_);
    snapshot_ = std::move(state);
}

client::ServerTrust Engine::server_trust() const {
    if (!trust_) return {roots_, nullptr, 0};
    return {roots_, trust_->shared_list(), trust_->floor()};
}

Result<LoginFacts> Engine::login_facts() const {
    if (!credential_) return Errc::not_enrolled;
    client::DeviceLogin login;
    login.device = device_->id();
    login.store_epoch = epoch_;
    login.log_size = book().size();
    login.log_head = book().head();
    login.statement = statement_document_;
    login.credential = credential_->encoded();  // sent only to a server that may have lost it: LinkKeeper
    login.client_version = options_.client_version;
    return LoginFacts{server_trust(), std::move(login)};
}

void Engine::connect() {
    if (closed_) return;
    if (!credential_) return set_connection(ConnectionState::offline, Errc::not_enrolled, Millis(0));
    if (locked_) return set_connection(ConnectionState::offline, Errc::clock_skew, Millis(0));
    if (connection_ == ConnectionState::online || connection_ == ConnectionState::restricted) return on_alarm();
    expire();
    set_connection(ConnectionState::connecting, std::nullopt, Millis(0));
    link_->start(std::make_shared<client::MemoryLoginKey>(device_->login.private_key.clone()));
}

void Engine::disconnect() {
    if (link_) link_->pause();
    prekeys_.on_disconnected();
    outbox_.on_disconnected();
    sequence_.on_disconnected();
    heartbeats_due_.reset();
    throttled_.clear();
    events_.forget_owed();
    if (connection_ != ConnectionState::offline) set_connection(ConnectionState::offline, Errc::cancelled, Millis(0));
    abandon_refresh();
}

void Engine::on_up(const client::ServerHello& hello, const wire::Welcome& welcome) {
    const auto refuse = [&](const Error& why) {
        link_->pause();
        on_down(why, std::nullopt);
    };
    const auto adopted = hello.trust_is_new ? adopt_list(*hello.trust) : ok();
    auto epoch = StoreEpoch::from(welcome.store_epoch());
    if (adopted.has_error()) return refuse(adopted.error());
    if (epoch.has_error()) return refuse(epoch.error());
    if (*epoch != epoch_) {
        auto transaction = vault_->begin(places_.clock.wall());
        auto stored = put_boot(transaction, BootValue::store_epoch, epoch->view());
        if (!stored.has_error()) stored = transaction.commit(Sync::durable);
        if (!stored.has_error()) epoch_ = *epoch;
    }
    // Over no nonce: they raise floors and say how long the log is; the refresh below sets time and confirms.
    if (hello.statement_document) (void)take_statement(*hello.statement_document, std::nullopt);
    if (const auto document = SignedBytes::from(welcome.statement()); document.has_value() && !locked_) {
        (void)take_statement(*document, std::nullopt);
    }
    if (locked_) return;
    if (trust_list().expired(clock_.wall()) && !trust_list().in_grace(clock_.wall())) {
        return refuse(Errc::trust_list_expired);
    }
    watch_.on_connected();
    own_grant_version_ = welcome.own_grant_version();
    if (welcome.restricted()) {
        // Why is in the log: the app is told when it is known.
        connection_ = ConnectionState::restricted;
        publish();
        refresh([self = weak_from_this()] {
            if (const auto engine = self.lock()) engine->announce_restricted();
        });
    } else {
        set_connection(ConnectionState::online, std::nullopt, Millis(0));
        refresh([self = weak_from_this()] {
            const auto engine = self.lock();
            if (!engine || engine->connection_ != ConnectionState::online) return;
            engine->fetch_own_devices();
            engine->ask_for_what_is_missing();
        });
        heartbeats_due_ = clock_.boot() + Millis(limits::heartbeat_look);
        run_prekeys(prekeys_.on_connected(places_.clock.boot()));
        run_outbox(outbox_.on_connected(welcome.submit_credit(), welcome.submit_credit_bytes(), places_.clock.wall()));
    }
    set_alarm();
}

void Engine::on_down(const Error& why, std::optional<Millis> retry_in) {
    prekeys_.on_disconnected();
    outbox_.on_disconnected();
    sequence_.on_disconnected();
    heartbeats_due_.reset();
    throttled_.clear();
    events_.forget_owed();
    set_connection(ConnectionState::offline, why, retry_in.value_or(Millis(0)));
    abandon_refresh();
    look_at_trust();
}

void Engine::on_frame(wire::Frame& frame) {
    switch (frame.body_case()) {
        case wire::Frame::kPrekeysLow:
            return run_prekeys(prekeys_.on_low(places_.clock.boot()));
        case wire::Frame::kDeliver:
            return on_deliver(frame.deliver());
        case wire::Frame::kMailboxEmpty:
            if (frame.mailbox_empty().expired_unread() > 0) {
                raise(ExpiredUnread{frame.mailbox_empty().expired_unread()});
            }
            if (const auto lane = lane_from(static_cast<std::uint32_t>(frame.mailbox_empty().lane()));
                !lane.has_error())
                follow(sequence_.on_mailbox_empty(*lane, clock_.boot()));
            return;
        default:
            return;
    }
}

void Engine::set_connection(ConnectionState state, std::optional<Error> reason, Millis retry_after) {
    connection_ = state;
    connection_error_.reset();
    if (reason) connection_error_ = reason->code();
    if (reason && reason->code() != Errc::cancelled) note_error(reason->code());
    publish();
    raise(ConnectionChanged{state, std::move(reason), retry_after});
}

void Engine::raise(decltype(Event::what) what) {
    (void)events_.push(std::move(what), 0, std::nullopt);
    hand_out();
}

void Engine::hand_out() {
    if (!reader_) return;
    if (reader_->over()) return reader_.reset();  // cancelled while it waited: the event stays for the next reader
    if (const auto* event = events_.take_next()) std::exchange(reader_, nullptr)->end(*event);
    send_received();
}

void Engine::next_event(OperationPtr<Event> operation) {
    if (reader_) reader_->fail(Errc::cancelled);
    reader_ = std::move(operation);
    hand_out();
}

void Engine::restart_events() {
    events_.restart();
}

void Engine::set_alarm() {
    Millis in = std::chrono::minutes(1);
    const auto at_boot = [&](BootTime due) { in = std::min(in, due - clock_.boot()); };
    const auto at = [&](std::optional<UnixTime> due) {
        if (due) in = std::min(in, *due - clock_.wall());
    };
    // What waits for a second opinion on the time is not due before it.
    const auto behind = clock_.wall() - clock_.erasable();
    at(outbox_.next_deadline(behind));
    at(events_.next_expiry());
    if (const auto due = sequence_.next_deadline()) at_boot(*due);
    if (heartbeats_due_) at_boot(*heartbeats_due_);
    if (!throttled_.empty()) at_boot(retry_due_);
    if (const auto lost_at = repair_ ? repair_->next_deadline() : std::nullopt) at(*lost_at + behind);
    if (!jobs_.empty() && jobs_.front().not_before) at_boot(*jobs_.front().not_before);
    const bool connected = connection_ == ConnectionState::online || connection_ == ConnectionState::restricted;
    if (credential_ && !locked_) {
        if (receipts_due_ && judge_sealing(Lane::receipt).has_value()) at_boot(*receipts_due_);
        if (connected && !refreshing_) at_boot(next_question());
    }
    places_.lane.set_alarm(std::max(in, Millis(1)), [self = weak_from_this()] {
        if (const auto engine = self.lock()) engine->on_alarm();
    });
}

void Engine::on_alarm() {
    if (closed_ || locked_) return;
    const auto boot = clock_.boot();
    if (credential_) {
        const bool connected = connection_ == ConnectionState::online || connection_ == ConnectionState::restricted;
        if (connected && trust_list().expired(clock_.wall()) && !trust_list().in_grace(clock_.wall())) {
            link_->pause();
            on_down(Errc::trust_list_expired, std::nullopt);
        }
        if (connected && !refreshing_ && next_question() <= boot) refresh();
        run_prekeys(prekeys_.on_tick(clock_.wall(), boot));
        // Receipts wait while nothing may be sealed.
        if (receipts_due_ && *receipts_due_ <= boot && judge_sealing(Lane::receipt).has_value()) send_receipts();
        run_outbox(outbox_.on_tick(clock_.wall(), clock_.erasable()));
        follow(sequence_.on_tick(boot));
        if (repair_) run_repair(repair_->on_tick(clock_.erasable()));
        if (heartbeats_due_ && *heartbeats_due_ <= boot) send_heartbeats();
        if (!throttled_.empty() && retry_due_ <= boot) retry_throttled();
        if (!jobs_.empty() && jobs_.front().not_before && *jobs_.front().not_before <= boot) prepare_next();
        expire();
        if (trust_changed_) (void)keep_trust(TrustRows::without_book, Sync::deferred);
        look_at_trust();
    }
    set_alarm();
}

void Engine::close() {
    if (closed_) return;
    // Owed receipts become sealed bytes in the outbox; the link still takes them along if it is up.
    if (vault_ && !locked_) send_receipts();
    closed_ = true;
    places_.lane.clear_alarm();
    if (reader_) std::exchange(reader_, nullptr)->fail(Errc::closed);
    for (auto& job : std::exchange(jobs_, {}))
        job.done(Errc::closed);
    link_.reset();
    connection_ = ConnectionState::offline;
    events_.clear();
    arrived_.clear();
    if (trust_changed_ && vault_) (void)keep_trust(TrustRows::without_book, Sync::deferred);
    vault_.reset();
    publish();
}

}  // namespace melder::sdk
