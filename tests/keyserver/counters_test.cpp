#include "keyserver/counters.hpp"

#include <set>

#include <gtest/gtest.h>

#include "keyserver/keyserver_core.hpp"

namespace melder::keyserver {
namespace {

std::uint64_t count_of(const KeyserverCounters& counters, std::string_view kind) {
    for (std::size_t i = 0; i < std::size(request_kinds); ++i) {
        if (request_kinds[i].name == kind) return counters.requests[i].value();
    }
    ADD_FAILURE() << "no such kind: " << kind;
    return 0;
}

TEST(KeyserverCounters, every_request_that_is_served_has_a_name_of_its_own_in_the_metrics) {
    std::set<int> named;
    std::set<std::string_view> names;
    for (const auto& kind : request_kinds) {
        EXPECT_TRUE(named.insert(kind.body).second);
        EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    }
    // Frame numbers with one byte of tag and with two, as they come from the wire: the enumeration has no room for
    // numbers that no frame has.
    for (std::uint32_t number = 1; number < 2048; ++number) {
        const auto tag = number << 3 | 2;  // a message, empty
        std::string bytes;
        if (tag > 127) bytes.push_back(static_cast<char>(tag | 128));
        bytes.push_back(static_cast<char>(tag > 127 ? tag >> 7 : tag));
        bytes.push_back('\0');
        wire::Frame frame;
        ASSERT_TRUE(frame.ParseFromString(bytes)) << number;
        if (frame.body_case() != wire::Frame::BODY_NOT_SET && KeyserverCore::serves(frame.body_case()))
            EXPECT_TRUE(named.contains(frame.body_case()))
                << "frame " << number << " is missing in keyserver/counters.hpp";
    }
}

TEST(KeyserverCounters, grants_count_when_all_were_accepted_and_refusals_by_their_code) {
    KeyserverCounters counters;
    wire::Frame request;
    request.mutable_put_grants();
    wire::Frame reply;
    reply.mutable_grants_reply()->add_results();
    reply.mutable_grants_reply()->add_results();
    counters.count(RequestMark(request), {reply});
    EXPECT_EQ(counters.grants.value(), 2U);
    reply.mutable_grants_reply()->mutable_results(1)->set_code(static_cast<std::uint32_t>(Errc::missing_right));
    counters.count(RequestMark(request), {reply});
    EXPECT_EQ(counters.grants.value(), 2U);
    EXPECT_EQ(counters.refusals.value(Errc::missing_right), 1U);
    EXPECT_EQ(count_of(counters, "put_grants"), 2U);
}

TEST(KeyserverCounters, orders_count_when_they_are_done) {
    KeyserverCounters counters;
    wire::Frame request;
    request.mutable_put_orders()->add_orders();
    request.mutable_put_orders()->add_orders();
    wire::Frame reply;
    reply.mutable_error()->set_code(static_cast<std::uint32_t>(Errc::needs_more_signatures));
    counters.count(RequestMark(request), {reply});
    EXPECT_EQ(counters.orders.value(), 0U);
    EXPECT_EQ(counters.refusals.value(Errc::needs_more_signatures), 1U);
    wire::Frame done;
    done.mutable_done();
    counters.count(RequestMark(request), {done});
    EXPECT_EQ(counters.orders.value(), 2U);
    counters.count(RequestMark(wire::Frame{}), {done});
    EXPECT_EQ(counters.orders.value(), 2U);
    EXPECT_EQ(count_of(counters, "other"), 1U);
}

TEST(KeyserverCounters, bundles_count_by_what_they_hold_over_all_pages) {
    KeyserverCounters counters;
    wire::Frame request;
    request.mutable_take_bundles();
    wire::Frame first;
    first.mutable_bundles()->add_results()->mutable_bundle()->mutable_one_time();
    first.mutable_bundles()->add_results()->mutable_bundle()->set_without_one_time(true);
    wire::Frame second;
    second.mutable_bundles()->add_results()->mutable_bundle()->mutable_one_time();
    second.mutable_bundles()->add_results()->set_code(static_cast<std::uint32_t>(Errc::no_prekeys));
    counters.count(RequestMark(request), {first, second});
    EXPECT_EQ(counters.one_time_taken.value(), 2U);
    EXPECT_EQ(counters.signed_only.value(), 1U);
    EXPECT_EQ(counters.refusals.value(Errc::no_prekeys), 1U);
    EXPECT_EQ(count_of(counters, "take_bundles"), 1U);
    server::LatencyHistogram::Snapshot took;
    counters.request.add_to(took);
    EXPECT_EQ(took.counts[0], 1U);
}

}  // namespace
}  // namespace melder::keyserver
