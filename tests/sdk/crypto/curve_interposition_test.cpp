#include "sdk/crypto/curve_interposition.hpp"

#include <gtest/gtest.h>

#include "core/crypto.hpp"
#include "sdk/crypto/signal_provider.hpp"
#include "sdk/crypto/signal_stores.hpp"
#include "tests/sdk/crypto/binding.hpp"

namespace melder::sdk {
namespace {

struct Bare {
    Bare() : provider(system_random()) {
        const auto callbacks = provider.callbacks();
        static_cast<void>(signal_context_create(out(context), nullptr));
        static_cast<void>(signal_context_set_crypto_provider(context.get(), &callbacks));
    }
    [[nodiscard]] Bytes agree(const X25519Public& theirs, const X25519KeyPair& own) const {
        const auto point = make_public_key(theirs, context.get());
        SignalHandle<ec_private_key> secret;
        static_cast<void>(curve_decode_private_point(out(secret), own.private_key.expose().data(), 32, context.get()));
        uint8_t* shared = nullptr;
        const int size = curve_calculate_agreement(&shared, point.get(), secret.get());
        Bytes result(shared, shared + std::max(size, 0));
        free(shared);
        return result;
    }
    SignalProvider provider;
    SignalHandle<signal_context> context;
};

TEST(CurveInterposition, binds_exactly_where_this_program_was_linked_to_bind) {
    EXPECT_EQ(curve_is_interposed(), testing::curve_should_be_bound);
}

TEST(CurveInterposition, passes_the_self_test_bound_or_not) {
    EXPECT_TRUE(curve_is_right());
}

TEST(CurveInterposition, the_library_agrees_on_the_same_secret_as_core) {
    const Bare bare;
    const auto anna = generate_x25519(system_random());
    const auto ben = generate_x25519(system_random());
    const auto shared = bare.agree(ben.public_key, anna);
    EXPECT_TRUE(equal(shared, x25519(anna.private_key, ben.public_key).value().expose()));
}

TEST(CurveInterposition, the_bare_library_takes_a_low_order_point_and_core_refuses_it) {
    const Bare bare;
    const auto anna = generate_x25519(system_random());
    const X25519Public zero;
    // The danger: a secret that everybody knows, and no error.
    EXPECT_EQ(bare.agree(zero, anna), Bytes(32, 0));
    // The fence.
    EXPECT_EQ(x25519(anna.private_key, zero).error().code(), Errc::bad_key);
    EXPECT_EQ(parse_djb_key(to_djb_key(zero)).error().code(), Errc::bad_key);
}

TEST(CurveInterposition, the_librarys_signatures_verify_in_core_and_the_other_way_round) {
    const Bare bare;
    const auto anna = generate_x25519(system_random());
    const auto pair = make_key_pair(anna, bare.context.get());
    const auto message = view("Melder");
    SignalHandle<signal_buffer> signature;
    ASSERT_EQ(curve_calculate_signature(bare.context.get(), out(signature), ec_key_pair_get_private(pair.get()),
                                        message.data(), message.size()),
              SG_SUCCESS);
    EXPECT_TRUE(verify_xeddsa(anna.public_key, message, view_of(signature.get())).has_value());
    const auto ours = sign_xeddsa(anna.private_key, message, system_random());
    EXPECT_EQ(curve_verify_signature(ec_key_pair_get_public(pair.get()), message.data(), message.size(), ours.data(),
                                     ours.size()),
              1);
}

}  // namespace
}  // namespace melder::sdk
