// A program of its own, without sanitizers: does a shared secret that libsignal computed and freed still lie on the
// heap?
//
// wiping_free_probe left|wiped   exits with 0 if that is so

#include <openssl/evp.h>
#include <openssl/params.h>
#include <signal/curve.h>
#include <signal/hkdf.h>
#include <signal/ratchet.h>
#include <signal/signal_protocol.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>

namespace {

EVP_MAC* hmac = nullptr;

int hmac_init(void** context, const uint8_t* key, size_t size, void*) {
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string("digest", digest, 0), OSSL_PARAM_construct_end()};
    auto* made = EVP_MAC_CTX_new(hmac);
    *context = made;
    return EVP_MAC_init(made, key, size, params) == 1 ? 0 : SG_ERR_UNKNOWN;
}
int hmac_update(void* context, const uint8_t* data, size_t size, void*) {
    return EVP_MAC_update(static_cast<EVP_MAC_CTX*>(context), data, size) == 1 ? 0 : SG_ERR_UNKNOWN;
}
int hmac_final(void* context, signal_buffer** output, void*) {
    uint8_t out[32];
    size_t size = 0;
    if (EVP_MAC_final(static_cast<EVP_MAC_CTX*>(context), out, &size, sizeof out) != 1) return SG_ERR_UNKNOWN;
    *output = signal_buffer_create(out, size);
    return 0;
}
void hmac_cleanup(void* context, void*) {
    EVP_MAC_CTX_free(static_cast<EVP_MAC_CTX*>(context));
}

/// A block that is freed gets the allocator's own notes in its first 16 bytes, so the second half is looked for.
using Inverted = std::array<unsigned char, 16>;

int occurrences_on_the_heap(const Inverted& pattern) {
    std::ifstream maps("/proc/self/maps");
    int found = 0;
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0;
        unsigned long end = 0;
        if (line.find("[heap]") == std::string::npos || std::sscanf(line.c_str(), "%lx-%lx", &begin, &end) != 2)
            continue;
        for (auto at = begin; at + pattern.size() <= end; ++at) {
            const auto* bytes = reinterpret_cast<const unsigned char*>(at);
            std::size_t same = 0;
            while (same < pattern.size() && static_cast<unsigned char>(~bytes[same]) == pattern[same])
                ++same;
            if (same == pattern.size()) ++found;
        }
    }
    return found;
}

int library_derives_from_an_agreement(ratchet_root_key* root, ec_public_key* theirs, ec_private_key* own) {
    ratchet_root_key* next = nullptr;
    ratchet_chain_key* chain = nullptr;
    const int code = ratchet_root_key_create_chain(root, &next, &chain, theirs, own);
    SIGNAL_UNREF(next);
    SIGNAL_UNREF(chain);
    return code;
}

}  // namespace

int main(int, char** argv) {
    hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    signal_crypto_provider provider{};
    provider.hmac_sha256_init_func = hmac_init;
    provider.hmac_sha256_update_func = hmac_update;
    provider.hmac_sha256_final_func = hmac_final;
    provider.hmac_sha256_cleanup_func = hmac_cleanup;
    signal_context* context = nullptr;
    signal_context_create(&context, nullptr);
    signal_context_set_crypto_provider(context, &provider);

    uint8_t bytes[32];
    for (unsigned i = 0; i < sizeof bytes; ++i)
        bytes[i] = static_cast<uint8_t>(i * 7 + 8);
    bytes[0] &= 0xf8;
    bytes[31] = static_cast<uint8_t>((bytes[31] & 0x7f) | 0x40);
    ec_private_key* own = nullptr;
    ec_public_key* theirs = nullptr;
    hkdf_context* kdf = nullptr;
    ratchet_root_key* root = nullptr;
    curve_decode_private_point(&own, bytes, sizeof bytes, context);
    curve_generate_public_key(&theirs, own);
    hkdf_create(&kdf, 3, context);
    ratchet_root_key_create(&root, kdf, bytes, sizeof bytes, context);

    uint8_t* shared = nullptr;
    if (curve_calculate_agreement(&shared, theirs, own) != 32) return 2;
    Inverted pattern;
    for (std::size_t i = 0; i < pattern.size(); ++i)
        pattern[i] = static_cast<unsigned char>(~shared[16 + i]);
    if (occurrences_on_the_heap(pattern) != 1) return 2;  // the search works
    explicit_bzero(shared, 32);
    std::free(shared);

    if (library_derives_from_an_agreement(root, theirs, own) != 0) return 2;
    const int found = occurrences_on_the_heap(pattern);
    std::printf("%d copies of the shared secret are left on the heap\n", found);
    return (found > 0) == (std::strcmp(argv[1], "left") == 0) ? 0 : 1;
}
