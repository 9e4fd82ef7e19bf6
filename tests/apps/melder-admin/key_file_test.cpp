#include "apps/melder-admin/key_file.hpp"

#include <gtest/gtest.h>

namespace melder::admin {
namespace {

constexpr ScryptCost cheap{.log2_n = 4, .r = 8, .p = 1};

class KeyFile : public testing::Test {
protected:
    SeededRandom random{1};
    Ed25519Seed seed = random.secret<Ed25519Seed>();
    SecretBuffer passphrase{view("correct horse")};
    Bytes file = seal_key(seed, passphrase, random, cheap).value();
};

TEST_F(KeyFile, opens_with_its_passphrase_and_no_other) {
    EXPECT_TRUE(open_key(file, passphrase).value().equals(seed));
    EXPECT_EQ(open_key(file, SecretBuffer(view("correct hors"))).error(), Errc::wrong_passphrase);
}

TEST_F(KeyFile, does_not_show_the_key) {
    EXPECT_EQ(std::ranges::search(file, seed.expose()).size(), 0u);
}

TEST_F(KeyFile, is_refused_when_any_byte_of_it_is_changed) {
    for (std::size_t i = 0; i < file.size(); ++i) {
        auto changed = file;
        changed[i] ^= 1;
        EXPECT_TRUE(open_key(changed, passphrase).has_error()) << "byte " << i;
    }
}

TEST_F(KeyFile, is_refused_when_it_is_cut_or_longer) {
    EXPECT_EQ(open_key(BytesView(file).first(file.size() - 1), passphrase).error(), Errc::malformed);
    file.push_back(0);
    EXPECT_EQ(open_key(file, passphrase).error(), Errc::malformed);
    EXPECT_EQ(open_key({}, passphrase).error(), Errc::malformed);
}

TEST_F(KeyFile, cannot_make_its_reader_take_gigabytes) {
    file[8] = 24;  // N = 2^24
    EXPECT_EQ(open_key(file, passphrase).error(), Errc::malformed);
    file[8] = 4;
    file[9] = 255;
    file[10] = 255;
    EXPECT_EQ(open_key(file, passphrase).error(), Errc::malformed);
}

}  // namespace
}  // namespace melder::admin
