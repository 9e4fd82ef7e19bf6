#include "server/watch/system_facts.hpp"

#include <cstdlib>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

namespace melder::server {
namespace {

TEST(SystemFacts, a_disk_has_room_and_a_missing_directory_has_no_answer) {
    const auto free = free_bytes_of("/");
    ASSERT_TRUE(free);
    EXPECT_LE(*free, std::filesystem::space("/").capacity);
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
}

}  // namespace
}  // namespace melder::server
