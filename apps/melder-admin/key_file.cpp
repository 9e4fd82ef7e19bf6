#include "apps/melder-admin/key_file.hpp"

#include "apps/melder-admin/files.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

constexpr std::string_view magic = "MELDKEY1";
constexpr std::size_t salt_bytes = 16;
constexpr std::size_t cost_at = magic.size();
constexpr std::size_t salt_at = cost_at + 3;
constexpr std::size_t nonce_at = salt_at + salt_bytes;
constexpr std::size_t header_bytes = nonce_at + aead_nonce_bytes;
constexpr std::size_t file_bytes = header_bytes + Ed25519Seed::size_bytes + aead_tag_bytes;

Result<AeadKey> derive(const SecretBuffer& passphrase, BytesView header) {
    const auto log2_n = header[cost_at];
    const std::uint64_t r = header[cost_at + 1];
    const std::uint64_t p = header[cost_at + 2];
    if (log2_n < 1 || log2_n > 24 || r == 0 || p == 0 || p > 16) return Errc::malformed;
    const auto n = std::uint64_t{1} << log2_n;
    if (128 * n * r > limits::scrypt_memory_bytes) return Errc::malformed;
    AeadKey key;
    MELDER_CHECK(scrypt(passphrase.expose(), header.subspan(salt_at, salt_bytes), n, static_cast<std::uint32_t>(r),
                        static_cast<std::uint32_t>(p), key.expose_writable()));
    return key;
}

std::span<const Byte, aead_nonce_bytes> nonce_of(BytesView header) {
    return header.subspan<nonce_at, aead_nonce_bytes>();
}

}  // namespace

Result<Bytes> seal_key(const Ed25519Seed& seed, const SecretBuffer& passphrase, Random& random,
                       const ScryptCost& cost) {
    Bytes file = to_bytes(view(magic));
    file.insert(file.end(), {cost.log2_n, cost.r, cost.p});
    file.resize(header_bytes);
    random.fill(std::span(file).subspan(salt_at));
    MELDER_TRY(const auto key, derive(passphrase, file));
    const auto sealed = aead_seal(key, nonce_of(file), file, seed.expose());
    file.insert(file.end(), sealed.begin(), sealed.end());
    return file;
}

Result<Ed25519Seed> open_key(BytesView file, const SecretBuffer& passphrase) {
    if (file.size() != file_bytes || !equal(file.first(magic.size()), view(magic))) {
        return Error(Errc::malformed, "this is no key file of melder-admin");
    }
    const auto header = file.first(header_bytes);
    MELDER_TRY(const auto key, derive(passphrase, header));
    const auto seed = aead_open(key, nonce_of(header), header, file.subspan(header_bytes));
    if (seed.has_error()) return Errc::wrong_passphrase;
    return Ed25519Seed::from(seed->expose());
}

Result<Ed25519Seed> load_key(const std::filesystem::path& file, const SecretBuffer& passphrase) {
    MELDER_TRY(const auto bytes, read_file(file));
    auto seed = open_key(bytes.expose(), passphrase);
    if (seed.has_error()) {
        const auto why = seed.error();
        return Error(why.code(), why.detail().empty() ? file.string() : file.string() + ": " + why.detail());
    }
    return seed;
}

}  // namespace melder::admin
