// A store that was put back from a backup: what it lost comes back out of the order log's second place and from the
// phones; what it must not do meanwhile (DESIGN §9, Restore). The rules: restore_logic.hpp.

#include <algorithm>

#include "keyserver/keyserver.hpp"
#include "keyserver/log_draft.hpp"
#include "keyserver/restore_logic.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {

Result<void> Keyserver::declare_restore() {
    server::DirectoryChange change;
    change.restore = declare_restored(restore_, clock_.wall());
    MELDER_CHECK(commit_change(change));
    restore_ = *change.restore;
    log_.warn("store_restored", {{"accepted_log_size", restore_.accepted_log_size}});
    return ok();
}

/// A trust list that the missing entries were made under may be newer than the stored one: it is in the configured
/// file.
Result<void> Keyserver::replay(const std::vector<Bytes>& missing) {
    LogDraft draft(book_);
    draft.replays = true;
    auto trust = trust_;
    if (config_.trust_list) {
        MELDER_TRY(auto list, TrustList::verify(*config_.trust_list, config_.roots));
        if (list.version() > trust->version()) trust = std::make_shared<const TrustList>(std::move(list));
    }
    const auto judging = trust->remembering();
    for (const auto& bytes : missing) {
        wire::LogEntry entry;
        if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Errc::log_invalid;
        MELDER_TRY(const auto effect, draft.book.apply(bytes, judging));
        draft.entries.push_back(bytes);
        if (effect == OrderBook::Effect::applied) MELDER_CHECK(draft_consequences(draft, entry, judging));
    }
    draft.change.log = server::LogAppend{.expected_size = draft.expected_size, .entries = draft.entries};
    MELDER_CHECK(commit_change(std::move(draft.change)));
    book_.absorb(std::move(draft.book));
    log_.warn("order_log_replayed", {{"entries", missing.size()}});
    return ok();
}

// ---- a proven loss ------------------------------------------------------------------------------------------------

void Keyserver::judge_login(const wire::LoginBody& login, const std::function<void(std::function<void()>)>& writes) {
    if (!login.has_statement()) return;
    const auto document = SignedBytes::from(login.statement());
    if (document.has_error()) return;
    const auto claimed = Statement::parse(document->body);
    if (claimed.has_error()) return;
    std::optional<LossKind> kind;
    std::shared_ptr<const TrustList> trust;
    {
        const std::shared_lock lock(mutex_);
        const bool known = restore_.loss && claimed->log_size <= restore_.loss->log_size;
        if (!known) kind = judge_statement(*claimed, store_.epoch(), book_, restore_);
        trust = trust_;
    }
    // The signature is looked at only where it would prove something: hardly ever.
    if (!kind || Statement::verify(*document, *trust).has_error()) return;
    suspend_prekeys(*kind);
    writes([this, kind = *kind, size = claimed->log_size] { keep_loss(kind, size); });
}

void Keyserver::suspend_prekeys(LossKind kind) {
    if (lossy_.exchange(true)) return;
    log_.error(
        "store_lost_entries",
        {{"proof", server::LocalFact(name_of(kind))},
         {"what_to_do", server::LocalFact("this store is older than what it once signed; it hands out no prekeys "
                                          "until it is started once with --restored")}});
}

void Keyserver::keep_loss(LossKind kind, std::uint64_t log_size) {
    if (restore_.loss && restore_.loss->log_size >= log_size) return;
    server::DirectoryChange change;
    change.restore = restore_;
    change.restore->loss =
        server::ProvenLoss{.kind = static_cast<std::uint8_t>(kind), .met_at = clock_.wall(), .log_size = log_size};
    // Without it the next login proves it again.
    if (commit_change(change).has_error()) return;
    const std::unique_lock lock(mutex_);
    restore_ = *change.restore;
}

// ---- devices come back --------------------------------------------------------------------------------------------

DeviceStanding Keyserver::standing(const EnrolmentId& device) const {
    const std::shared_lock lock(mutex_);
    return book_.standing(device);
}

void Keyserver::set_grant(server::DeviceRow& row, const Grant& grant, const SignedBytes& document) const {
    row.grant_version = grant.version;
    row.not_before = grant.not_before;
    row.not_after = grant.not_after;
    row.sealed_grant = seal_grant(row.device, document);
}

