// Grants after their first version, the log in words, and what ends soon.

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "apps/melder-admin/grant_change.hpp"
#include "tests/apps/melder-admin/tool_fixture.hpp"
#include "tests/apps/melder-admin/world_tool.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

class Grants : public ToolFixture {
protected:
    [[nodiscard]] std::string issue(const std::string& options = "") const {
        const auto issued = admin("--json code issue --officer 10001 " + options);
        EXPECT_EQ(issued.exit_code, 0) << issued.output;
        return field(issued.output, "device");
    }
};

TEST_F(Grants, a_name_is_changed_by_a_new_version_and_a_unit_by_an_order_with_its_reason) {
    const auto device = issue();
    expect(admin("grant show " + device), 0, "name         Anna Berger");
    expect(admin("grant set " + device + " --name 'Anna Berger-Schulz'"), 0, "1 grant has a new version\n");
    const auto shown = admin("grant show " + device);
    expect(shown, 0, "name         Anna Berger-Schulz");
    expect(shown, 0, "version      2");
    expect(admin("log verify"), 0, "1 entries");

    expect(admin("grant set " + device + " --unit PP"), 2, "needs --reason; nothing was changed");
    expect(admin("grant show " + device), 0, "version      2");
    expect(admin("grant set " + device + " --unit PP --roles member+leader --reason 'transferred to PP'"), 0,
           "by an order in the log");
    expect(admin("grant show " + device), 0, "roles        member+leader");
    const auto log = admin("log show");
    expect(log, 0, "supersede  " + device + "  grant version 3: PP, member+leader");
    expect(log, 0, "reason: transferred to PP");
    expect(admin("grant set " + device + " --unit PP --reason again"), 0, "1 say so already");
}

TEST_F(Grants, a_later_end_is_no_order_and_an_earlier_one_is) {
    const auto first = issue("--grant-valid 30d");
    const auto second = issue("--grant-valid 300d");
    expect(admin("grant renew --ending-within 60d --valid 350d"), 0, "1 grant has a new version");
    expect(admin("grant show " + first), 0, "349 days left");
    expect(admin("grant show " + second), 0, "299 days left");
    expect(admin("grant renew --officer 10001"), 0, "2 grants have a new version");
    expect(admin("--json grant show " + second), 0, R"("version":2)");
    expect(admin("grant set " + second + " --valid 10d --reason leaves"), 0, "by an order in the log");
    expect(admin("grant show " + second), 0, "9 days left");
    expect(admin("grant renew --ending-within 5d"), 0, "0 grants have a new version");
}

TEST_F(Grants, who_lacks_the_right_and_who_mistypes_is_told_so) {
    const auto device = issue();
    expect(admin_as("second.key", "grant set " + device + " --name Other"), 1,
           "this takes the right `directory`; your key has enrol,revoke");
    expect(admin("grant show " + device), 0, "version      1");
    expect(admin("grant set " + device), 2, "say what is to change");
    expect(admin("grant set " + device + " --unit 'L K A'"), 2, "--unit is a path");
    expect(admin("grant set " + device + " --roles boss"), 2, "--roles is member or member+leader");
    expect(admin("grant set " + device + " --valid 401d"), 2, "at most 400 days");
    expect(admin("grant set xyz --name A"), 2, "a device is 32 hex digits");
    expect(admin("grant renew"), 2, "one of the three");
    expect(admin("grant renew " + device + " --officer 10001"), 2, "one of the three");
    expect(admin("grant renew --officer 77"), 1, "no officer has the service number 77");
    expect(admin("grant show 00112233445566778899aabbccddeeff"), 1, "the server knows no device");
}

TEST_F(Grants, the_second_administrator_signs_a_grant_that_takes_away_by_a_file) {
    const auto device = issue();
    expect(admin("grant set " + device + " --unit PP --reason moved --sign-request " + path("request")), 0,
           "nothing was sent");
    expect(admin("grant show " + device), 0, "version      1");
    const auto words = admin_as("second.key", "sign --yes " + path("request"));
    expect(words, 0, "CHANGE THE GRANT of device " + device);
    expect(words, 0, "unit PP, member");
    expect(words, 0, "reason: moved");
    expect(admin("submit " + path("request")), 0, "1 orders");
    expect(admin("grant show " + device), 0, "unit         PP");
}

