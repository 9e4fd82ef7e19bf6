#include "sdk/trust/trust_state.hpp"

#include "core/limits.hpp"
#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {

Result<bool> TrustState::accept_list(TrustList list) {
    if (list.version() < floor_) return Errc::trust_list_too_old;
    MELDER_CHECK(list.may_follow(*list_));
    const bool newer = list.version() > list_->version();
    if (newer) {
        if (book_.size() > 0 && !list.judges_like(*list_)) {
            reads_again_ = true;
            confirmed_.reset();
        }
        aside_.reset();
        list_ = std::make_shared<const TrustList>(std::move(list));
    }
    floor_ = std::max(floor_, list_->version());
    return newer;
}

Error TrustState::note_fork(SignedBytes first, SignedBytes second) {
    if (!fork_) fork_ = ForkEvidence{std::move(first), std::move(second)};
    return Errc::log_fork;
}

bool TrustState::lacks_required(const OrderBook& book) const {
    return required_ && book.size() >= required_->size && book.head_at(required_->size) != required_->head;
}

bool TrustState::says_nothing_new(const SignedBytes& document) const {
    if (!newest_) return false;
    const auto statement = Statement::parse(document.body);
    return statement.has_value() && statement->log_size == newest_->log_size &&
           statement->log_head == newest_->log_head && statement->time <= newest_->time &&
           statement->trust_list_version <= list_->version();
}

Result<TrustState::StatementOutcome> TrustState::on_statement(const SignedBytes& document,
                                                              const std::optional<ByteArray<16>>& own_nonce) {
    MELDER_TRY(const auto statement, Statement::verify(document, *list_));
    const bool against_newest = newest_ && contradict(*newest_, statement);
    const auto held_head = book_.head_at(statement.log_size);
    const bool against_book = held_head && *held_head != statement.log_head;
    const bool against_grant =
        required_ && statement.log_size == required_->size && statement.log_head != required_->head;
    if (against_newest || against_book || against_grant) {
        return note_fork(newest_document_.value_or(SignedBytes{}), document);
    }
    const bool newer = !newest_ || statement.log_size > newest_->log_size ||
                       (statement.log_size == newest_->log_size && statement.time > newest_->time);
    if (newer) {
        newest_ = statement;
        newest_document_ = document;
    }
    const bool fresh = own_nonce && statement.client_nonce == own_nonce;
    if (fresh && (!newest_fresh_ || statement.time > newest_fresh_->time)) newest_fresh_ = statement;
    confirm_if_at_head();
    return StatementOutcome{.statement = statement,
                            .fresh = fresh,
                            .needs_log = statement.log_size > book_.size(),
                            .needs_list = statement.trust_list_version > list_->version()};
}

void TrustState::confirm_if_at_head() {
    // A book that went further than the statement holds everything the statement knows.
    if (reads_again_ || !newest_fresh_ || newest_fresh_->log_size > book_.size()) return;
    if (book_.head_at(newest_fresh_->log_size) != newest_fresh_->log_head) return;
    if (required_ && book_.size() < required_->size) return;
    if (!confirmed_ || *confirmed_ < newest_fresh_->time) confirmed_ = newest_fresh_->time;
}

Result<bool> TrustState::on_log_page(std::span<const Bytes> entries) {
    if (!newest_) return Errc::out_of_order;
    if (entries.size() > limits::log_entries_per_page) return Errc::too_large;
    auto book = aside_ ? *aside_ : reads_again_ ? OrderBook() : book_;
    for (const auto& entry : entries) {
        if (book.size() == newest_->log_size) break;  // what lies beyond was stated by nobody yet
        if (const auto applied = book.apply(entry, *list_); applied.has_error()) {
            // Not the log's fault: what came before on this page is asked for again with the newer list.
            if (applied.error().code() != Errc::trust_list_too_old) aside_.reset();
            return applied.error();
        }
    }
    aside_.reset();
    if (lacks_required(book)) return note_fork(newest_document_.value_or(SignedBytes{}), SignedBytes{});
    if (book.size() < newest_->log_size) {
        aside_ = std::move(book);
        return false;
    }
    if (book.head_at(newest_->log_size) != newest_->log_head || book.head_at(book_.size()) != book_.head()) {
        return note_fork(newest_document_.value_or(SignedBytes{}), SignedBytes{});
    }
    book_ = std::move(book);
    reads_again_ = false;
    confirm_if_at_head();
    return true;
}

