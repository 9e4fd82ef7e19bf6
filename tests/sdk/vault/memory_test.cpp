// What is left in this process's memory: looked for in every writable mapping, freed blocks included.

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "sdk/vault/identity_rows.hpp"
#include "tests/sdk/vault/vault_fixture.hpp"

namespace melder::sdk {
namespace {

using testing::VaultTest;

constexpr std::size_t pattern_bytes = 24;
/// Held inverted, so that the search does not find itself.
using Inverted = ByteArray<pattern_bytes>;

Inverted inverted(BytesView secret) {
    Inverted out;
    for (std::size_t i = 0; i < out.size(); ++i)
        out[i] = static_cast<Byte>(~secret[i]);
    return out;
}

/// Looks at a forked copy of this process, so that the search's own buffers are not searched.
int occurrences(const Inverted& pattern) {
    const pid_t copy = ::fork();
    if (copy == 0) {
        for (;;)
            ::pause();
    }
    SecretBuffer needle(pattern_bytes);
    for (std::size_t i = 0; i < pattern_bytes; ++i)
        needle.expose_writable()[i] = static_cast<Byte>(~pattern[i]);
    const std::string process = "/proc/" + std::to_string(copy);
    const int memory = ::open((process + "/mem").c_str(), O_RDONLY | O_CLOEXEC);
    std::ifstream maps(process + "/maps");
    int found = 0;
    for (std::string line; std::getline(maps, line);) {
        unsigned long begin = 0;
        unsigned long end = 0;
        char rights[5] = {};
        if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, rights) != 3) continue;
        // A sanitizer's shadow is terabytes of reserved nothing.
        if (rights[0] != 'r' || rights[1] != 'w' || end - begin > (256UL << 20)) continue;
        SecretBuffer mapping(end - begin);
        const auto got = ::pread(memory, mapping.expose_writable().data(), mapping.size(), static_cast<off_t>(begin));
        if (got <= 0) continue;
        const Byte* at = mapping.expose().data();
        const Byte* last = at + got;
        while ((at = static_cast<const Byte*>(
                    ::memmem(at, static_cast<std::size_t>(last - at), needle.expose().data(), needle.size())))) {
            ++found;
            ++at;
        }
    }
    ::close(memory);
    ::kill(copy, SIGKILL);
    ::waitpid(copy, nullptr, 0);
    return found;
}

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