TEST_F(Grants, the_log_is_shown_in_words_and_reasons_only_where_they_were_given) {
    const auto device = issue();
    ASSERT_EQ(admin("suspend " + device + " --reason 'on leave — bis März'").exit_code, 0);
    const auto other = issue();
    ASSERT_EQ(admin("revoke " + other + " --reason lost").exit_code, 0);
    const auto log = admin("log show");
    expect(log, 0, "trust-list  version 1");
    expect(log, 0, "suspend  " + device);
    expect(log, 0, "reason: on leave — bis März");
    expect(log, 0, "signed by " + admin_id_);
    const auto one = admin("log show --device " + other);
    expect(one, 0, "revoke  " + other);
    expect(one, 0, "reason: lost");
    EXPECT_EQ(one.output.find(device), std::string::npos);
    const auto last = admin("log show --last 1");
    EXPECT_EQ(last.output.find("suspend"), std::string::npos);
    expect(admin("--json log show"), 0, R"("kind":"suspend")");
    // Another machine knows the hash only.
    fs::rename(path("home/journal"), path("journal-of-others"));
    const auto blind = admin("--json log show --device " + device);
    expect(blind, 0, R"("reason_known":0)");
    EXPECT_EQ(blind.output.find("on leave"), std::string::npos);
    expect(admin("log show --device xyz"), 2, "a device is 32 hex digits");
}

TEST_F(Grants, an_import_gives_changed_officers_new_grants_and_twice_is_once) {
    const auto device = issue();
    write("changed.csv",
          "unit,LKA,Landeskriminalamt\nunit,PP,Präsidium\nofficer,10001,Anna Schulz,LKA,member+leader\n"
          "officer,10002,Jörg Meißner,PP,member\n");
    expect(admin("directory import --apply " + path("changed.csv")), 0, "1 devices got a new version");
    expect(admin("grant show " + device), 0, "name         Anna Schulz");
    expect(admin("grant show " + device), 0, "roles        member+leader");
    expect(admin("directory import --apply " + path("changed.csv")), 0, "officers  +0 ~0 −0");
    write("moved.csv",
          "unit,LKA,Landeskriminalamt\nunit,PP,Präsidium\nofficer,10001,Anna Schulz,PP,member\n"
          "officer,10002,Jörg Meißner,PP,member\n");
    expect(admin("directory import --apply --allow-removals 1 --reason 'Umsetzung 12/26' " + path("moved.csv")), 0,
           "1 devices got a new version");
    expect(admin("log show"), 0, "reason: Umsetzung 12/26");
    expect(admin("grant show " + device), 0, "version      3");
}

