// Start, restore, statements.

#include "keyserver/keyserver.hpp"

#include "keyserver/log_draft.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

constexpr std::string_view key_check_text = "Melder directory";

Error unlisted_statement_key() {
    return {Errc::config_invalid,
            "the trust list does not name this server's statement key; sign setup-request into the next list"};
}

}  // namespace

Keyserver::Keyserver(KeyserverConfig config, server::DirectoryStore& store, const server::DirectoryView& view,
                     const Clock& clock, Random& random, server::Log& log)
    : config_(std::move(config)),
      store_(store),
      view_(view),
      clock_(clock),
      random_(random),
      log_(log),
      directory_version_(random.u64()),
      statement_seed_(std::move(config_.statement_seed)),
      names_(config_.directory_key),
      limiter_(config_.take_limits) {}

Result<std::unique_ptr<Keyserver>> Keyserver::open(KeyserverConfig config, server::DirectoryStore& store,
                                                   const server::DirectoryView& view, const Clock& clock,
                                                   Random& random, server::Log& log) {
    std::unique_ptr<Keyserver> keyserver(new Keyserver(std::move(config), store, view, clock, random, log));
    MELDER_CHECK(keyserver->start());
    return keyserver;
}

Result<void> Keyserver::start() {
    MELDER_TRY(const auto head,
               wait_for<server::DirectoryHead>([&](auto executor, auto done) { store_.load_head(executor, done); }));
    MELDER_CHECK(check_directory_key(head));
    bool succeeded = false;
    if (!head.trust_list.empty()) {
        MELDER_TRY(const auto document, SignedBytes::parse(head.trust_list));
        auto list = TrustList::verify(document, config_.roots);
        if (list.has_error() && config_.trust_list && config_.roots.previous) {
            // The root set was succeeded: the configured list is the first under the new one. That it is not older
            // than the stored one is checked by reading the log, which names every list.
            list = TrustList::verify(*config_.trust_list, config_.roots);
            succeeded = true;
        }
        MELDER_CHECK(list);
        trust_ = std::make_shared<const TrustList>(std::move(*list));
        MELDER_TRY(const auto ignored, read_log(book_, head.log_size, *trust_));
        if (ignored > 0) log_.info("order_log_entries_ignored", {{"count", ignored}});
    } else if (!config_.trust_list) {
        return Error(Errc::config_invalid, "there is no trust list yet; sign one with melder-admin trust sign");
    } else {
        MELDER_TRY(auto list, TrustList::verify(*config_.trust_list, config_.roots));
        trust_ = std::make_shared<const TrustList>(std::move(list));
    }
    MELDER_TRY(auto copy, OrderLogCopy::open(config_.order_log_copy_file));
    copy_.emplace(std::move(copy));
    restore_ = head.restore;
    if (config_.restored) MELDER_CHECK(declare_restore());
    MELDER_CHECK(compare_with_copy());
    if (restore_.loss) suspend_prekeys(static_cast<LossKind>(restore_.loss->kind));
    grants_signed_ = SignerWindow::of(head.grants_signed);
    MELDER_TRY(const auto newest_entry, count_recent_orders());
    MELDER_CHECK(check_clock(newest_entry));

    trust_stored_ = !head.trust_list.empty() && !succeeded;
    // An older file beside a newer list in the store is no error: administrators hand lists over the link.
    if (config_.trust_list) {
        const auto taken = put_trust_list(*config_.trust_list);
        if (taken.has_error() && taken.error().code() != Errc::trust_list_too_old) return taken.error();
    }

    if (!names(*trust_, statement_key())) return unlisted_statement_key();
    MELDER_CHECK(names_.load(store_));
    (void)names_.search();  // now, not while the first phone waits
    tick();
    return ok();
}

Result<void> Keyserver::check_directory_key(const server::DirectoryHead& head) {
    if (!head.key_check.empty()) {
        MELDER_CHECK(config_.directory_key.open("key-check", {}, head.key_check));
        return ok();
    }
    server::DirectoryChange change;
    change.key_check = config_.directory_key.seal("key-check", {}, view(key_check_text), random_);
    MELDER_CHECK(commit_change(std::move(change)));
    return ok();
}

Result<std::uint64_t> Keyserver::read_log(OrderBook& book, std::uint64_t size, const TrustList& trust) const {
    std::uint64_t ignored = 0;
    while (book.size() < size) {
        MELDER_TRY(const auto entries, wait_for<std::vector<Bytes>>([&](auto executor, auto done) {
                       store_.load_log(book.size(), limits::log_entries_per_page, executor, done);
                   }));
        if (entries.empty()) return Error(Errc::store_corrupt, "the order log is shorter than the directory says");
        for (const auto& entry : entries) {
            const auto effect = book.apply(entry, trust);
            if (effect.has_error()) {
                return Error(effect.error().code(),
                             "entry " + std::to_string(book.size()) + " of the order log under trust list " +
                                 std::to_string(trust.version()) + ": " + effect.error().message() +
                                 "; a list keeps every key that ever signed, with its rights");
            }
            if (*effect == OrderBook::Effect::ignored) ++ignored;
        }
    }
    return ignored;
}

/// Statements of a clock that went back are worth nothing to clients, and what it dates would never have been valid.
Result<void> Keyserver::check_clock(UnixTime newest_entry) const {
    const auto newest = std::max(newest_entry, trust_->fields().issued_at);
    const auto now = clock_.wall();
    if (now + Millis(limits::server_clock_behind) >= newest) return ok();
    const auto hours = (newest.ms - now.ms) / Millis(std::chrono::hours(1)).count();
    return Error(Errc::clock_skew, "this machine's clock lies " + std::to_string(hours) +
                                       " hours before the newest date in trust list and order log; set it "
                                       "(`timedatectl`), then start again");
}

