#include "core/crypto.hpp"
#include "core/enrolment_code.hpp"
#include "core/limits.hpp"
#include "tests/vectors/vectors.hpp"

namespace melder::vectors {

namespace {

Bytes derived(BytesView ikm, std::string_view info, std::size_t size_bytes) {
    Bytes out(size_bytes);
    hkdf_sha256(ikm, view("Melder/enrol/1"), {view(info)}, out);
    return out;
}

void write_code(Pen& pen, std::uint64_t trust_list, std::string_view second_part) {
    const auto secret = pen.given_random("secret", 16);
    const auto lowest = pen.given_number("lowest_trust_list", trust_list);
    FixedRandom random(secret);
    const auto code = EnrolmentCode::generate(random, lowest);
    const auto text = code.text();
    pen.equals_text("code", as_chars(text.expose()));
    const auto read = EnrolmentCode::parse(as_chars(text.expose())).value();
    pen.require(read.lowest_trust_list() == lowest && read.enrolment_id() == code.enrolment_id(), "it is read back");

    const auto id = derived(secret, "id", 16);
    pen.equals("enrolment_id", id);
    pen.require(equal(code.enrolment_id().view(), id), "the library derives the same id");

    const auto second = pen.given_text("second_part", second_part);
    auto ikm = secret;
    if (!second.empty()) {
        Bytes stretched(32);
        scrypt(view(second), sha256(BytesView(secret)).view(), limits::code_scrypt_n, limits::code_scrypt_r,
               limits::code_scrypt_p, stretched)
            .value();
        pen.equals("p", stretched);
        ikm.insert(ikm.end(), stretched.begin(), stretched.end());
    }
    const auto seed = derived(ikm, "key", 32);
    pen.equals("key_seed", seed);
    pen.equals("enrolment_key", ed25519_public_of(Ed25519Seed::from(seed).value()).view());
    pen.require(equal(code.enrolment_seed(second).value().expose(), seed), "the library derives the same seed");
}

}  // namespace

void write_enrolment_code(Pen& pen) {
    pen.begin("enrolment code");
    write_code(pen, 0, "");
    write_code(pen, 258, "");
    pen.begin("enrolment code with a second part");
    write_code(pen, 7, "482913");
}

}  // namespace melder::vectors
