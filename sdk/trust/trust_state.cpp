#include "sdk/trust/trust_state.hpp"

#include "core/limits.hpp"
#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {

Result<bool> TrustState::accept_list(TrustList list) {
    if (list.version() < floor_) return Errc::trust_list_too_old;
    MELDER_CHECK(list.may_follow(list_));
    const bool newer = list.version() > list_.version();
    if (newer) list_ = std::move(list);
    floor_ = std::max(floor_, list_.version());
    return newer;
}

Result<TrustState::StatementOutcome> TrustState::on_statement(const SignedBytes& document,
                                                              const std::optional<ByteArray<16>>& own_nonce) {
    MELDER_TRY(const auto statement, Statement::verify(document, list_));
    const bool against_newest = newest_ && contradict(*newest_, statement);
    const auto held_head = book_.head_at(statement.log_size);
    const bool against_book = held_head && *held_head != statement.log_head;
    if (against_newest || against_book) {
        if (!fork_) fork_ = ForkEvidence{newest_document_.value_or(SignedBytes{}), document};
        return Errc::log_fork;
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
                            .needs_list = statement.trust_list_version > list_.version()};
}

void TrustState::confirm_if_at_head() {
    // A book that went further than the statement holds everything the statement knows.
    if (!newest_fresh_ || newest_fresh_->log_size > book_.size()) return;
    if (book_.head_at(newest_fresh_->log_size) != newest_fresh_->log_head) return;
    if (!confirmed_ || *confirmed_ < newest_fresh_->time) confirmed_ = newest_fresh_->time;
}

Result<bool> TrustState::on_log_page(std::span<const Bytes> entries) {
    if (!newest_) return Errc::out_of_order;
    if (entries.size() > limits::log_entries_per_page) return Errc::too_large;
    auto book = aside_ ? std::move(*aside_) : book_;
    aside_.reset();
    for (const auto& entry : entries) {
        if (book.size() == newest_->log_size) break;  // what lies beyond was stated by nobody yet
        MELDER_CHECK(book.apply(entry, list_));
    }
    if (book.size() < newest_->log_size) {
        aside_ = std::move(book);
        return false;
    }
    if (book.head_at(newest_->log_size) != newest_->log_head) {
        if (!fork_) fork_ = ForkEvidence{newest_document_.value_or(SignedBytes{}), SignedBytes{}};
        return Errc::log_fork;
    }
    book_ = std::move(book);
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
        const auto grant = verify_grant(*superseding, list_, &credential.grant());
        if (grant.has_value()) return *grant;
    }
    return credential.grant();
}

namespace {
Bytes encoded_or_empty(const std::optional<SignedBytes>& document) {
    return document ? document->encode() : Bytes();
}

Result<SignedBytes> read_document(CellReader& in) {
    MELDER_TRY(const auto bytes, in.bytes());
    if (bytes.empty()) return SignedBytes{};
    return SignedBytes::parse(bytes);
}
}  // namespace

// floor ‖ book ‖ newest statement ‖ confirmed (0: never) ‖ fork's two documents
Bytes TrustState::encode() const {
    CellWriter out(4096);
    out.number(floor_).bytes(book_.encode()).bytes(encoded_or_empty(newest_document_));
    out.time(confirmed_.value_or(UnixTime{})).number(static_cast<Byte>(fork_.has_value()));
    if (fork_) {
        for (const auto* document : {&fork_->first, &fork_->second}) {
            out.bytes(document->body.empty() ? Bytes() : document->encode());
        }
    }
    return to_bytes(out.take().expose());
}

Result<TrustState> TrustState::decode(BytesView bytes, TrustList list) {
    CellReader in(bytes);
    MELDER_TRY(const auto floor, in.number<std::uint64_t>());
    TrustState out(std::move(list), floor);
    MELDER_TRY(const auto book, in.bytes());
    MELDER_TRY(out.book_, OrderBook::decode(book));
    MELDER_TRY(auto newest, read_document(in));
    if (!newest.body.empty()) {
        MELDER_TRY(out.newest_, Statement::parse(newest.body));
        out.newest_document_ = std::move(newest);
    }
    MELDER_TRY(const auto confirmed, in.time());
    if (confirmed.ms != 0) out.confirmed_ = confirmed;
    MELDER_TRY(const auto has_fork, in.number<Byte>());
    if (has_fork) {
        ForkEvidence evidence;
        MELDER_TRY(evidence.first, read_document(in));
        MELDER_TRY(evidence.second, read_document(in));
        out.fork_ = std::move(evidence);
    }
    MELDER_CHECK(in.end());
    return out;
}

}  // namespace melder::sdk