Result<void> Keyserver::supersede(server::DeviceRow& row, const SignedBytes& document, const TrustList& trust,
                                  bool after_loss) {
    MELDER_TRY(const auto former_document, open_grant(row));
    MELDER_TRY(const auto former, Grant::parse(former_document.body));
    auto next = verify_grant(document, trust, &former);
    if (next.has_error() && after_loss) {
        // A version in between may be lost; the order log has judged this one by itself.
        next = verify_grant(document, trust, nullptr);
        if (next.has_error()) return next.error();
        if (next->version <= former.version) return ok();
        if (next->officer_id != former.officer_id || next->app != former.app ||
            next->enrolment_key != former.enrolment_key) {
            return Errc::credential_invalid;
        }
    }
    if (next.has_error()) return next.error();
    if (row.sealed_former_grant.empty()) row.sealed_former_grant = row.sealed_grant;
    set_grant(row, *next, document);
    return ok();
}

Result<void> Keyserver::fill_row(server::DeviceRow& row, const wire::Credential& presented,
                                 const Credential& credential) const {
    const auto& grant = credential.grant();
    MELDER_TRY(const auto document, SignedBytes::from(presented.grant()));
    MELDER_TRY(const auto date, SignedBytes::from(presented.date()));
    auto first = document.body_hash();
    if (grant.version > 1) {
        MELDER_TRY(first, Hash::from(std::string_view(presented.first_grant_sha256())));
    }
    if (row.device.is_zero()) {
        row.device = grant.enrolment_id;
        row.officer = grant.officer_id;
        row.app = grant.app;
        row.enrolment_key = grant.enrolment_key;
        row.bind_before = grant.bind_before;
        row.first_grant = first;
        set_grant(row, grant, document);
    } else {
        if (row.officer != grant.officer_id || row.app != grant.app || row.enrolment_key != grant.enrolment_key ||
            row.first_grant != first) {
            return Errc::credential_invalid;
        }
        if (grant.version > row.grant_version) {
            row.sealed_former_grant.clear();
            set_grant(row, grant, document);
        }
    }
    row.bound = server::BoundRow{.identity_key = credential.binding().identity_key,
                                 .login_key = credential.binding().login_key,
                                 .registration_id = credential.binding().registration_id,
                                 .bound_at = credential.bound_at(),
                                 .binding = to_bytes(view(presented.binding().SerializeAsString())),
                                 .date = date.encode()};
    return ok();
}

Result<void> Keyserver::draft_presented(LogDraft& draft, const wire::Credential& presented,
                                        const Credential& credential, const TrustList& trust) {
    auto known = draft_device(draft, credential.device());
    if (known.has_error() && known.error() != Errc::unknown_device) return known.error();
    if (known.has_error()) {
        server::DeviceRow row;
        MELDER_CHECK(fill_row(row, presented, credential));
        known = &draft.add(std::move(row));
    } else if ((*known)->bound) {
        return ok();
    } else {
        MELDER_CHECK(fill_row(**known, presented, credential));
    }
    auto& row = **known;
    const auto& state = draft.book.state(row.device);
    row.standing = state.standing;
    if (state.superseding_grant) {
        MELDER_TRY(const auto newest, Grant::parse(state.superseding_grant->body));
        if (newest.version > row.grant_version) MELDER_CHECK(supersede(row, *state.superseding_grant, trust, true));
    }
    return ok();
}

