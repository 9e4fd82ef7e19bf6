#include "apps/melder-admin/root_commands.hpp"

#include <unistd.h>

#include <algorithm>
#include <iostream>

#include "apps/json.hpp"
#include "apps/melder-admin/confirm.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"
#include "apps/melder-admin/paper_share.hpp"
#include "apps/melder-admin/words.hpp"

namespace melder::admin {
namespace {

constexpr unsigned secret_mode = 0600;
constexpr unsigned public_mode = 0644;
constexpr std::size_t root_set_keys = 2;  // a working and a reserve one

std::string short_id(const Ed25519Public& key) {
    return short_hex(key_id_of(key).hex());
}

Result<Ed25519Seed> load_root_key(const std::string& file, const PassphraseSource& source) {
    MELDER_TRY(const auto passphrase, read_passphrase(source, "Passphrase of " + file, false));
    return load_key(file, passphrase);
}

Result<void> save_key(const std::filesystem::path& file, const Ed25519Seed& seed, const PassphraseSource& source) {
    MELDER_TRY(const auto passphrase, read_passphrase(source, "Passphrase for " + file.string(), true));
    MELDER_TRY(const auto sealed, seal_key(seed, passphrase, system_random()));
    return write_new_file(file, sealed, secret_mode);
}

void print_set(const RootSet& set, bool json, std::ostream& out) {
    const auto hash = sha256(set.encode()).hex();
    if (json) {
        out << apps::JsonLine()
                   .number("root_set", set.version)
                   .text("sha256", hash)
                   .number("threshold", set.threshold)
                   .number("keys", set.keys.size())
                   .str()
            << "\n";
        for (const auto& key : set.keys)
            out << apps::JsonLine().text("root_key", key_id_of(key).hex()).str() << "\n";
        return;
    }
    out << "root set   " << set.version << "  " << hash << "\n"
        << set.threshold << " of " << set.keys.size() << " keys sign\n";
    for (const auto& key : set.keys)
        out << "root key   " << short_id(key) << "\n";
}

// ---- shares -------------------------------------------------------------------------------------------------------

/// In a buffer of its final size: a string that grew would leave shares behind in freed blocks.
SecretBuffer sheet_of(const PaperShare& share, const ShareOptions& options, const Ed25519Public& key) {
    const std::string head = "# Melder, root key " + short_id(key) + ": share " + std::to_string(share.share.x) +
                             " of " + std::to_string(options.count) + ". Any " + std::to_string(options.threshold) +
                             " of them give the key back, fewer say nothing about it.\n# Printed " +
                             date_text(system_clock().wall()) + ", printing " + to_hex(share.split) +
                             ". Seal it, and keep it where no other share lies.\n\n";
    constexpr std::string_view indent = "    ", foot = "\n# To use it: melder-admin root recover --out root.key\n";
    const auto lines = write_share(share);
    std::size_t size = head.size() + foot.size();
    for (const auto& line : lines)
        size += indent.size() + line.size() + 1;
    SecretBuffer sheet(size);
    auto at = sheet.expose_writable().begin();
    const auto put = [&at](BytesView bytes) { at = std::ranges::copy(bytes, at).out; };
    put(view(head));
    for (const auto& line : lines) {
        put(view(indent));
        put(line.expose());
        put(view("\n"));
    }
    put(view(foot));
    return sheet;
}

/// Lines as they are typed or stand in a file, checked one by one.
class ShareReader {
public:
    /// "line 2 of share 1".
    [[nodiscard]] std::string place() const {
        return "line " + std::to_string(lines_.size() + 1) + " of share " + std::to_string(shares_.size() + 1);
    }
    [[nodiscard]] bool complete() const { return !shares_.empty() && shares_.size() >= shares_.front().threshold; }
    /// False: an empty line or a comment.
    Result<bool> take(std::string_view typed) {
        const auto start = typed.find_first_not_of(" \t\r\f");
        if (start == std::string_view::npos || typed[start] == '#') return false;
        MELDER_TRY(auto line, read_share_line(typed.substr(start), lines_.size() + 1));
        lines_.push_back(std::move(line));
        if (lines_.size() < share_lines) return true;
        auto share = read_share(lines_);
        lines_.clear();
        if (share.has_error()) return std::move(share).error();
        const bool twice =
            std::ranges::any_of(shares_, [&](const PaperShare& other) { return other.share.x == share->share.x; });
        if (twice) return Error(Errc::bad_argument, "this share was given already");
        shares_.push_back(std::move(*share));
        return true;
    }
    [[nodiscard]] const std::vector<PaperShare>& shares() const { return shares_; }

private:
    std::vector<SecretBuffer> lines_;
    std::vector<PaperShare> shares_;
};

Result<void> read_files(const std::vector<std::string>& files, ShareReader& reader) {
    for (const auto& file : files) {
        MELDER_TRY(const auto bytes, read_file(file));
        auto text = as_chars(bytes.expose());
        for (std::size_t number = 1; !text.empty() && !reader.complete(); ++number) {
            const auto end = text.find('\n');
            const auto place = reader.place();
            const auto taken = reader.take(text.substr(0, end));
            if (taken.has_error()) {
                return Error(Errc::malformed, file + ", line " + std::to_string(number) + " (" + place +
                                                  "): " + taken.error().detail() + "; nothing was written");
            }
            text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
        }
    }
    return ok();
}

Result<void> read_typed(ShareReader& reader, std::ostream& out) {
    const bool asked = ::isatty(STDIN_FILENO) == 1;
    std::string line;
    while (!reader.complete()) {
        if (asked) out << reader.place() << ": " << std::flush;
        if (!std::getline(std::cin, line)) break;
        const auto place = reader.place();
        const auto taken = reader.take(line);
        wipe(std::span(reinterpret_cast<Byte*>(line.data()), line.size()));
        if (!taken.has_error()) continue;
        if (!asked) return Error(Errc::malformed, place + ": " + taken.error().detail() + "; nothing was written");
        out << "  " << taken.error().detail() << ", once more\n";
    }
    return ok();
}

}  // namespace

Result<void> root_show(const Home& home, bool json, std::ostream& out) {
    MELDER_TRY(const auto set, home.load_root_set());
    print_set(set, json, out);
    return ok();
}

Result<void> root_share(const Home& home, const ShareOptions& options, const PassphraseSource& source,
                        std::ostream& out) {
    const auto file = options.key.empty() ? home.file("root-reserve.key").string() : options.key;
    for (std::size_t i = 1; i <= options.count && !options.out.empty(); ++i) {
        const auto name = options.out + "-" + std::to_string(i) + ".share";
        if (std::filesystem::exists(name)) return Error(Errc::already_exists, name + "; nothing was written");
    }
    MELDER_TRY(const auto seed, load_root_key(file, source));
    MELDER_TRY(auto parts, split_seed(seed, options.threshold, options.count, system_random()));
    const auto key = ed25519_public_of(seed);
    PaperShare share;
    share.threshold = static_cast<Byte>(options.threshold);
    system_random().fill(share.split);
    std::ranges::copy(key_id_of(key).view().first(share.key.size()), share.key.begin());
    for (auto& part : parts) {
        const auto number = std::to_string(part.x);
        share.share = std::move(part);
        const auto sheet = sheet_of(share, options, key);
        const auto text = as_chars(sheet.expose());
        if (!options.out.empty()) {
            MELDER_CHECK(write_new_file(options.out + "-" + number + ".share", sheet.expose(), secret_mode));
        } else if (options.json) {
            out << apps::JsonLine().text("share", number).text("sheet", text).str() << "\n";
        } else {
            out << text << (share.share.x == options.count ? "" : "\f");
        }
    }
    if (!options.out.empty() && options.json) {
        out << apps::JsonLine().number("shares", options.count).text("files", options.out + "-N.share").str() << "\n";
    } else if (!options.out.empty()) {
        out << options.count << " shares in " << options.out << "-1.share to -" << options.count
            << ".share: print each on its own sheet, then destroy the files\n";
    }
    return ok();
}

Result<void> root_recover(const Home& home, const RecoverOptions& options, const PassphraseSource& source,
                          std::ostream& out) {
    if (std::filesystem::exists(options.out)) return Error(Errc::already_exists, options.out + "; nothing was read");
    ShareReader reader;
    MELDER_CHECK(options.files.empty() ? read_typed(reader, out) : read_files(options.files, reader));
    auto seed = recover_seed(reader.shares());
    if (seed.has_error()) return Error(seed.error().code(), seed.error().detail() + "; nothing was written");
    const auto key = ed25519_public_of(*seed);
    if (std::filesystem::exists(home.file("root-set"))) {
        MELDER_TRY(const auto set, home.load_root_set());
        if (std::ranges::find(set.keys, key) == set.keys.end())
            std::cerr << "warning: key " << short_id(key) << " is not in the root set of " << home.file("").string()
                      << "\n";
    }
    MELDER_CHECK(save_key(options.out, *seed, source));
    if (options.json) {
        out << apps::JsonLine().text("root_key", key_id_of(key).hex()).text("file", options.out).str() << "\n";
    } else {
        out << "root key " << short_id(key) << " is back, in " << options.out
            << "\nShares that were unsealed are no longer secret from whoever was in the room: print new ones with "
               "`root "
               "share`, or replace the key with `root succeed`.\n";
    }
    return ok();
}

Result<void> root_succeed(const Home& home, const SucceedOptions& options, const PassphraseSource& source,
                          std::ostream& out) {
    const Home next_home(options.new_home);
    if (std::filesystem::exists(next_home.file("root-set")))
        return Error(Errc::already_exists, next_home.file("root-set").string() + "; nothing was changed");
    MELDER_TRY(const auto present, home.load_root_set());
    if (options.kept.size() > root_set_keys || options.threshold < 1 || options.threshold > root_set_keys)
        return Error(Errc::bad_argument, "a root set has two keys, of which 1 or 2 sign; keep at most two");
    RootSet next;
    next.version = present.version + 1;
    next.threshold = options.threshold;
    next.previous = sha256(present.encode());
    for (const auto& file : options.kept) {
        MELDER_TRY(const auto seed, load_root_key(file, source));
        const auto key = ed25519_public_of(seed);
        if (std::ranges::find(present.keys, key) == present.keys.end())
            return Error(Errc::bad_argument, "--keep " + file + ": the present root set has no such key");
        next.keys.push_back(key);
    }
    std::vector<Ed25519Seed> made;
    while (next.keys.size() < root_set_keys) {
        made.push_back(system_random().secret<Ed25519Seed>());
        next.keys.push_back(ed25519_public_of(made.back()));
    }
    auto files = options.root_keys;
    if (files.empty()) files.push_back(home.file("root-working.key").string());
    SignedBytes succession;
    succession.body = next.encode();
    MELDER_CHECK(RootSet::parse(succession.body));
    MELDER_CHECK(confirm("Root set " + std::to_string(next.version) + " after " + std::to_string(present.version) +
                             ", with " + std::to_string(made.size()) + " new keys?",
                         options.yes));
    for (const auto& file : files) {
        MELDER_TRY(const auto seed, load_root_key(file, source));
        sign(succession, Context::root_set, seed);
    }
    if (const auto follows = present.verify_successor(succession); follows.has_error()) {
        return Error(Errc::not_allowed, "the present root set asks for " + std::to_string(present.threshold) +
                                            " of its keys; name each with --root-key. Nothing was written");
    }
    MELDER_CHECK(next_home.create());
    std::vector<const char*> names{"root-working.key", "root-reserve.key"};
    if (options.kept.size() == 1 && std::filesystem::path(options.kept.front()).filename() != names[1])
        std::swap(names[0], names[1]);  // the working key stays: the new one is the reserve
    for (std::size_t i = 0; i < made.size(); ++i)
        MELDER_CHECK(save_key(next_home.file(names[i]), made[i], source));
    MELDER_CHECK(write_new_file(next_home.file("root-succession"), succession.encode(), public_mode));
    MELDER_CHECK(write_new_file(next_home.file("root-set"), succession.body, public_mode));
    print_set(next, options.json, out);
    if (!options.json) {
        out << "Next: `root accept " << next_home.file("root-succession").string()
            << "` wherever the present root set lies, then `trust sign` with the new keys.\n";
    }
    return ok();
}

Result<void> root_accept(const Home& home, const std::string& file, bool yes, bool json, std::ostream& out) {
    MELDER_TRY(const auto present, home.load_root_set());
    MELDER_TRY(const auto bytes, read_file(file));
    const auto succession = SignedBytes::parse(bytes.expose());
    if (succession.has_error()) return Error(Errc::malformed, file + " is no root succession");
    if (succession->body == present.encode()) {
        print_set(present, json, out);
        return ok();
    }
    if (const auto follows = present.verify_successor(*succession); follows.has_error()) {
        return Error(Errc::not_allowed, file + " does not follow root set " + std::to_string(present.version) + " of " +
                                            home.file("").string() + ": " + follows.error().message() +
                                            "; nothing was changed");
    }
    MELDER_TRY(const auto next, RootSet::parse(succession->body));
    print_set(next, json, out);
    MELDER_CHECK(confirm("Put it in the place of root set " + std::to_string(present.version) + "?", yes));
    const auto former = "root-set-" + std::to_string(present.version);
    MELDER_CHECK(replace_file(home.file(former.c_str()), present.encode(), public_mode));
    // The former list stays for `trust sign --previous`; it does not count under the new set.
    std::error_code ignored;
    for (const auto* const list : {"trust-list", "trust-list-signed"})
        std::filesystem::rename(home.file(list), home.file((std::string(list) + "-" + former).c_str()), ignored);
    return replace_file(home.file("root-set"), succession->body, public_mode);
}

}  // namespace melder::admin
