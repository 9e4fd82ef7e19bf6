#include "apps/melder-server/keys.hpp"

#include <cerrno>
#include <cstdio>

#include "apps/melder-server/server_files.hpp"
#include "core/random.hpp"
#include "server/link/tls.hpp"
#include "server/link/tls_identity.hpp"

namespace melder::apps {
namespace {

namespace fs = std::filesystem;

constexpr mode_t secret_mode = 0600;
constexpr mode_t public_mode = 0644;

Result<Hash> pin_of(const fs::path& certificate) {
    MELDER_TRY(const auto pem, read_whole(certificate));
    auto pin = server::spki_sha256_of(as_chars(pem.expose()));
    if (pin.has_error()) return Error(Errc::config_invalid, certificate.string() + " is no certificate in PEM");
    return pin;
}

Result<Ed25519Public> public_half_of(const fs::path& statement_key) {
    MELDER_TRY(const auto bytes, read_whole(statement_key));
    const auto seed = Ed25519Seed::from(bytes.expose());
    if (seed.has_error())
        return Error(Errc::config_invalid, statement_key.string() + " does not hold the 32 bytes of a statement key");
    return ed25519_public_of(*seed);
}

Result<void> move(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error(from, errno);
    return ok();
}

Result<void> keep_former(const fs::path& file, const char* ending, mode_t mode) {
    MELDER_TRY(const auto content, read_whole(file));
    return replace_file(file.parent_path() / (file.stem().string() + "-former" + ending), content.expose(), mode);
}

Result<void> write_request(const ServerKeys& keys, const fs::path& config_file) {
    return replace_file(request_file_of(config_file), view(keys.request().encode()), public_mode);
}

}  // namespace

fs::path next_of(const fs::path& file) {
    return file.parent_path() / (file.stem().string() + "-next" + file.extension().string());
}

fs::path request_file_of(const fs::path& config_file) {
    return fs::absolute(config_file).parent_path() / "setup-request";
}

SetupRequest ServerKeys::request() const {
    SetupRequest out;
    out.statement_keys.push_back(statement);
    if (statement_next) out.statement_keys.push_back(*statement_next);
    for (const auto role : {ServerRole::relay, ServerRole::keyserver}) {
        out.pins.push_back({tls, role});
        out.pins.push_back({tls_next, role});
    }
    return out;
}

Result<ServerKeys> load_keys(const server::ServerConfig& config) {
    ServerKeys out;
    MELDER_TRY(out.tls, pin_of(config.certificate_file));
    MELDER_TRY(out.tls_next, pin_of(next_of(config.certificate_file)));
    MELDER_TRY(const auto context, server::TlsContext::load(config.certificate_file, config.private_key_file));
    out.tls_ends = context.ends();
    MELDER_TRY(out.statement, public_half_of(config.statement_key_file));
    if (const auto next = next_of(config.statement_key_file); fs::exists(next)) {
        MELDER_TRY(out.statement_next, public_half_of(next));
    }
    return out;
}

Result<std::shared_ptr<const TrustList>> load_listed(const server::ServerConfig& config) {
    std::shared_ptr<const TrustList> none;
    if (!fs::exists(config.trust_list_file)) return none;
    MELDER_TRY(const auto root_bytes, read_whole(config.root_set_file, "`melder-admin root init` writes it"));
    MELDER_TRY(const auto list_bytes, read_whole(config.trust_list_file, "`melder-admin trust sign` writes it"));
    const auto refused = [&](const Error& why) {
        return Error(Errc::config_invalid, config.trust_list_file + " does not count under the root set " +
                                               config.root_set_file + ": " + why.message());
    };
    const auto roots = RootSet::parse(root_bytes.expose());
    if (roots.has_error()) return Error(Errc::config_invalid, config.root_set_file + " is not a root set");
    const auto document = SignedBytes::parse(list_bytes.expose());
    if (document.has_error()) return refused(document.error());
    auto list = TrustList::verify(*document, *roots);
    if (list.has_error()) return refused(list.error());
    return std::shared_ptr<const TrustList>(std::make_shared<TrustList>(std::move(*list)));
}

Result<TlsKeyChange> advance_tls_key(const server::ServerConfig& config, const fs::path& config_file) {
    const fs::path certificate = config.certificate_file;
    const fs::path key = config.private_key_file;
    const auto next_certificate = next_of(certificate);
    const auto next_key = next_of(key);
    const auto former = certificate.parent_path() / (certificate.stem().string() + "-former.crt");
    // A next certificate without its key: this was interrupted between the two moves. A key without its certificate:
    // between the two writes below. Neither: between moving and writing.
    const bool whole = fs::exists(next_certificate) && fs::exists(next_key);
    if (whole) {
        MELDER_CHECK(keep_former(certificate, ".crt", public_mode));
        MELDER_CHECK(keep_former(key, ".key", secret_mode));
        MELDER_CHECK(move(next_key, key));
    }
    if (fs::exists(next_certificate)) MELDER_CHECK(move(next_certificate, certificate));

    const auto made = server::make_tls_identity();
    MELDER_CHECK(replace_file(next_key, made.private_key_pem.expose(), secret_mode));
    MELDER_CHECK(replace_file(next_certificate, view(made.certificate_pem), public_mode));
    TlsKeyChange out;
    MELDER_TRY(out.former, pin_of(former));
    MELDER_TRY(out.keys, load_keys(config));
    MELDER_CHECK(write_request(out.keys, config_file));
    return out;
}

Result<StatementKeyChange> advance_statement_key(const server::ServerConfig& config, const fs::path& config_file) {
    const fs::path key = config.statement_key_file;
    const auto next = next_of(key);
    StatementKeyChange out;
    if (fs::exists(next)) {
        MELDER_TRY(const auto listed, load_listed(config));
        MELDER_TRY(const auto coming, public_half_of(next));
        if (listed == nullptr ||
            std::ranges::find(listed->fields().statement_keys, coming) == listed->fields().statement_keys.end()) {
            return Error(Errc::not_allowed,
                         "the trust list " + config.trust_list_file + " does not name the next statement key " +
                             coming.hex() + ", so no phone would believe it; sign " +
                             request_file_of(config_file).string() +
                             " into the next list and publish that, then repeat. Nothing was changed");
        }
        MELDER_CHECK(move(next, key));
        out.advanced = true;
    }
    const auto made = system_random().secret<Ed25519Seed>();
    MELDER_CHECK(replace_file(next, made.expose(), secret_mode));
    MELDER_TRY(out.keys, load_keys(config));
    MELDER_CHECK(write_request(out.keys, config_file));
    return out;
}

}  // namespace melder::apps