TEST_F(Grants, an_import_that_moves_many_is_everything_or_nothing) {
    std::string force = "unit,LKA,Landeskriminalamt\nunit,PP,Präsidium\n";
    std::string moved = force;
    std::string numbers;
    for (int i = 0; i < 30; ++i) {
        const auto number = std::to_string(30'000 + i);
        numbers += number + "\n";
        force += "officer," + number + ",Officer " + number + ",LKA,member\n";
        moved += "officer," + number + ",Officer " + number + "," + (i < 25 ? "PP" : "LKA") + ",member\n";
    }
    write("force.csv", force + "officer,10001,Anna Berger,LKA,member+leader\nofficer,10002,Jörg Meißner,PP,member\n");
    write("numbers", numbers);
    ASSERT_EQ(admin("directory put --allow-removals 9 " + path("force.csv")).exit_code, 0);
    ASSERT_EQ(admin("codes issue --batch " + path("numbers") + " --without-second-part --out " + path("b")).exit_code,
              0);
    // Two are missing besides, so that suspensions travel with it.
    write("moved.csv", moved);
    const auto import = "directory import --allow-removals 9 --apply " + path("moved.csv");
    const auto device = issue();
    const auto log_before = admin("log verify").output;
    const auto refused = admin(import);
    expect(refused, 1, "nothing was changed: --second-key FILE");
    EXPECT_EQ(admin("log verify").output, log_before);
    expect(admin("--json device list"), 0, R"("unit":"LKA")");
    EXPECT_EQ(admin("--json device list").output.find(R"("unit":"PP")"), std::string::npos);
    expect(admin("directory import --allow-removals 9 " + path("moved.csv")), 0, "officers  +0 ~25 −2");

    expect(admin(import + " --second-key " + path("second.key") + " --second-passphrase-file " + path("passphrase")), 0,
           "25 devices got a new version");
    expect(admin("grant show " + device), 0, "version      1");
    expect(admin("device list"), 0, device + "  suspended");
    expect(admin("directory import --allow-removals 9 " + path("moved.csv")), 0, "officers  +0 ~0 −0");
    expect(admin("log verify"), 0, "27 entries");
}

TEST_F(Grants, an_import_with_a_second_signature_by_file_changes_nothing_before_it_is_submitted) {
    const auto device = issue();
    write("moved.csv",
          "unit,PP,Präsidium\nunit,NEU,Neu\nofficer,10001,Anna Berger,PP,member+leader\n"
          "officer,10003,Cem Aydin,NEU,member\nofficer,10002,Jörg Meißner,PP,member\n");
    const auto import = "directory import --allow-removals 9 --apply " + path("moved.csv") + " --sign-request ";
    const auto written = admin(import + path("request"));
    expect(written, 0, "officers  +1 ~1 −0");
    expect(written, 0, "nothing was sent: 1 document");
    expect(admin("grant show " + device), 0, "version      1");
    expect(admin("status"), 0, "officers     2");
    const auto words = admin_as("second.key", "sign --yes " + path("request"));
    expect(words, 0, "CHANGE THE GRANT of device " + device);
    expect(words, 0, "the file also changes the directory, which nobody's signature covers: 1 units and 2 officers");
    expect(admin("submit " + path("request")), 0, "1 orders and 0 grants are in force, and the import's units");
    expect(admin("grant show " + device), 0, "unit         PP");
    expect(admin("status"), 0, "officers     3");
    expect(admin("submit " + path("request")), 0, "0 orders and 0 grants are in force; 1 were before");
    expect(admin("directory import " + path("moved.csv")), 0, "nothing to do");

    // Somebody changes the directory between plan and submission.
    write("back.csv",
          "unit,PP,Präsidium\nunit,NEU,Neu\nofficer,10001,Anna Berger,NEU,member+leader\n"
          "officer,10003,Cem Aydin,NEU,member\nofficer,10002,Jörg Meißner,PP,member\n");
    ASSERT_EQ(admin("directory import --apply " + path("back.csv") + " --sign-request " + path("late")).exit_code, 0);
    write("other.csv",
          "unit,PP,Präsidium\nunit,NEU,Neu\nofficer,10001,Anna Berger,PP,member+leader\n"
          "officer,10003,Cem Aydin,NEU,member\nofficer,10002,Jörg Meißner,PP,member\nofficer,10004,Neu,PP,member\n");
    ASSERT_EQ(admin("directory import --apply " + path("other.csv")).exit_code, 0);
    ASSERT_EQ(admin_as("second.key", "sign --yes " + path("late")).exit_code, 0);
    expect(admin("submit " + path("late")), 1, "nothing was changed: the directory is not the one any more");
    expect(admin("grant show " + device), 0, "unit         PP");
    auto text = read("late");
    write("broken", text.replace(text.find("part "), 7, "part zz"));
    expect(admin("submit " + path("broken")), 1, "line 3: this is no part of an import");
}

TEST_F(Grants, a_certificate_that_ends_soon_is_warned_of_on_every_command) {
    const auto quiet = admin("status");
    EXPECT_EQ(quiet.output.find("warning"), std::string::npos) << quiet.output;
    stop_server();
    ASSERT_EQ(run_command("openssl req -x509 -days 30 -subj /CN=melder -key " + path("srv/keys/tls.key") + " -out " +
                          path("srv/keys/tls.crt"))
                  .exit_code,
              0);
    start_server();
    expect(admin("device list"), 0, "warning: the server's TLS certificate ends in 29 days");
}

TEST_F(WorldTool, grants_that_end_in_bulk_are_warned_of_until_they_are_renewed) {
    const auto device = phone();
    expect_not(admin("status"), "warning: the first hundredth");
    expect(admin("grant set " + device.id().hex() + " --valid 20d --reason test"), 0, "by an order in the log");
    expect(admin("status"), 0, "warning: the first hundredth of the devices' grants ends in 19 days; `grant renew");
    expect(admin("grant renew --ending-within 60d"), 0, "1 grant has a new version");
    expect_not(admin("status"), "warning: the first hundredth");
}

TEST(GrantChange, repeats_who_the_device_is) {
    SeededRandom random(3);
    Grant grant;
    grant.enrolment_id = random.id<EnrolmentId>();
    grant.officer_id = random.id<OfficerId>();
    grant.display_name = "Anna";
    grant.unit = UnitPath::parse("LKA").value();
    grant.roles = {Role::member, Role::leader};
    grant.enrolment_key = random.id<Ed25519Public>();
    grant.bind_before = UnixTime::from_seconds(1'800'000'000);
    grant.not_before = UnixTime::from_seconds(1'800'000'000);
    grant.not_after = grant.not_before + std::chrono::hours(24 * 100);
    Statement at;
    at.time = grant.not_before + std::chrono::hours(24);
    at.trust_list_version = 4;
    at.log_size = 9;
    melder::admin::GrantChange change;
    change.roles = std::vector{Role::member};
    const auto next = melder::admin::next_version(grant, change, at).value();
    EXPECT_EQ(next.version, 2u);
    EXPECT_EQ(next.enrolment_key, grant.enrolment_key);
    EXPECT_EQ(next.not_after, grant.not_after);
    EXPECT_EQ(next.log_size, 9u);
    EXPECT_TRUE(melder::admin::takes_away(grant, next));
    EXPECT_FALSE(melder::admin::takes_away(next, grant)) << "a role is given";
    change = {};
    change.display_name = "An\nna";
    EXPECT_EQ(melder::admin::next_version(grant, change, at).error(), Errc::bad_argument);
    change = {};
    change.display_name = "Anna";
    EXPECT_TRUE(change.changes_nothing(grant));
}

}  // namespace
}  // namespace melder::testing
