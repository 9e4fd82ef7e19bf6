#include "keyserver/directory_key.hpp"

#include <fstream>

namespace melder::keyserver {
namespace {

Bytes place_of(std::string_view kind, BytesView place) {
    return length_prefixed({view(kind), place});
}

}  // namespace

DirectoryKey::DirectoryKey(const Master& master) {
    hkdf_sha256(master.expose(), view("Melder/directory/1"), {view("seal")}, seal_key_.expose_writable());
    hkdf_sha256(master.expose(), view("Melder/directory/1"), {view("lookup")}, lookup_key_.expose_writable());
}

Result<DirectoryKey> DirectoryKey::load(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return Error(Errc::wrong_directory_key, "the directory key file " + file +
                                                    " cannot be read; put back the file that belongs to this store");
    }
    Master master;
    auto bytes = master.expose_writable();
    in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    const bool complete =
        in.gcount() == static_cast<std::streamsize>(bytes.size()) && in.peek() == std::ifstream::traits_type::eof();
    if (!complete) {
        return Error(
            Errc::wrong_directory_key,
            "the directory key file " + file + " does not hold 32 bytes; put back the file that belongs to this store");
    }
    return DirectoryKey(master);
}

Bytes DirectoryKey::seal(std::string_view kind, BytesView place, BytesView plaintext, Random& random) const {
    ByteArray<aead_nonce_bytes> nonce;
    random.fill(nonce);
    const auto sealed = aead_seal(seal_key_, nonce, place_of(kind, place), plaintext);
    Bytes out(nonce.begin(), nonce.end());
    out.insert(out.end(), sealed.begin(), sealed.end());
    return out;
}

Result<SecretBuffer> DirectoryKey::open(std::string_view kind, BytesView place, BytesView sealed) const {
    if (sealed.size() < aead_nonce_bytes + aead_tag_bytes) return Errc::wrong_directory_key;
    auto opened =
        aead_open(seal_key_, sealed.first<aead_nonce_bytes>(), place_of(kind, place), sealed.subspan(aead_nonce_bytes));
    if (opened.has_error()) {
        return Error(
            Errc::wrong_directory_key,
            "the directory key is not the one this store was written with; put back the file that belongs to it");
    }
    return opened;
}

Hash DirectoryKey::lookup(std::string_view kind, std::string_view name) const {
    return Hash(hmac_sha256(lookup_key_.expose(), {length_prefixed({view(kind), view(name)})}));
}

}  // namespace melder::keyserver