Result<void> Keyserver::admit(const wire::Credential& presented) {
    MELDER_TRY(const auto credential, Credential::verify(presented, *trust_));
    const auto id = credential.device();
    auto present = load_device(id);
    if (present.has_error() && present.error() != Errc::unknown_device) return present.error();
    if (present.has_value() && present->bound) {
        if (present->bound->identity_key == credential.binding().identity_key &&
            present->bound->login_key == credential.binding().login_key) {
            return ok();
        }
        log_.warn("second_binding_refused", {{"device", id}});
        return Errc::already_bound;
    }
    LogDraft draft(book_);
    MELDER_CHECK(draft_presented(draft, presented, credential, *trust_));
    const auto& grant = credential.grant();
    if (!grant.service_number.empty()) {
        const auto key = config_.directory_key.lookup("service-number", grant.service_number);
        MELDER_TRY(const auto taken, wait_for<std::optional<OfficerId>>(
                                         [&](auto executor, auto done) { store_.find_officer(key, executor, done); }));
        if (!taken) draft.change.numbers.push_back({key, grant.officer_id});
    }
    const bool entered_before = std::ranges::all_of(
        grant.replaces, [&](const EnrolmentId& replaced) { return book_.state(replaced).replaced_by == id; });
    if (entered_before) {
        MELDER_CHECK(commit_change(std::move(draft.change)));
    } else {
        // The entry that ended the former devices was lost as well.
        wire::LogEntry entry;
        entry.set_index(draft.book.size());
        entry.set_time_s(static_cast<std::uint64_t>(clock_.wall().seconds()));
        *entry.mutable_replacing() = presented;
        MELDER_CHECK(draft_entry(draft, entry, *trust_));
        MELDER_CHECK(commit(std::move(draft)));
    }
    log_.warn("unknown_device_entered", {{"device", id}});
    if (const auto kind = judge_unknown_binding(credential.bound_at(), restore_)) {
        suspend_prekeys(*kind);
        if (!restore_.loss) keep_loss(*kind, 0);
    }
    return shown_in_view();
}

Result<void> Keyserver::shown_in_view() const {
    if (!view_.wait_until(last_change_, limits::directory_view_wait)) return Errc::busy;
    return ok();
}

// ---- grants of keys that are distrusted later ---------------------------------------------------------------------

Result<bool> Keyserver::choose_grant(server::DeviceRow& row, const OrderBook& before, const OrderBook& now,
                                     const TrustList& trust) const {
    MELDER_TRY(const auto present, open_grant(row));
    const auto& ordered_before = before.state(row.device).superseding_grant;
    const auto& ordered = now.state(row.device).superseding_grant;
    const bool is_ordered = ordered && ordered->body == present.body;
    const bool order_void = ordered_before && ordered_before->body == present.body && !is_ordered;

    std::optional<SignedBytes> former;
    if (!row.sealed_former_grant.empty()) {
        MELDER_TRY(const auto opened, config_.directory_key.open("grant", row.device.view(), row.sealed_former_grant));
        MELDER_TRY(former, SignedBytes::parse(opened.expose()));
    }
    const SignedBytes* chosen = nullptr;
    std::optional<Grant> grant;
    const auto consider = [&](const SignedBytes& document) {
        auto verified = verify_grant(document, trust, nullptr);
        if (verified.has_error() || (grant && grant->version >= verified->version)) return;
        chosen = &document;
        grant = std::move(*verified);
    };
    if (!order_void) consider(present);
    if (former) consider(*former);
    if (ordered && !is_ordered) consider(*ordered);

    if (chosen == nullptr) {
        // Nothing that counts certifies this device any more: outside its grant's validity, for all that ask.
        if (row.not_after == UnixTime{}) return false;
        row.not_after = UnixTime{};
        return true;
    }
    if (chosen == &present) {
        if (row.not_before == grant->not_before && row.not_after == grant->not_after) return false;
        row.not_before = grant->not_before;
        row.not_after = grant->not_after;
        return true;
    }
    if (former && chosen == &*former) {
        row.sealed_former_grant.clear();
    } else if (row.sealed_former_grant.empty()) {
        row.sealed_former_grant = row.sealed_grant;
    }
    set_grant(row, *grant, *chosen);
    return true;
}

Result<void> Keyserver::judge_grants_again(LogDraft& draft, const TrustList& trust) const {
    using Rows = std::vector<server::DeviceRow>;
    std::uint64_t changed = 0;
    std::optional<EnrolmentId> after;
    for (;;) {
        MELDER_TRY(auto rows, wait_for<Rows>([&](auto executor, auto done) {
                       store_.list_devices(after, std::nullopt, limits::list_page, executor, done);
                   }));
        if (rows.empty()) break;
        after = rows.back().device;
        for (auto& row : rows) {
            auto* const drafted = draft.find(row.device);
            auto& present = drafted == nullptr ? row : *drafted;
            MELDER_TRY(const auto other, choose_grant(present, book_, *draft.read_again, trust));
            if (!other) continue;
            ++changed;
            if (drafted == nullptr) draft.add(std::move(row));
        }
    }
    if (changed > 0) log_.warn("grants_judged_again", {{"changed", changed}});
    return ok();
}

}  // namespace melder::keyserver
