#include "server/watch/system_facts.hpp"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace melder::server {
namespace {

TEST(SystemFacts, a_disk_has_room_and_a_missing_directory_has_no_answer) {
    const auto free = free_bytes_of("/");
    ASSERT_TRUE(free);
    const auto space = std::filesystem::space("/");
    EXPECT_LT(*free, space.capacity);
    constexpr std::uint64_t others_write = 1024U * 1024 * 1024;
    EXPECT_LT(*free, space.available + others_write);
    EXPECT_GT(*free + others_write, space.available);
    EXPECT_GT(*free, 1024U * 1024);
    EXPECT_FALSE(free_bytes_of("/no/such/directory"));
}

TEST(SystemFacts, a_directory_is_writable_and_the_probe_leaves_nothing) {
    auto directory = (std::filesystem::temp_directory_path() / "melder-watch-XXXXXX").string();
    ASSERT_NE(::mkdtemp(directory.data()), nullptr);
    EXPECT_TRUE(is_writable(directory));
    EXPECT_TRUE(std::filesystem::is_empty(directory));
    std::filesystem::remove_all(directory);
    EXPECT_FALSE(is_writable(directory));
    EXPECT_FALSE(is_writable("/proc/self"));
}

TEST(SystemFacts, resident_memory_grows_by_what_was_touched) {
    constexpr std::uint64_t touched = 64U * 1024 * 1024;
    const auto before = resident_bytes();
    const std::vector<char> memory(touched, 'x');
    const auto after = resident_bytes();
    ASSERT_TRUE(before && after);
    EXPECT_GE(*after, *before + touched * 9 / 10) << memory.size();
}

TEST(SystemFacts, an_opened_descriptor_is_counted) {
    const auto before = open_descriptors();
    const int file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ASSERT_GE(file, 0);
    const auto after = open_descriptors();
    ::close(file);
    ASSERT_TRUE(before && after);
    EXPECT_EQ(*after, *before + 1);
    EXPECT_EQ(open_descriptors(), before);
    std::uint64_t counted = 0;
    for (int descriptor = 0; descriptor < 1024; ++descriptor)
        counted += ::fcntl(descriptor, F_GETFD) >= 0 ? 1 : 0;
    EXPECT_EQ(*before, counted);
}

TEST(SystemFacts, the_limit_of_descriptors_is_the_one_that_was_set) {
    rlimit former{};
    ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &former), 0);
    auto lowered = former;
    lowered.rlim_cur = 123;
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &lowered), 0);
    const auto limit = descriptor_limit();
    ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &former), 0);
    EXPECT_EQ(limit, 123U);
}

TEST(SystemFacts, processor_time_passes_while_one_computes) {
    const auto before = cpu_seconds();
    volatile unsigned spin = 0;
    for (unsigned i = 0; i < 20'000'000; ++i)
        spin = spin + i;
    EXPECT_GT(cpu_seconds(), before);
}

}  // namespace
}  // namespace melder::server
