#include "relay/presence.hpp"

#include <gtest/gtest.h>

#include "core/limits.hpp"
#include "tests/relay/delivery_desk.hpp"

namespace melder::relay::test {
namespace {

constexpr std::int64_t day = 86'400;
const UnixTime noon = UnixTime::from_seconds(20'000 * day + day / 2);

TEST(Presence, is_a_day_and_kinds_of_refusals) {
    PresenceBook book;
    EXPECT_FALSE(book.find(device_id(1)).has_value());
    book.seen(device_id(1), noon);
    book.seen(device_id(1), noon + std::chrono::hours(24));
    book.refused(device_id(1), Errc::undecryptable, noon);
    book.refused(device_id(1), Errc::sealed_invalid, noon);
    book.refused(device_id(1), Errc::undecryptable, noon);
    const auto found = book.find(device_id(1)).value();
    EXPECT_EQ(found.last_seen_day_s, 20'001 * day);
    ASSERT_EQ(found.refusals.size(), 2u);
    EXPECT_EQ(found.refusals[0].code, Errc::undecryptable) << "newest first";
    EXPECT_EQ(found.refusals[0].count, 2u);
    EXPECT_EQ(found.refusals[0].day_s, 20'000 * day);
}

TEST(Presence, is_bounded_in_kinds_and_in_devices) {
    PresenceBook book;
    for (int n = 0; n < 20; ++n)
        book.refused(device_id(1), Errc::undecryptable, noon + std::chrono::hours(24 * n));
    EXPECT_EQ(book.find(device_id(1))->refusals.size(), limits::presence_errors);
    EXPECT_EQ(book.find(device_id(1))->refusals.front().day_s, 20'019 * day);
    for (std::uint32_t n = 0; n < limits::presence_devices + 10; ++n) {
        ByteArray<16> bytes{};
        std::ranges::copy(big_endian(n), bytes.begin());
        book.seen(EnrolmentId(bytes), noon);
    }
    EXPECT_EQ(book.size(), limits::presence_devices);
}

}  // namespace
}  // namespace melder::relay::test
