#include "server/link/admission.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace melder::server {
namespace {

using namespace std::chrono_literals;
using Time = std::chrono::steady_clock::time_point;

SourceAddress source(const char* text) {
    sockaddr_storage address{};
    in_addr v4{};
    if (::inet_pton(AF_INET, text, &v4) == 1) {
        sockaddr_in named{};
        named.sin_family = AF_INET;
        named.sin_addr = v4;
        std::memcpy(&address, &named, sizeof named);
    } else {
        sockaddr_in6 named{};
        named.sin6_family = AF_INET6;
        EXPECT_EQ(::inet_pton(AF_INET6, text, &named.sin6_addr), 1);
        std::memcpy(&address, &named, sizeof named);
    }
    return source_of(address);
}

TEST(Admission, an_IPv6_source_is_its_network_and_an_IPv4_one_the_whole_address) {
    EXPECT_EQ(source("2001:db8:1:2::1"), source("2001:db8:1:2:ffff::9"));
    EXPECT_NE(source("2001:db8:1:2::1"), source("2001:db8:1:3::1"));
    EXPECT_NE(source("10.0.0.1"), source("10.0.0.2"));
    EXPECT_EQ(source("10.0.0.1"), source("::ffff:10.0.0.1"));
}

TEST(Admission, a_source_has_so_many_places_and_gets_them_back) {
    Admission admission({.handshakes_per_source = 2});
    const auto one = source("10.0.0.1");
    auto first = admission.enter(one);
    auto second = admission.enter(one);
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(admission.enter(one));
    EXPECT_TRUE(admission.enter(source("10.0.0.2"))) << "another source is not to blame";
    first.release();
    EXPECT_TRUE(admission.enter(one));
    second = Admission::Place();
    EXPECT_EQ(admission.inside(), 0U);
}

TEST(Admission, all_sources_together_have_so_many_places) {
    Admission admission({.handshakes = 3, .handshakes_per_source = 2});
    std::vector<Admission::Place> places;
    for (const auto* address : {"10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"})
        places.push_back(admission.enter(source(address)));
    EXPECT_TRUE(places[2]);
    EXPECT_FALSE(places[3]);
    places.clear();
    EXPECT_TRUE(admission.enter(source("10.0.0.4")));
}

TEST(Admission, enrolments_are_counted_per_source_and_minute) {
    Admission admission({.enrolments_per_minute = 2});
    const auto one = source("10.0.0.1");
    const Time start{1h};
    EXPECT_EQ(admission.on_enrolment(one, start), 0ms);
    EXPECT_EQ(admission.on_enrolment(one, start + 10s), 0ms);
    EXPECT_EQ(admission.on_enrolment(one, start + 20s), 40s);
    EXPECT_EQ(admission.on_enrolment(source("10.0.0.2"), start + 20s), 0ms);
    EXPECT_EQ(admission.on_enrolment(one, start + 60s), 0ms);
}

TEST(Admission, who_is_refused_is_told_the_minute_in_which_his_turn_will_come) {
    Admission admission({.enrolments_per_minute = 2});
    const auto gateway = source("10.0.0.1");
    const Time start{1h};
    std::vector<std::chrono::milliseconds> waits;
    for (int phone = 0; phone < 7; ++phone)
        waits.push_back(admission.on_enrolment(gateway, start));
    EXPECT_EQ(waits, (std::vector<std::chrono::milliseconds>{0s, 0s, 60s, 60s, 120s, 120s, 180s}));
    EXPECT_EQ(admission.on_enrolment(gateway, start + 60s), 0ms);
    EXPECT_EQ(admission.on_enrolment(gateway, start + 60s), 0ms);
    EXPECT_EQ(admission.on_enrolment(gateway, start + 60s), 60s) << "the queue is made anew each minute";
    for (int phone = 0; phone < 1000; ++phone)
        EXPECT_LE(admission.on_enrolment(gateway, start + 60s), 30min);
}

TEST(Admission, the_table_of_enrolments_is_bounded_and_a_full_one_lifts_no_limit) {
    Admission admission({.enrolments_per_minute = 1, .sources = 2});
    const Time start{1h};
    EXPECT_EQ(admission.on_enrolment(source("10.0.0.1"), start), 0ms);
    EXPECT_EQ(admission.on_enrolment(source("10.0.0.2"), start), 0ms);
    EXPECT_GT(admission.on_enrolment(source("10.0.0.3"), start), 0ms);
    EXPECT_GT(admission.on_enrolment(source("10.0.0.1"), start), 0ms);
    EXPECT_EQ(admission.on_enrolment(source("10.0.0.3"), start + 60s), 0ms) << "the first two are forgotten by now";
}

}  // namespace
}  // namespace melder::server
