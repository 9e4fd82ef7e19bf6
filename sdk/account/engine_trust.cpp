// What the device believes: time, trust list, order log, and whether they are fresh enough to seal by (DESIGN section
// 2). Every verified statement passes through take_statement; only one over an own nonce sets the time and confirms a
// head.

#include "proto/trust.pb.h"
#include "sdk/account/engine.hpp"

namespace melder::sdk {

namespace {

TrustNotice::Kind notice_of(TrustWatch::Concern concern) {
    switch (concern) {
        case TrustWatch::Concern::head_unconfirmed:
            return TrustNotice::Kind::head_unconfirmed;
        case TrustWatch::Concern::log_forked:
            return TrustNotice::Kind::log_forked;
        case TrustWatch::Concern::own_device_revoked:
            return TrustNotice::Kind::own_device_revoked;
        case TrustWatch::Concern::own_device_replaced:
            return TrustNotice::Kind::own_device_replaced;
        case TrustWatch::Concern::trust_list_expired:
            return TrustNotice::Kind::trust_list_expired;
    }
    return TrustNotice::Kind::head_unconfirmed;
}

}  // namespace

void Engine::believe(TrustState trust) {
    trust_ = std::move(trust);
    if (credential_) {
        const auto& grant = credential_->grant();
        trust_->raise_floor(grant.lowest_trust_list);
        if (grant.log_size > 0) trust_->require_head(grant.log_size, grant.log_head);
    }
    if (const auto& newest = trust_->newest_statement()) statement_document_ = newest->encode();
}

Result<void> Engine::keep_trust(TrustRows rows, Sync sync) {
    auto transaction = vault_->begin(clock_.wall());
    MELDER_CHECK(put_trust(transaction, *trust_, rows));
    MELDER_CHECK(put_clock(transaction, clock_));
    MELDER_CHECK(transaction.commit(sync));
    trust_changed_ = false;
    return ok();
}

Result<void> Engine::adopt_list(const TrustList& list) {
    MELDER_TRY(const auto newer, trust_->accept_list(list));
    if (!newer) return ok();
    MELDER_CHECK(keep_trust(TrustRows::all, Sync::durable));
    publish();
    return ok();
}

Result<void> Engine::take_statement(const SignedBytes& document, const std::optional<Question>& answered) {
    if (!answered && trust_->says_nothing_new(document)) return ok();
    const auto nonce = answered ? std::optional(answered->nonce) : std::nullopt;
    const auto outcome = trust_->on_statement(document, nonce);
    if (outcome.has_error()) {
        // The evidence outlives the process, and with it the refusal to send.
        if (outcome.error() == Errc::log_fork) MELDER_CHECK(keep_trust(TrustRows::without_book, Sync::durable));
        return outcome.error();
    }
    const auto now = clock_.boot();
    const auto time = outcome->statement.time;
    const bool waited = clock_.guarded().awaits_second_opinion();
    const auto step = outcome->fresh ? clock_.guarded().on_fresh_statement(time, answered->at, now)
                                     : clock_.guarded().on_other_statement(time, now);
    if (step == GuardedClock::Outcome::step_too_large) {
        lock_out();
        return Errc::locked;
    }
    if (waited && !clock_.guarded().awaits_second_opinion()) sweep_due_ = {};  // what was hidden is erased now
    statement_document_ = trust_->newest_statement()->encode();
    trust_changed_ = true;
    return ok();
}

Result<void> Engine::take_peer_statement(BytesView encoded) {
    if (encoded.empty()) return ok();
    const auto document = SignedBytes::parse(encoded);
    if (document.has_error()) return ok();
    const bool was_behind = trust_->log_is_behind();
    const auto taken = take_statement(*document, std::nullopt);
    if (locked_) return Errc::locked;
    if (taken.has_error()) {
        if (taken.error() == Errc::log_fork) look_at_trust();
        return ok();
    }
    if (!was_behind && trust_->log_is_behind() && connection_ == ConnectionState::online) refresh();
    return ok();
}

// ---- refreshing ---------------------------------------------------------------------------------------------------

void Engine::ask(wire::Frame frame, std::function<void(Engine&, Result<wire::Frame>)> then) {
    link_->request(std::move(frame), [self = weak_from_this(), round = refresh_round_,
                                      then = std::move(then)](Result<wire::Frame> reply) {
        const auto engine = self.lock();
        if (!engine || engine->closed_ || engine->locked_ || engine->refresh_round_ != round) return;
        then(*engine, std::move(reply));
    });
}

void Engine::refresh(std::function<void()> then) {
    if (then) after_refresh_.push_back(std::move(then));
    if (refreshing_) return;
    refreshing_ = true;
    list_fetched_ = false;
    log_failure_.reset();
    Question question;
    places_.random.fill(question.nonce);
    question.at = clock_.boot();
    watch_.on_asked(question.at);
    wire::Frame frame;
    frame.mutable_fetch_statement()->set_client_nonce(to_string(question.nonce));
    ask(std::move(frame),
        [question](Engine& engine, const Result<wire::Frame>& reply) { engine.on_answer(question, reply); });
}

void Engine::on_answer(const Question& question, const Result<wire::Frame>& reply) {
    if (reply.has_error() || !reply->has_statement()) return end_refresh();
    const auto document = SignedBytes::from(reply->statement().statement());
    if (document.has_error()) return end_refresh();
    const auto taken = take_statement(*document, question);
    if (locked_) return;
    if (taken.has_error()) {
        // A key that only a newer list names signs from now on.
        if (taken.error() != Errc::unknown_signer || list_fetched_) return end_refresh();
        return fetch_list([question, answer = *reply](Engine& engine) { engine.on_answer(question, answer); });
    }
    const auto statement = Statement::parse(document->body);
    if (!list_fetched_ && statement.has_value() && statement->trust_list_version > trust_list().version()) {
        return fetch_list([](Engine& engine) { engine.fetch_log(); });
    }
    fetch_log();
}

void Engine::fetch_list(std::function<void(Engine&)> then) {
    list_fetched_ = true;
    wire::Frame frame;
    frame.mutable_fetch_trust_list();
    ask(std::move(frame), [then = std::move(then)](Engine& engine, const Result<wire::Frame>& reply) {
        const auto newer = [&]() -> Result<void> {
            MELDER_CHECK(reply);
            MELDER_TRY(const auto document, SignedBytes::from(reply->trust_list().trust_list()));
            MELDER_TRY(const auto list, TrustList::verify(document, engine.roots_));
            return engine.adopt_list(list);
        }();
        if (newer.has_error()) return engine.end_refresh();
        then(engine);
    });
}

void Engine::fetch_log() {
    if (!trust_->log_is_behind()) return fetch_own_grant();
    wire::Frame frame;
    frame.mutable_fetch_log()->set_from_index(trust_->next_log_index());
    frame.mutable_fetch_log()->set_limit(limits::log_entries_per_page);
    ask(std::move(frame), [](Engine& engine, const Result<wire::Frame>& reply) { engine.on_log_page(reply); });
}

void Engine::on_log_page(const Result<wire::Frame>& reply) {
    if (reply.has_error() || !reply->has_log_page() || reply->log_page().entries().empty()) return end_refresh();
    std::vector<Bytes> entries;
    for (const auto& entry : reply->log_page().entries())
        entries.push_back(to_bytes(view(entry)));
    const auto complete = trust_->on_log_page(entries);
    if (complete.has_value()) {
        if (*complete) {
            // Lost with a crash, it is fetched again: no refusal depends on it before the next statement.
            (void)keep_trust(TrustRows::all, Sync::durable);
            publish();
        }
        return fetch_log();
    }
    log_failure_ = complete.error().code();
    if (complete.error() == Errc::trust_list_too_old && !list_fetched_) {
        return fetch_list([](Engine& engine) {
            engine.log_failure_.reset();
            engine.fetch_log();
        });
    }
    if (complete.error() == Errc::log_fork) (void)keep_trust(TrustRows::without_book, Sync::durable);
    end_refresh();
}

void Engine::end_refresh() {
    refreshing_ = false;
    ++refresh_round_;
    if (trust_changed_) (void)keep_trust(TrustRows::without_book, Sync::durable);
    expire();
    if (connection_ == ConnectionState::online) drop_gone_devices();
    for (const auto& then : std::exchange(after_refresh_, {}))
        then();
    look_at_trust();
    for (const auto& delivery : std::exchange(unjudged_, {}))
        on_delivery(delivery);
    set_alarm();
}

void Engine::abandon_refresh() {
    ++refresh_round_;
    refreshing_ = false;
    unjudged_.clear();
    for (const auto& then : std::exchange(after_refresh_, {}))
        then();
}

// ---- what follows from it -----------------------------------------------------------------------------------------

Result<HeadJudgement> Engine::judge_sealing(Lane lane) const {
    if (other_binding_) return Errc::already_bound;
    auto judged = sdk::judge_sealing(*trust_, *credential_, clock_.wall(), lane);
    // Why there is no confirmed head, where that is known.
    if (judged.has_error() && judged.error() == Errc::head_stale && log_failure_) return *log_failure_;
    return judged;
}

bool Engine::refresh_before_sealing() {
    look_at_trust();
    auto& job = jobs_.front();
    if (job.refreshed || connection_ != ConnectionState::online) return false;
    const auto judged = sdk::judge_sealing(*trust_, *credential_, clock_.wall(), job.lane);
    const bool renewable = own_grant_version_ > credential_->grant().version;
    const bool stale = judged.has_error() ? judged.error() == Errc::head_stale ||
                                                (judged.error() == Errc::credential_expired && renewable)
                                          : judged->warn;
    if (!stale || other_binding_) return false;
    job.refreshed = true;
    refresh([self = weak_from_this()] {
        if (const auto engine = self.lock(); engine && !engine->closed_) engine->prepare_next();
    });
    return true;
}

void Engine::announce_restricted() {
    if (connection_ != ConnectionState::restricted) return;
    const auto own = trust_->judge_recipient(*credential_, clock_.wall());
    set_connection(ConnectionState::restricted, own.has_error() ? own.error() : Error(Errc::not_allowed), Millis(0));
}

BootTime Engine::next_question() const {
    const auto head = judge_head(trust_->confirmed(), clock_.wall(), Lane::urgent);
    const bool unconfirmed = trust_->log_is_behind() || head.has_error() || head->warn;
    return watch_.ask_at(clock_.guarded().awaits_second_opinion(), unconfirmed);
}

void Engine::look_at_trust() {
    if (!trust_ || !credential_) return;
    for (const auto concern : watch_.look(*trust_, *credential_, clock_.wall()))
        raise(TrustNotice{notice_of(concern)});
}

void Engine::drop_gone_devices() {
    for (const auto& device : outbox_.hoped_for()) {
        const auto& state = book().state(device);
        const bool gone = state.standing == DeviceStanding::revoked || state.standing == DeviceStanding::replaced;
        if (gone) run_outbox(outbox_.on_device_gone(device, state.replaced_by, clock_.wall()));
    }
}

void Engine::expire() {
    const auto now = clock_.wall();
    const auto unread = events_.unread();
    const auto gone = events_.remove_expired(now);
    const auto lost = unread - events_.unread();
    // Behind a step that only one statement speaks for, it is hidden and not given up. Without a connection the server
    // tells of it with the next one, and it alone, so that nothing is counted twice.
    if (connection_ == ConnectionState::online && !clock_.guarded().awaits_second_opinion()) {
        for (const auto& key : gone) {
            auto transaction = vault_->begin(now);
            if (!finish_envelope(transaction, key, now).has_error()) acknowledge_to_server(key);
        }
        if (lost > 0) raise(ExpiredUnread{static_cast<std::uint32_t>(lost)});
    }
    if (sweep_due_ > clock_.boot()) return;
    sweep_due_ = clock_.boot() + Millis(limits::expiry_sweep);
    (void)vault_->erase_expired(clock_.erasable());  // a failure is found again by the next sweep
}

/// More time passed between two statements than the boot clock allows: somebody plays with the time. Nothing of the
/// main compartment stays in memory, and nothing is sealed or opened until the account is opened again.
void Engine::lock_out() {
    if (std::exchange(locked_, true)) return;
    vault_->close_main();
    device_->identity.identity = {};
    events_.clear();
    arrived_.clear();
    for (auto& job : std::exchange(jobs_, {}))
        job.done(Errc::locked);
    owed_receipts_.clear();
    receipts_due_.reset();
    link_->pause();
    raise(TrustNotice{TrustNotice::Kind::clock_refused});
    on_down(Errc::clock_skew, std::nullopt);
}

}  // namespace melder::sdk
