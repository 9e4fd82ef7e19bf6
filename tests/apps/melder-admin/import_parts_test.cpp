#include "apps/melder-admin/import_parts.hpp"

#include <functional>

#include <gtest/gtest.h>

#include "apps/melder-admin/sign_request.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

KnownOfficer officer(Random& random, const std::string& number, const std::string& unit = "LKA") {
    return {random.id<OfficerId>(), {number, "Anna " + number, UnitPath::parse(unit).value(), {Role::member}}, {}};
}

TEST(ImportParts, stay_below_a_message_and_hold_everything_once) {
    SeededRandom random(1);
    ImportPlan plan;
    plan.units_added.push_back({UnitPath::parse("LKA").value(), "Landeskriminalamt"});
    for (int i = 0; i < 5000; ++i)
        plan.added.push_back(officer(random, std::to_string(i)).officer);
    plan.removed.push_back(officer(random, "old"));
    const auto parts = parts_of(plan, random);
    ASSERT_GT(parts.size(), 1U);
    EXPECT_EQ(parts.front().removed_officers_size(), 1) << "what goes comes first";
    int officers = 0;
    for (const auto& part : parts) {
        EXPECT_LT(part.ByteSizeLong(), limits::message_bytes);
        officers += part.officers_size();
    }
    EXPECT_EQ(officers, 5000);
    EXPECT_EQ(words_of(parts), "1 units and 5000 officers entered or changed, 0 and 1 removed");
    EXPECT_TRUE(parts_of({}, random).empty());
}

TEST(ImportParts, the_digest_tells_every_change_and_no_order) {
    SeededRandom random(1);
    KnownForce force;
    force.units = {{UnitPath::parse("LKA").value(), "Amt"}, {UnitPath::parse("PP").value(), "Präsidium"}};
    force.officers = {officer(random, "1"), officer(random, "2")};
    const auto digest = digest_of(force);
    auto other = force;
    std::swap(other.units[0], other.units[1]);
    std::swap(other.officers[0], other.officers[1]);
    EXPECT_EQ(digest_of(other), digest);
    for (const auto& change : std::vector<std::function<void(KnownForce&)>>{
             [](KnownForce& f) { f.units[0].name = "Anderes"; },
             [](KnownForce& f) { f.units.pop_back(); },
             [](KnownForce& f) { f.officers.pop_back(); },
             [](KnownForce& f) { f.officers[0].officer.unit = UnitPath::parse("PP").value(); },
             [](KnownForce& f) { f.officers[0].absent_since = UnixTime::from_seconds(1'800'000'000); },
             [](KnownForce& f) { std::swap(f.officers[0].id, f.officers[1].id); },
         }) {
        other = force;
        change(other);
        EXPECT_NE(digest_of(other), digest);
    }
}

TEST(SignRequestWithImport, survives_its_file_and_hides_no_document_in_a_part) {
    SeededRandom random(1);
    ImportPlan plan;
    plan.added.push_back(officer(random, "1").officer);
    SignItem item;
    Order order;
    order.target = random.id<EnrolmentId>();
    order.issued_at = UnixTime::from_seconds(1'800'000'000);
    item.document.body = order.encode();
    SignRequest request;
    request.import = SignRequest::Import{.planned_against = random.id<Hash>(), .parts = parts_of(plan, random)};
    request.items.push_back(item);
    const auto read = SignRequest::parse(request.encode());
    ASSERT_TRUE(read.has_value()) << read.error();
    ASSERT_TRUE(read->import.has_value());
    EXPECT_EQ(read->import->planned_against, request.import->planned_against);
    EXPECT_EQ(words_of(read->import->parts), words_of(request.import->parts));
    EXPECT_EQ(read->encode(), request.encode());

    *request.import->parts[0].add_orders() = item.document.to_wire();
    EXPECT_EQ(SignRequest::parse(request.encode()).error(), Errc::malformed) << "nobody would be shown it";
    request.import->parts[0].clear_orders();
    request.import->parts[0].set_import_id("x");
    EXPECT_EQ(SignRequest::parse(request.encode()).error(), Errc::malformed);
    EXPECT_EQ(SignRequest::parse("melder-sign-request 1\npart 00\n").error(), Errc::malformed);
    EXPECT_EQ(SignRequest::parse("melder-sign-request 1\nimport 00\n").error(), Errc::malformed);
}

}  // namespace
}  // namespace melder::admin