Result<void> TrustState::check_grant_head(const Grant& grant) const {
    const auto head = book_.head_at(grant.log_size);
    if (!head || *head != grant.log_head) return Errc::log_fork;
    return ok();
}

Result<void> TrustState::check_standing(const EnrolmentId& device) const {
    switch (book_.standing(device)) {
        case DeviceStanding::active:
            return ok();
        case DeviceStanding::replaced:
            return Errc::device_replaced;
        case DeviceStanding::suspended:
        case DeviceStanding::revoked:
            return Errc::device_revoked;
    }
    return Errc::internal;
}

Result<void> TrustState::judge_credential(const Credential& credential, UnixTime sent_at, UnixTime now,
                                          Millis ttl) const {
    if (sent_at < now - ttl - limits::sent_at_past_slack || sent_at > now + Millis(limits::sent_at_future)) {
        return Errc::sent_at_implausible;
    }
    if (!credential.valid_at(sent_at)) return Errc::credential_expired;
    return check_standing(credential.device());
}

Result<void> TrustState::judge_recipient(const Credential& credential, UnixTime now) const {
    if (!credential.valid_at(now)) return Errc::credential_expired;
    return check_standing(credential.device());
}

Grant TrustState::newest_grant(const Credential& credential) const {
    const auto& superseding = book_.state(credential.device()).superseding_grant;
    if (superseding) {
        // The book took the order under its own rights; the grant must also be the next version of this very one.
        const auto grant = verify_grant(*superseding, *list_, &credential.grant());
        if (grant.has_value()) return *grant;
    }
    return credential.grant();
}

namespace {
Bytes encoded_or_empty(const SignedBytes& document) {
    return document.body.empty() ? Bytes() : document.encode();
}

Result<SignedBytes> read_document(CellReader& in) {
    MELDER_TRY(const auto bytes, in.bytes());
    if (bytes.empty()) return SignedBytes{};
    return SignedBytes::parse(bytes);
}
}  // namespace

TrustState::Saved TrustState::save() const {
    // A book that is being read again is not kept: the next start begins at the first entry as well.
    Saved out{.floor = floor_,
              .book = (reads_again_ ? OrderBook() : book_).encode(),
              .newest_statement = {},
              .confirmed = confirmed_,
              .fork = {}};
    if (newest_document_) out.newest_statement = newest_document_->encode();
    if (fork_) {
        CellWriter evidence(1024);
        evidence.bytes(encoded_or_empty(fork_->first)).bytes(encoded_or_empty(fork_->second));
        out.fork = to_bytes(evidence.take().expose());
    }
    return out;
}

Result<TrustState> TrustState::restore(const Saved& saved, TrustList list) {
    TrustState out(std::move(list), saved.floor);
    if (!saved.book.empty()) {
        MELDER_TRY(out.book_, OrderBook::decode(saved.book));
    }
    if (!saved.newest_statement.empty()) {
        MELDER_TRY(auto newest, SignedBytes::parse(saved.newest_statement));
        MELDER_TRY(out.newest_, Statement::parse(newest.body));
        out.newest_document_ = std::move(newest);
    }
    out.confirmed_ = saved.confirmed;
    if (!saved.fork.empty()) {
        CellReader in(saved.fork);
        ForkEvidence evidence;
        MELDER_TRY(evidence.first, read_document(in));
        MELDER_TRY(evidence.second, read_document(in));
        MELDER_CHECK(in.end());
        out.fork_ = std::move(evidence);
    }
    return out;
}

}  // namespace melder::sdk
