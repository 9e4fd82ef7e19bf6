#include "apps/melder-admin/log_commands.hpp"

#include <algorithm>
#include <deque>

#include "apps/json.hpp"
#include "apps/melder-admin/requests.hpp"
#include "apps/melder-admin/words.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

struct LogRead {
    OrderBook book;
    std::uint64_t ignored = 0;
};

/// Every entry that the server's signed head stands for, in order, each verified before `each` sees it.
Result<LogRead> read_log(Session& session, const std::function<void(const wire::LogEntry&, OrderBook::Effect)>& each) {
    MELDER_TRY(const auto statement, session.link->fetch_statement());
    MELDER_TRY(const auto known, session.home.load_log_position());
    if (statement.log_size < known.size) {
        return Error(Errc::log_fork, "the server's log is shorter than what you verified before");
    }
    LogRead out;
    auto& book = out.book;
    while (book.size() < statement.log_size) {
        Frame request;
        request.mutable_fetch_log()->set_from_index(book.size());
        request.mutable_fetch_log()->set_limit(limits::log_entries_per_page);
        MELDER_TRY(const auto reply, session.link->ask(std::move(request), Frame::kLogPage));
        if (reply.log_page().entries_size() == 0) return Error(Errc::log_invalid, "the server withholds entries");
        for (const auto& bytes : reply.log_page().entries()) {
            if (book.size() == statement.log_size) break;  // newer than the statement
            MELDER_TRY(const auto effect, book.apply(view(bytes), session.link->trust()));
            if (effect == OrderBook::Effect::ignored) ++out.ignored;
            wire::LogEntry entry;
            if (entry.ParseFromString(bytes)) each(entry, effect);
        }
    }
    if (book.head() != statement.log_head) return Error(Errc::log_fork, "the entries do not add up to the signed head");
    if (known.size > 0 && book.head_at(known.size) != known.head) {
        return Error(Errc::log_fork, "the log differs from what you verified before; keep both as evidence");
    }
    MELDER_CHECK(session.home.save_log_position({book.size(), book.head()}));
    return out;
}

struct Shown {
    std::uint64_t index = 0;
    UnixTime time;
    std::string kind, device, reason, signers, detail;
    bool reason_known = false, ignored = false;
};

std::string signers_of(const SignedBytes& document) {
    std::string out;
    for (const auto& signature : document.signatures)
        out += (out.empty() ? "" : " ") + short_hex(signature.key_id.hex());
    return out;
}

void describe_order(const wire::LogEntry& entry, const Home::Reasons& reasons, Shown& out) {
    const auto document = SignedBytes::from(entry.order());
    if (document.has_error()) return;
    const auto order = Order::parse(document->body);
    if (order.has_error()) return;
    out.kind = name_of(order->kind);
    out.device = order->target.hex();
    out.signers = signers_of(*document);
    if (const auto known = reasons.find(order->reason); known != reasons.end()) {
        out.reason = known->second;
        out.reason_known = true;
    }
    if (order->kind != OrderKind::supersede) return;
    const auto embedded = SignedBytes::parse(order->detail);
    if (embedded.has_error()) return;
    if (const auto grant = Grant::parse(embedded->body); grant.has_value()) {
        out.detail = "grant version " + std::to_string(grant->version) + ": " + grant->unit.string() + ", " +
                     roles_text(grant->roles) + ", until " + date_text(grant->not_after);
    }
}

/// Of an entry that carries no reason: what this home's journal says of its subject.
void find_note(const Home::Notes& notes, const std::string& subject, Shown& out) {
    const auto known = notes.find(subject);
    if (known == notes.end()) return;
    out.reason = known->second;
    out.reason_known = true;
}

Shown describe(const wire::LogEntry& entry, OrderBook::Effect effect, const Home::Reasons& reasons,
               const Home::Notes& notes) {
    Shown out;
    out.index = entry.index();
    out.time = UnixTime::from_seconds(static_cast<std::int64_t>(entry.time_s()));
    out.ignored = effect == OrderBook::Effect::ignored;
    if (entry.has_order()) {
        describe_order(entry, reasons, out);
    } else if (entry.has_trust_list()) {
        out.kind = "trust-list";
        out.detail = "version " + std::to_string(entry.trust_list().version());
        find_note(notes, to_hex(view(entry.trust_list().sha256())), out);
    } else if (entry.has_replacing()) {
        out.kind = "replace";
        const auto document = SignedBytes::from(entry.replacing().grant());
        if (document.has_error()) return out;
        out.signers = signers_of(*document);
        const auto grant = Grant::parse(document->body);
        if (grant.has_error()) return out;
        out.device = grant->enrolment_id.hex();
        find_note(notes, out.device, out);
        for (const auto& replaced : grant->replaces)
            out.detail += (out.detail.empty() ? "in the place of " : ", ") + replaced.hex();
    }
    return out;
}

void print(const Shown& entry, bool json, std::ostream& out) {
    if (json) {
        out << apps::JsonLine()
                   .number("index", entry.index)
                   .number("time_s", static_cast<std::uint64_t>(entry.time.seconds()))
                   .text("kind", entry.kind)
                   .text("device", entry.device)
                   .text("signed_by", entry.signers)
                   .text("detail", entry.detail)
                   .number("reason_known", entry.reason_known ? 1 : 0)
                   .text("reason", entry.reason)
                   .number("ignored", entry.ignored ? 1 : 0)
                   .str()
            << "\n";
        return;
    }
    out << entry.index << "  " << time_text(entry.time) << "  " << entry.kind;
    if (!entry.device.empty()) out << "  " << entry.device;
    if (!entry.detail.empty()) out << "  " << entry.detail;
    out << "\n";
    if (!entry.signers.empty()) out << "       signed by " << entry.signers << "\n";
    if (entry.reason_known) out << "       reason: " << entry.reason << "\n";
    if (entry.ignored) out << "       means nothing: a key that signed it is distrusted\n";
}

}  // namespace

Result<void> verify_log(Session& session, std::ostream& out) {
    MELDER_TRY(const auto read, read_log(session, [](const wire::LogEntry&, OrderBook::Effect) {}));
    if (session.json) {
        out << apps::JsonLine()
                   .number("log_size", read.book.size())
                   .text("log_head", read.book.head().hex())
                   .number("ignored", read.ignored)
                   .str()
            << "\n";
        return ok();
    }
    out << "the order log verifies: " << read.book.size() << " entries, head " << read.book.head().hex() << "\n";
    if (read.ignored > 0) out << read.ignored << " of them mean nothing: a key that signed them is distrusted\n";
    return ok();
}

Result<void> show_log(Session& session, const LogOptions& options, std::ostream& out) {
    std::string device;
    if (!options.device.empty()) {
        MELDER_TRY(const auto id, parse_device(options.device));
        device = id.hex();
    }
    MELDER_TRY(const auto reasons, session.home.load_reasons());
    MELDER_TRY(const auto notes, session.home.load_notes());
    std::deque<Shown> shown;
    MELDER_CHECK(read_log(session, [&](const wire::LogEntry& entry, OrderBook::Effect effect) {
        auto described = describe(entry, effect, reasons, notes);
        if (!device.empty() && described.device != device && described.detail.find(device) == std::string::npos) return;
        shown.push_back(std::move(described));
        if (options.last != 0 && shown.size() > options.last) shown.pop_front();
    }));
    for (const auto& entry : shown)
        print(entry, session.json, out);
    return ok();
}

}  // namespace melder::admin
