// What is left in this process's memory: looked for in every writable mapping, freed blocks included.

#include "sdk/vault/identity_rows.hpp"
#include "tests/sdk/vault/memory_search.hpp"
#include "tests/sdk/vault/vault_fixture.hpp"

namespace melder::sdk {
namespace {

using testing::Inverted;
using testing::inverted;
using testing::occurrences;
using testing::VaultTest;

TEST_F(VaultTest, device_keys_and_values_are_gone_from_memory_once_the_vault_is_closed) {
    const auto device_key = inverted(place.keys.load(Compartment::main).value().expose());
    Inverted value_pattern;
    {
        auto value = system_random().secret<Secret<32>>();
        value_pattern = inverted(value.expose());
        auto transaction = begin();
        ASSERT_TRUE(transaction.put(Table::sessions, view("peer"), SecretBuffer(value.expose())));
        EXPECT_GE(occurrences(value_pattern), 2) << "the search finds nothing even while it is there";
        ASSERT_TRUE(transaction.commit(Sync::durable));
        const auto read_back = begin().find(Table::sessions, view("peer")).value();
        ASSERT_TRUE(equal(read_back->expose(), value.expose()));
    }
    EXPECT_EQ(occurrences(value_pattern), 0) << "a copy of a value was left behind";
    vault.reset();
    EXPECT_EQ(occurrences(device_key), 0);
}

TEST_F(VaultTest, closing_the_main_compartment_wipes_what_opens_its_cells) {
    put(Table::sessions, "peer", "record");
    auto self = DeviceIdentity{EnrolmentId(), 1, generate_x25519(system_random()), {}, {}};
    const auto pattern = inverted(self.identity.private_key.expose());
    {
        auto transaction = begin();
        ASSERT_TRUE(save_identity(transaction, self));
        ASSERT_TRUE(transaction.commit(Sync::durable));
        self.identity.private_key = X25519Private();
        EXPECT_TRUE(load_identity(begin()));
    }
    vault->close_main();
    EXPECT_EQ(occurrences(pattern), 0);
}

}  // namespace
}  // namespace melder::sdk
