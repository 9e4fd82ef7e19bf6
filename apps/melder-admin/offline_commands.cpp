#include "apps/melder-admin/offline_commands.hpp"

#include "apps/json.hpp"
#include "apps/melder-admin/ceremony.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"

namespace melder::admin {
namespace {

constexpr unsigned secret_mode = 0600;
constexpr unsigned public_mode = 0644;

}  // namespace

Result<void> root_init(const Home& home, std::uint32_t threshold, const PassphraseSource& source, bool json,
                       std::ostream& out) {
    if (std::filesystem::exists(home.file("root-set"))) {
        return Error(Errc::already_exists, home.file("root-set").string() + "; nothing was changed");
    }
    MELDER_TRY(const auto roots, make_root_keys(threshold, system_random()));
    // Each key may have a holder of its own.
    MELDER_TRY(const auto first, read_passphrase(source, "Passphrase for root-working.key", true));
    MELDER_TRY(const auto second, read_passphrase(source, "Passphrase for root-reserve.key", true));
    MELDER_TRY(const auto working, seal_key(roots.working, first, system_random()));
    MELDER_TRY(const auto reserve, seal_key(roots.reserve, second, system_random()));
    MELDER_CHECK(home.create());
    MELDER_CHECK(write_new_file(home.file("root-working.key"), working, secret_mode));
    MELDER_CHECK(write_new_file(home.file("root-reserve.key"), reserve, secret_mode));
    const auto encoded = roots.set.encode();
    // Last: where it stands, the ceremony was completed.
    MELDER_CHECK(write_new_file(home.file("root-set"), encoded, public_mode));
    if (json) {
        out << apps::JsonLine()
                   .text("sha256", sha256(encoded).hex())
                   .number("threshold", threshold)
                   .text("file", home.file("root-set").string())
                   .str()
            << "\n";
        return ok();
    }
    out << "root set " << sha256(encoded).hex() << ", " << threshold << " of 2 keys sign\n"
        << "Pin " << home.file("root-set").string() << " in the app. Keep root-reserve.key in another place.\n";
    return ok();
}

Result<void> key_create(const std::string& file, const std::string& rights, const PassphraseSource& source, bool json,
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
    if (json) {
        out << apps::JsonLine()
                   .text("admin_key", key_id_of(key.key).hex())
                   .text("rights", rights_text(key.rights))
                   .text("file", file)
                   .text("public_file", file + ".pub")
                   .str()
            << "\n";
        return ok();
    }
    out << "key " << key_id_of(key.key).hex() << " with " << rights_text(key.rights)
        << "\nIt counts once `trust sign --admin " << file << ".pub` has put it into the trust list.\n";
    return ok();
}

}  // namespace melder::admin