Result<UnixTime> Keyserver::count_recent_orders() {
    UnixTime newest;
    const auto since = clock_.wall() - Millis(std::chrono::hours(1));
    for (auto end = book_.size(); end > 0;) {
        const auto begin = end - std::min<std::uint64_t>(end, limits::log_entries_per_page);
        MELDER_TRY(const auto entries, wait_for<std::vector<Bytes>>([&](auto executor, auto done) {
                       store_.load_log(begin, end - begin, executor, done);
                   }));
        for (const auto& bytes : entries) {
            wire::LogEntry entry;
            if (!entry.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Errc::store_corrupt;
            const auto when = UnixTime::from_seconds(static_cast<std::int64_t>(entry.time_s()));
            newest = std::max(newest, when);
            if (when < since || !entry.has_order()) continue;
            MELDER_TRY(const auto document, SignedBytes::from(entry.order()));
            for (const auto& key : signers_of(document, *trust_))
                orders_signed_.add(key, when);
        }
        wire::LogEntry oldest;
        if (entries.empty() || !oldest.ParseFromArray(entries[0].data(), static_cast<int>(entries[0].size()))) break;
        if (UnixTime::from_seconds(static_cast<std::int64_t>(oldest.time_s())) < since) break;
        end = begin;
    }
    return newest;
}

Result<void> Keyserver::compare_with_copy() {
    const auto copied = std::exchange(copy_->found(), {});
    Hash head;
    for (std::size_t i = 0; i < copied.size(); ++i) {
        head = next_head(head, copied[i]);
        const auto size = i + 1;
        if (size <= book_.size() && book_.head_at(size) != head) {
            return Error(Errc::log_fork,
                         "the order log and its second place " + config_.order_log_copy_file +
                             " contradict each other; keep both and find out which one was tampered with");
        }
    }
    if (copied.size() > book_.size()) {
        if (!config_.restored) {
            return Error(
                Errc::store_epoch_mismatch,
                "the order log's second place " + config_.order_log_copy_file +
                    " holds entries that the store lacks; if the store was restored, start once with --restored");
        }
        return replay({copied.begin() + static_cast<std::ptrdiff_t>(book_.size()), copied.end()});
    }
    // A crash between the two: the entry was never answered, but it counts.
    while (copy_->size() < book_.size()) {
        MELDER_TRY(const auto entries, wait_for<std::vector<Bytes>>([&](auto executor, auto done) {
                       store_.load_log(copy_->size(), limits::log_entries_per_page, executor, done);
                   }));
        if (entries.empty()) return Error(Errc::store_corrupt, "the order log is shorter than the directory says");
        MELDER_CHECK(copy_->append(entries));
    }
    return ok();
}

std::shared_ptr<const TrustList> Keyserver::trust() const {
    const std::shared_lock lock(mutex_);
    return trust_;
}

SignedBytes Keyserver::newest_statement() const {
    const std::shared_lock lock(mutex_);
    return statement_;
}

SignedBytes Keyserver::sign_now(std::optional<ByteArray<16>> nonce) const {
    Statement statement;
    {
        const std::shared_lock lock(mutex_);
        statement.trust_list_version = trust_->version();
        statement.log_size = book_.size();
        statement.log_head = book_.head();
    }
    statement.time = clock_.wall();
    statement.client_nonce = nonce;
    statement.store_epoch = store_.epoch();
    const std::shared_lock lock(mutex_);
    return sign_statement(statement, statement_seed_);
}

void Keyserver::tick() {
    imports_.drop_idle(clock_.boot());
    auto statement = sign_now(std::nullopt);
    auto encoded = statement.encode();
    {
        const std::unique_lock lock(mutex_);
        statement_ = std::move(statement);
    }
    store_.publish_statement(std::move(encoded));
    write_logins();
}

void Keyserver::write_logins() {
    auto rows = logins_.take();
    if (rows.empty()) return;
    const auto written =
        wait_for<void>([&](auto executor, auto done) { store_.note_logins(std::move(rows), executor, done); });
    // For the help desk only, and the next login tells it again; the store's own alarm tells of the disk.
    if (written.has_error()) log_.warn("logins_not_written", {{"code", written.error().code()}});
}

bool Keyserver::names(const TrustList& list, const Ed25519Public& statement_key) {
    return std::ranges::find(list.fields().statement_keys, statement_key) != list.fields().statement_keys.end();
}

Ed25519Public Keyserver::statement_key() const {
    const std::shared_lock lock(mutex_);
    return ed25519_public_of(statement_seed_);
}

Result<void> Keyserver::use_statement_key(Ed25519Seed seed) {
    const std::unique_lock lock(mutex_);
    if (!names(*trust_, ed25519_public_of(seed))) return unlisted_statement_key();
    statement_seed_ = std::move(seed);
    return ok();
}

Result<wire::StatementReply> Keyserver::fetch_statement(const wire::FetchStatement& request) const {
    MELDER_TRY(const auto nonce, to_array<16>(view(request.client_nonce())));
    wire::StatementReply reply;
    *reply.mutable_statement() = sign_now(nonce).to_wire();
    return reply;
}

Result<server::Cursor> Keyserver::commit_change(server::DirectoryChange change) {
    imports_.note_changed(change.devices);
    MELDER_TRY(const auto cursor, wait_for<server::Cursor>([&](auto executor, auto done) {
                   store_.commit(std::move(change), executor, done);
               }));
    last_change_ = cursor;
    return cursor;
}

}  // namespace melder::keyserver
