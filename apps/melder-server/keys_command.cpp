#include "apps/melder-server/keys_command.hpp"

#include <algorithm>
#include <ctime>
#include <iostream>

#include <CLI/CLI.hpp>

#include "apps/json.hpp"
#include "apps/melder-server/keys.hpp"
#include "core/clock.hpp"

namespace melder::apps {
namespace {

constexpr std::size_t digits = 16;  // enough for `melder-admin trust sign --drop-pin`

std::string date_of(UnixTime time) {
    const auto seconds = static_cast<std::time_t>(time.seconds());
    std::tm parts{};
    char text[16]{};
    ::gmtime_r(&seconds, &parts);
    std::strftime(text, sizeof text, "%Y-%m-%d", &parts);
    return text;
}

std::uint64_t days_until(UnixTime end) {
    return static_cast<std::uint64_t>(
        std::max<std::int64_t>(0, (end - system_clock().wall()) / std::chrono::hours(24)));
}

/// One key, and whether the trust list names it.
struct Shown {
    const char *label, *kind, *position;
    std::string hex;
    bool listed;
};

std::vector<Shown> rows_of(const ServerKeys& keys, const TrustList* list) {
    const auto pinned = [&](const Hash& spki) {
        return list != nullptr && list->has_pin(spki, ServerRole::relay) && list->has_pin(spki, ServerRole::keyserver);
    };
    const auto named = [&](const Ed25519Public& key) {
        return list != nullptr &&
               std::ranges::find(list->fields().statement_keys, key) != list->fields().statement_keys.end();
    };
    std::vector<Shown> rows{{"shown      ", "tls", "current", keys.tls.hex(), pinned(keys.tls)},
                            {"next       ", "tls", "next", keys.tls_next.hex(), pinned(keys.tls_next)},
                            {"statement  ", "statement", "current", keys.statement.hex(), named(keys.statement)}};
    if (keys.statement_next)
        rows.push_back({"its next   ", "statement", "next", keys.statement_next->hex(), named(*keys.statement_next)});
    return rows;
}

void print(const ServerKeys& keys, const TrustList* list, bool json) {
    bool all_listed = true;
    for (const auto& row : rows_of(keys, list)) {
        all_listed = all_listed && row.listed;
        if (json) {
            std::cout << JsonLine()
                             .text("key", row.kind)
                             .text("position", row.position)
                             .text(row.kind == std::string_view("tls") ? "pin" : "public_key", row.hex)
                             .flag("listed", row.listed)
                             .str()
                      << "\n";
        } else {
            std::cout << row.label << row.hex << (row.listed ? "" : "  not in the trust list") << "\n";
        }
    }
    if (json) {
        std::cout << JsonLine()
                         .number("tls_ends_s", static_cast<std::uint64_t>(keys.tls_ends.seconds()))
                         .number("tls_ends_in_days", days_until(keys.tls_ends))
                         .str()
                  << "\n";
        if (list == nullptr) return;
        const auto end = list->fields().not_after;
        std::cout << JsonLine()
                         .number("trust_list", list->version())
                         .number("trust_list_ends_s", static_cast<std::uint64_t>(end.seconds()))
                         .number("trust_list_ends_in_days", days_until(end))
                         .str()
                  << "\n";
        return;
    }
    std::cout << "TLS        the certificate that is shown ends on " << date_of(keys.tls_ends) << ", in "
              << days_until(keys.tls_ends) << " days\n";
    if (list == nullptr) {
        std::cout << "trust list none yet\n";
        return;
    }
    std::cout << "trust list version " << list->version() << ", ends on " << date_of(list->fields().not_after)
              << ", in " << days_until(list->fields().not_after) << " days\n";
    if (!all_listed) std::cout << "Sign setup-request into the next list (`melder-admin trust sign setup-request`).\n";
}

/// What `keys next` did and what comes after it, as an object.
void print_change(const char* kind, bool advanced, const std::string& former, const std::filesystem::path& request) {
    std::cout << JsonLine()
                     .text("changed", kind)
                     .flag("advanced", advanced)
                     .text("former", former)
                     .text("setup_request", request.string())
                     .str()
              << "\n";
}

Result<void> next_tls(const server::ServerConfig& config, const std::string& config_file, bool json) {
    MELDER_TRY(const auto listed, load_listed(config));
    MELDER_TRY(const auto change, advance_tls_key(config, config_file));
    const auto request = request_file_of(config_file);
    print(change.keys, listed.get(), json);
    if (json) {
        print_change("tls", true, change.former.hex(), request);
        return ok();
    }
    std::cout << "Next:\n"
                 "  1. let the server show it:  kill -HUP of melder-server, or start it again\n"
                 "  2. where the root keys are: melder-admin trust sign "
              << request.string() << " --drop-pin " << change.former.hex().substr(0, digits)
              << "\n  3. melder-admin trust publish trust-list-signed\n";
    return ok();
}

Result<void> next_statement(const server::ServerConfig& config, const std::string& config_file, bool json) {
    MELDER_TRY(const auto before, load_keys(config));
    MELDER_TRY(const auto listed, load_listed(config));
    MELDER_TRY(const auto change, advance_statement_key(config, config_file));
    const auto request = request_file_of(config_file);
    print(change.keys, listed.get(), json);
    if (json) {
        print_change("statement", change.advanced, change.advanced ? before.statement.hex() : "", request);
        return ok();
    }
    const auto ceremony = "where the root keys are: melder-admin trust sign " + request.string() + "\n";
    if (change.advanced) {
        std::cout << "Next:\n"
                     "  1. let the server sign with it: kill -HUP of melder-server, or start it again\n"
                     "  2. "
                  << ceremony
                  << "  3. melder-admin trust publish trust-list-signed\n"
                     "The list goes on naming the former key: bindings are dated by it.\n";
    } else {
        std::cout << "There was no next statement key; one was made, and nothing was changed. Next:\n  1. " << ceremony
                  << "  2. melder-admin trust publish trust-list-signed\n"
                     "  3. melder-server keys next --statement, once more\n";
    }
    return ok();
}

}  // namespace

KeysCommand::KeysCommand(CLI::App& app) {
    group_ = app.add_subcommand("keys", "The TLS and statement keys: the ones in use and the next ones.");
    group_->require_subcommand(1);
    group_->fallthrough();
    group_->add_option("--config", config_file_, "The configuration file")->capture_default_str();
    group_
        ->add_subcommand("show",
                         "Prints pins and public halves as the trust list must name them, whether it does, and when "
                         "TLS and the list end.\n\n"
                         "  melder-server keys show --config /srv/melder/melder.toml\n"
                         "  melder-server keys show --json --config /srv/melder/melder.toml\n")
        ->fallthrough();
    next_ = group_->add_subcommand(
        "next",
        "The next key takes the place of the one in use, and a new next one is made. No connection drops: the trust "
        "list in force names the next key already. An interrupted change is finished by repeating it.\n\n"
        "  melder-server keys next --config /srv/melder/melder.toml\n"
        "  melder-server keys next --statement --config /srv/melder/melder.toml\n");
    next_->fallthrough();
    next_->add_flag("--statement", statement_, "The key that signs statements, instead of the TLS key");
}

bool KeysCommand::parsed() const {
    return group_->parsed();
}

Result<void> KeysCommand::run(bool json) const {
    MELDER_TRY(const auto config, server::ServerConfig::load(config_file_));
    if (next_->parsed())
        return statement_ ? next_statement(config, config_file_, json) : next_tls(config, config_file_, json);
    MELDER_TRY(const auto keys, load_keys(config));
    MELDER_TRY(const auto listed, load_listed(config));
    print(keys, listed.get(), json);
    return ok();
}

}  // namespace melder::apps
