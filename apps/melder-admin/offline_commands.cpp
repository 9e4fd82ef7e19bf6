#include "apps/melder-admin/offline_commands.hpp"

#include "apps/melder-admin/ceremony.hpp"
#include "apps/melder-admin/documents.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"

namespace melder::admin {
namespace {

constexpr unsigned secret_mode = 0600;
constexpr unsigned public_mode = 0644;

Error in_file(const std::string& file, const Error& error) {
    return {error.code(), file + (error.detail().empty() ? "" : ": " + error.detail())};
}

template <class T, class Parse>
Result<std::vector<T>> parse_files(const std::vector<std::string>& files, Parse parse) {
    std::vector<T> out;
    for (const auto& file : files) {
        MELDER_TRY(const auto bytes, read_file(file));
        auto parsed = parse(as_chars(bytes.expose()));
        if (parsed.has_error()) return in_file(file, parsed.error());
        out.push_back(std::move(*parsed));
    }
    return out;
}

}  // namespace

Result<void> root_init(const Home& home, std::uint32_t threshold, const PassphraseSource& source, std::ostream& out) {
    if (std::filesystem::exists(home.file("root-set"))) {
        return Error(Errc::already_exists, home.file("root-set").string() + "; nothing was changed");
    }
    MELDER_TRY(const auto roots, make_root_keys(threshold, system_random()));
    MELDER_TRY(const auto passphrase, read_passphrase(source, "Passphrase for the root keys", true));
    MELDER_TRY(const auto working, seal_key(roots.working, passphrase, system_random()));
    MELDER_TRY(const auto reserve, seal_key(roots.reserve, passphrase, system_random()));
    MELDER_CHECK(home.create());
    MELDER_CHECK(write_new_file(home.file("root-working.key"), working, secret_mode));
    MELDER_CHECK(write_new_file(home.file("root-reserve.key"), reserve, secret_mode));
    const auto encoded = roots.set.encode();
    // Last: where it stands, the ceremony was completed.
    MELDER_CHECK(write_new_file(home.file("root-set"), encoded, public_mode));
    out << "root set " << sha256(encoded).hex() << ", " << threshold << " of 2 keys sign\n"
        << "Pin " << home.file("root-set").string() << " in the app. Keep root-reserve.key in another place.\n";
    return ok();
}

Result<void> key_create(const std::string& file, const std::string& rights, const PassphraseSource& source,
                        std::ostream& out) {
    AdminKey key;
    MELDER_TRY(key.rights, parse_rights(rights));
    for (const auto& name : {file, file + ".pub"}) {
        if (std::filesystem::exists(name)) return Error(Errc::already_exists, name + "; nothing was changed");
    }
    const auto seed = system_random().secret<Ed25519Seed>();
    key.key = ed25519_public_of(seed);
    MELDER_TRY(const auto passphrase, read_passphrase(source, "Passphrase for " + file, true));
    MELDER_TRY(const auto sealed, seal_key(seed, passphrase, system_random()));
    std::error_code ignored;  // the write says what is wrong
    std::filesystem::create_directories(std::filesystem::path(file).parent_path(), ignored);
    MELDER_CHECK(write_new_file(file, sealed, secret_mode));
    MELDER_CHECK(write_new_file(file + ".pub", view(encode_admin_public(key)), public_mode));
    out << "key " << key_id_of(key.key).hex() << " with " << rights_text(key.rights)
        << "\nIt counts once `trust sign --admin " << file << ".pub` has put it into the trust list.\n";
    return ok();
}

Result<void> trust_sign(const Home& home, const TrustSignOptions& options, const PassphraseSource& source,
                        std::ostream& out) {
    MELDER_TRY(const auto roots, home.load_root_set());
    ListDraft draft;
    draft.now = system_clock().wall();
    MELDER_TRY(draft.valid, parse_duration(options.valid));
    MELDER_TRY(draft.servers, parse_files<SetupRequest>(options.requests, SetupRequest::parse));
    MELDER_TRY(draft.admins, parse_files<AdminKey>(options.admins, parse_admin_public));
    std::shared_ptr<const TrustList> previous;
    if (!options.previous.empty()) {
        MELDER_TRY(const auto bytes, read_file(options.previous));
        MELDER_TRY(const auto document, SignedBytes::parse(bytes.expose()));
        MELDER_TRY(auto list, TrustList::verify(document, roots));
        previous = std::make_shared<TrustList>(std::move(list));
    } else {
        MELDER_TRY(previous, home.load_trust_list(roots));
    }
    draft.previous = previous.get();
    auto files = options.root_keys;
    if (files.empty()) files.push_back(home.file("root-working.key").string());
    std::vector<Ed25519Seed> keys;
    MELDER_TRY(const auto passphrase, read_passphrase(source, "Passphrase of the root keys", false));
    for (const auto& file : files) {
        MELDER_TRY(auto key, load_key(file, passphrase));
        keys.push_back(std::move(key));
    }
    MELDER_TRY(const auto document, sign_trust_list(draft, roots, keys));
    const auto target = options.out.empty() ? home.file("trust-list") : std::filesystem::path(options.out);
    MELDER_CHECK(replace_file(target, document.encode(), public_mode));
    MELDER_TRY(const auto list, TrustList::verify(document, roots));
    MELDER_CHECK(home.save_trust_list(list));
    out << "trust list " << list.version() << ": " << list.fields().admin_keys.size() << " administrator keys, "
        << list.fields().pins.size() << " pins, in " << target.string() << "\n";
    return ok();
}

}  // namespace melder::admin
