#include "apps/melder-admin/home.hpp"

#include <charconv>
#include <cstdlib>
#include <functional>

#include "apps/melder-admin/files.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace fs = std::filesystem;
namespace {

fs::path default_directory() {
    if (const char* named = std::getenv("MELDER_ADMIN_HOME"); named != nullptr && *named != '\0') return named;
    const char* const home = std::getenv("HOME");
    return fs::path(home == nullptr ? "." : home) / ".melder-admin";
}

Result<std::shared_ptr<const TrustList>> load_list(const fs::path& file, const RootSet& roots) {
    std::shared_ptr<const TrustList> none;
    if (!fs::exists(file)) return none;
    MELDER_TRY(const auto bytes, read_file(file, limits::trust_list_bytes));
    MELDER_TRY(const auto document, SignedBytes::parse(bytes.expose()));
    MELDER_TRY(auto list, TrustList::verify(document, roots));
    return std::shared_ptr<const TrustList>(std::make_shared<TrustList>(std::move(list)));
}

std::string journal_line(const Order& order, BytesView salt, std::string_view reason) {
    return std::to_string(order.issued_at.seconds()) + " " + std::string(name_of(order.kind)) + " " +
           order.target.hex() + " " + std::to_string(order.counter) + " " + to_hex(salt) + " " + std::string(reason);
}

constexpr std::size_t journal_bytes_longest = 256u * 1024 * 1024;
constexpr std::string_view no_salt = "-";  ///< of a line whose reason stands in no order

struct JournalLine {
    std::string_view subject, salt, reason;
};
Result<void> read_journal(const fs::path& file, const std::function<void(const JournalLine&)>& each) {
    if (!fs::exists(file)) return ok();
    MELDER_TRY(const auto bytes, read_file(file, journal_bytes_longest));
    auto text = as_chars(bytes.expose());
    while (!text.empty()) {
        const auto end = text.find('\n');
        auto line = text.substr(0, end);
        text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        std::string_view fields[5];  // time, kind, subject, counter, salt
        for (auto& field : fields) {
            const auto space = line.find(' ');
            if (space == std::string_view::npos) break;
            field = line.substr(0, space);
            line = line.substr(space + 1);
        }
        each({fields[2], fields[4], line});
    }
    return ok();
}

}  // namespace

Home::Home(const std::string& directory) : directory_(directory.empty() ? default_directory() : fs::path(directory)) {}

Result<void> Home::create() const {
    std::error_code error;
    fs::create_directories(directory_, error);
    if (!error) fs::permissions(directory_, fs::perms::owner_all, error);
    if (error) return Error(Errc::io_error, directory_.string() + " (" + error.message() + ")");
    return ok();
}

Result<RootSet> Home::load_root_set() const {
    const auto bytes = read_file(file("root-set"));
    if (bytes.has_error()) {
        return Error(Errc::not_found, "no root set in " + directory_.string() +
                                          "; make one with `root init`, or copy the file root-set there (see --home)");
    }
    return RootSet::parse(bytes->expose());
}

Result<std::shared_ptr<const TrustList>> Home::load_trust_list(const RootSet& roots) const {
    return load_list(file("trust-list"), roots);
}

Result<std::shared_ptr<const TrustList>> Home::load_newest_signed(const RootSet& roots) const {
    MELDER_TRY(auto seen, load_trust_list(roots));
    MELDER_TRY(auto made, load_list(file("trust-list-signed"), roots));
    if (seen == nullptr && made == nullptr && roots.version > 1) {
        // The first list under a new root set goes on from the last one under the former (`root accept` put it aside).
        const auto former = "root-set-" + std::to_string(roots.version - 1);
        if (!fs::exists(directory_ / former)) return seen;
        MELDER_TRY(const auto bytes, read_file(directory_ / former));
        MELDER_TRY(const auto before, RootSet::parse(bytes.expose()));
        MELDER_TRY(seen, load_list(directory_ / ("trust-list-" + former), before));
        MELDER_TRY(made, load_list(directory_ / ("trust-list-signed-" + former), before));
    }
    return seen == nullptr || (made != nullptr && made->version() > seen->version()) ? made : seen;
}

Result<void> Home::save_trust_list(const TrustList& list) const {
    return replace_file(file("trust-list"), list.document().encode(), 0600);
}

Result<Home::LogPosition> Home::load_log_position() const {
    if (!fs::exists(file("log-position"))) return LogPosition{};
    MELDER_TRY(const auto bytes, read_file(file("log-position")));
    const auto text = as_chars(bytes.expose());
    const Error damaged(Errc::malformed, file("log-position").string());
    LogPosition out;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), out.size);
    if (parsed.ec != std::errc() || parsed.ptr == text.data() + text.size() || *parsed.ptr != ' ') return damaged;
    const auto head = Hash::from_hex(text.substr(static_cast<std::size_t>(parsed.ptr + 1 - text.data())));
    if (head.has_error()) return damaged;
    out.head = *head;
    return out;
}

Result<void> Home::save_log_position(const LogPosition& position) const {
    return replace_file(file("log-position"), view(std::to_string(position.size) + " " + position.head.hex()), 0600);
}

Result<void> Home::note_order(const Order& order, BytesView salt, std::string_view reason) const {
    return append_line(file("journal"), journal_line(order, salt, reason));
}

Result<void> Home::note_orders(const std::vector<NotedOrder>& orders, std::string_view reason) const {
    if (orders.empty()) return ok();
    std::string lines;
    for (const auto& noted : orders)
        lines += (lines.empty() ? "" : "\n") + journal_line(noted.order, noted.salt, reason);
    return append_line(file("journal"), lines);
}

Result<void> Home::note_subject(std::string_view kind, const std::string& subject, UnixTime now,
                                std::string_view reason) const {
    return append_line(file("journal"), std::to_string(now.seconds()) + " " + std::string(kind) + " " + subject +
                                            " 0 " + std::string(no_salt) + " " + std::string(reason));
}

Result<Home::Reasons> Home::load_reasons() const {
    Reasons out;
    MELDER_CHECK(read_journal(file("journal"), [&](const JournalLine& line) {
        // A line that was cut off by a crash explains nothing and spoils nothing.
        const auto salt = from_hex(line.salt);
        if (salt.has_value() && salt->size() == 16) out.emplace(sha256({*salt, view(line.reason)}), line.reason);
    }));
    return out;
}

Result<Home::Notes> Home::load_notes() const {
    Notes out;
    MELDER_CHECK(read_journal(file("journal"), [&](const JournalLine& line) {
        if (line.salt == no_salt) out.insert_or_assign(std::string(line.subject), line.reason);
    }));
    return out;
}

}  // namespace melder::admin
