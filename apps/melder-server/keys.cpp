#include "apps/melder-server/keys.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include "server/link/tls_identity.hpp"

namespace melder::apps {
namespace {

namespace fs = std::filesystem;

Error io_error(const fs::path& path) {
    return {Errc::io_error, path.string() + " (" + std::strerror(errno) + ")"};
}

/// Under another name first, synced, then renamed.
Result<void> replace(const fs::path& path, BytesView content, mode_t mode) {
    auto draft = path;
    draft += ".new";
    ::unlink(draft.c_str());  // left by a crash
    const int file = ::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file < 0) return io_error(path);
    bool good = true;
    while (!content.empty() && good) {
        const auto written = ::write(file, content.data(), content.size());
        if (written < 0) {
            good = errno == EINTR;
        } else {
            content = content.subspan(static_cast<std::size_t>(written));
        }
    }
    good = good && ::fsync(file) == 0;
    if (!good) {
        const auto failure = io_error(path);
        ::close(file);
        ::unlink(draft.c_str());
        return failure;
    }
    ::close(file);
    if (::rename(draft.c_str(), path.c_str()) != 0) return io_error(path);
    return ok();
}

Result<SecretBuffer> read_whole(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    Bytes content(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open() || content.empty()) {
        return Error(Errc::config_invalid, path.string() + " cannot be read; `melder-server init` makes it");
    }
    SecretBuffer out(content);
    wipe(content);
    return out;
}

Result<Hash> pin_of(const fs::path& certificate) {
    MELDER_TRY(const auto pem, read_whole(certificate));
    auto pin = server::spki_sha256_of(as_chars(pem.expose()));
    if (pin.has_error()) return Error(Errc::config_invalid, certificate.string() + " is no certificate in PEM");
    return pin;
}

Result<void> move(const fs::path& from, const fs::path& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return io_error(from);
    return ok();
}

Result<void> keep_former(const fs::path& file, const char* ending, mode_t mode) {
    MELDER_TRY(const auto content, read_whole(file));
    return replace(file.parent_path() / (file.stem().string() + "-former" + ending), content.expose(), mode);
}

}  // namespace

fs::path next_of(const fs::path& file) {
    return file.parent_path() / (file.stem().string() + "-next" + file.extension().string());
}

SetupRequest KeyPins::request() const {
    SetupRequest out;
    out.statement_keys.push_back(statement_key);
    for (const auto role : {ServerRole::relay, ServerRole::keyserver}) {
        out.pins.push_back({current, role});
        out.pins.push_back({next, role});
    }
    return out;
}

Result<KeyPins> load_pins(const server::ServerConfig& config) {
    KeyPins out;
    MELDER_TRY(out.current, pin_of(config.certificate_file));
    MELDER_TRY(out.next, pin_of(next_of(config.certificate_file)));
    MELDER_TRY(const auto seed_bytes, read_whole(config.statement_key_file));
    const auto seed = Ed25519Seed::from(seed_bytes.expose());
    if (seed.has_error())
        return Error(Errc::config_invalid,
                     config.statement_key_file + " does not hold the 32 bytes of a statement key");
    out.statement_key = ed25519_public_of(*seed);
    return out;
}

Result<KeyChange> advance_tls_key(const server::ServerConfig& config, const fs::path& config_file) {
    const fs::path certificate = config.certificate_file;
    const fs::path key = config.private_key_file;
    const auto next_certificate = next_of(certificate);
    const auto next_key = next_of(key);
    const auto former = certificate.parent_path() / (certificate.stem().string() + "-former.crt");
    // A next certificate without its key: this was interrupted between the two moves. A key without its certificate:
    // between the two writes below. Neither: between moving and writing.
    const bool whole = fs::exists(next_certificate) && fs::exists(next_key);
    if (whole) {
        MELDER_CHECK(keep_former(certificate, ".crt", 0644));
        MELDER_CHECK(keep_former(key, ".key", 0600));
        MELDER_CHECK(move(next_key, key));
    }
    if (fs::exists(next_certificate)) MELDER_CHECK(move(next_certificate, certificate));

    const auto made = server::make_tls_identity();
    MELDER_CHECK(replace(next_key, made.private_key_pem.expose(), 0600));
    MELDER_CHECK(replace(next_certificate, view(made.certificate_pem), 0644));
    KeyChange out;
    MELDER_TRY(out.former, pin_of(former));
    MELDER_TRY(out.pins, load_pins(config));
    out.request = fs::absolute(config_file).parent_path() / "setup-request";
    MELDER_CHECK(replace(out.request, view(out.pins.request().encode()), 0644));
    return out;
}

}  // namespace melder::apps
