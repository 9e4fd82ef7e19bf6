// The safety number against libsignal-protocol-c's own generator.

#include "sdk/crypto/fingerprint.hpp"

#include <gtest/gtest.h>
#include <signal/fingerprint.h>

#include "sdk/crypto/signal_handles.hpp"
#include "sdk/crypto/signal_provider.hpp"

namespace melder::sdk {
namespace {

class Fingerprint : public ::testing::Test {
protected:
    Fingerprint() {
        signal_context_create(out(context_), nullptr);
        const auto callbacks = provider_.callbacks();
        signal_context_set_crypto_provider(context_.get(), &callbacks);
    }
    std::vector<X25519Public> keys(std::size_t count) {
        std::vector<X25519Public> out;
        for (std::size_t i = 0; i < count; ++i)
            out.push_back(generate_x25519(random_).public_key);
        return out;
    }
    struct FreeList {
        void operator()(ec_public_key_list* list) const { ec_public_key_list_free(list); }
        void operator()(fingerprint_generator* generator) const { fingerprint_generator_free(generator); }
    };
    [[nodiscard]] std::unique_ptr<ec_public_key_list, FreeList> list(const std::vector<X25519Public>& keys) const {
        std::unique_ptr<ec_public_key_list, FreeList> out_list(ec_public_key_list_alloc());
        for (const auto& each : keys) {
            const auto encoded = to_djb_key(each);
            SignalHandle<ec_public_key> key;
            curve_decode_point(out(key), encoded.data(), encoded.size(), context_.get());
            ec_public_key_list_push_back(out_list.get(), key.get());
        }
        return out_list;
    }
    /// The library takes identifiers that end with a zero byte, so they are text here.
    [[nodiscard]] std::string of_library(const std::string& one, const std::vector<X25519Public>& ones,
                                         const std::string& other, const std::vector<X25519Public>& others) const {
        fingerprint_generator* raw = nullptr;
        EXPECT_EQ(fingerprint_generator_create(&raw, fingerprint_iterations, 1, context_.get()), 0);
        const std::unique_ptr<fingerprint_generator, FreeList> generator(raw);
        SignalHandle<fingerprint> made;
        EXPECT_EQ(fingerprint_generator_create_for_list(raw, one.c_str(), list(ones).get(), other.c_str(),
                                                        list(others).get(), out(made)),
                  0);
        return displayable_fingerprint_text(fingerprint_get_displayable(made.get()));
    }
    static std::string of_ours(const std::string& one, const std::vector<X25519Public>& ones, const std::string& other,
                               const std::vector<X25519Public>& others) {
        return fingerprint_of({view(one), ones}, {view(other), others});
    }

    SeededRandom random_{7};
    SignalProvider provider_{random_};
    SignalHandle<signal_context> context_;
};

TEST_F(Fingerprint, is_the_one_of_the_library_for_one_device_and_for_several) {
    for (const auto& [own, theirs] : {std::pair{1, 1}, {2, 1}, {1, 3}, {4, 4}}) {
        const auto a = keys(static_cast<std::size_t>(own));
        const auto b = keys(static_cast<std::size_t>(theirs));
        EXPECT_EQ(of_ours("anna", a, "bert", b), of_library("anna", a, "bert", b)) << own << " and " << theirs;
    }
}

TEST_F(Fingerprint, is_the_same_on_both_sides_and_in_any_order_of_the_keys) {
    const auto a = keys(3);
    const auto b = keys(2);
    const auto number = of_ours("anna", a, "bert", b);
    EXPECT_EQ(number.size(), 60U);
    EXPECT_EQ(of_ours("bert", b, "anna", a), number);
    EXPECT_EQ(of_ours("anna", {a[2], a[0], a[1]}, "bert", {b[1], b[0]}), number);
}

TEST_F(Fingerprint, is_another_one_with_another_key_a_key_more_or_another_name) {
    const auto a = keys(2);
    const auto b = keys(1);
    const auto number = of_ours("anna", a, "bert", b);
    EXPECT_NE(of_ours("anna", a, "bert", keys(1)), number);
    EXPECT_NE(of_ours("anna", {a[0]}, "bert", b), number);
    EXPECT_NE(of_ours("anna", a, "bernd", b), number);
}

}  // namespace
}  // namespace melder::sdk
