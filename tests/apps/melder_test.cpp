// melder as a person types it, against a real server: exit codes, and sentences that say what to do.

#include <regex>
#include <set>

#include "apps/melder/printing.hpp"
#include "tests/apps/melder_fixture.hpp"
#include "tests/apps/piped.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

using Melder = MelderFixture;

TEST_F(Melder, help_teaches_with_examples) {
    expect(run_command(std::string(MELDER_BINARY) + " --help"), 0, "melder send --to 4711");
    expect(run_command(std::string(MELDER_BINARY) + " receive --help"), 0, "--no-ack");
    expect(run_command(std::string(MELDER_BINARY) + " --version"), 0, "melder ");
}

/// The sub-commands that --help lists.
std::set<std::string> commands() {
    const auto help = run_command(std::string(MELDER_BINARY) + " --help").output;
    std::set<std::string> out;
    const std::regex command("\n  ([a-z][a-z-]*) +[A-Z]");
    const auto part = help.substr(help.find("Subcommands:"));
    const auto end = part.find("Examples:");
    const auto list = part.substr(0, end);
    for (auto each = std::sregex_iterator(list.begin(), list.end(), command); each != std::sregex_iterator(); ++each)
        out.insert((*each)[1]);
    return out;
}

TEST_F(Melder, a_garbled_command_line_is_wrong_usage_and_the_sentence_names_what_is_wrong) {
    const std::vector<std::pair<std::string, std::string>> lines = {
        {"", "subcommand"},
        {"--vault", "--vault"},
        {"--nonsense status", "--nonsense"},
        {"enrol MLD1-X --code-file y", "--code-file"},
        {"enrol MLD1-X MLD1-Y", "MLD1-Y"},
        {"enrol --second-part", "--second-part"},
        {"status --verbos", "--verbos"},
        {"status extra", "extra"},
        {"find", "NUMBER"},
        {"find 1 2", "2"},
        {"search", "WORDS"},
        {"search x --limit 0", "--limit"},
        {"search x --limit many", "--limit"},
        {"send", "--to"},
        {"send --to", "--to"},
        {"send --to 1 --timeout 0 x", "--timeout"},
        {"send --to 1 --lives-for 0 x", "--lives-for"},
        {"send --to 1 --lives-for 2592001 x", "--lives-for"},
        {"send --to 1 eins zwei", "zwei"},
        {"receive --once --follow", "--follow"},
        {"receive --timeout soon", "--timeout"},
        {"receive --timeout 86401", "--timeout"},
        {"receive --follow=maybe", "--follow"},
        {"safety-number", "--with"},
        {"safety-number --with 1 --qr --json", "--json"},
        {"chat --with", "--with"},
        {"chat 4711", "4711"},
        {"jsonrpc --json", "--json"},
        {"jsonrpc extra", "extra"},
        {"statsu", "did you mean \"status\""},
    };
    auto untried = commands();
    EXPECT_GE(untried.size(), 9U);
    for (const auto& [arguments, named] : lines) {
        const auto result = melder("a", arguments);
        EXPECT_EQ(result.exit_code, 2) << arguments << ": " << result.output;
        EXPECT_NE(result.output.find(named), std::string::npos) << arguments << ": " << result.output;
        untried.erase(arguments.substr(0, arguments.find(' ')));
    }
    EXPECT_TRUE(untried.empty()) << "no wrong line for " << *untried.begin();
    expect(melder("a", "enrol --server nowhere --root " + root_file() + " MLD1-X"), 2, "HOST:PORT");
    expect(melder("a", "enrol --server 127.0.0.1:0 --root " + root_file() + " MLD1-X"), 2, "HOST:PORT");
    expect(melder("a", "enrol --server " + server() + " --root /nowhere MLD1-X"), 2, "/nowhere");
    expect(melder("a", "enrol --server " + server() + " --root " + root_file() + " --code-file /nowhere"), 2,
           "no code can be read from /nowhere");
    for (const auto& command : commands()) {
        const bool takes_somebody = command == "send" || command == "find" || command == "safety-number";
        const auto arguments = command == "find"     ? " 1"
                               : command == "send"   ? " --to 1 x"
                               : command == "search" ? " x"
                               : takes_somebody      ? " --with 1"
                                                     : "";
        expect(melder("a", command + arguments), 2, "no device is enrolled");
    }
    EXPECT_FALSE(fs::exists(home("a")));
}

TEST_F(Melder, every_command_refuses_a_vault_that_another_process_has_open) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    Piped owner({MELDER_BINARY, "--vault", home("a"), "jsonrpc"});
    owner.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"status\"}\n");
    ASSERT_TRUE(owner.line_with("\"id\":1"));
    for (const auto* arguments : {"status", "find 1", "search x", "send --to 1 x", "receive", "safety-number --with 1",
                                  "chat </dev/null", "jsonrpc </dev/null", "enrol MLD1-X"})
        expect(melder("a", arguments), 1, "end the other melder on this vault");
    owner.end_input();
    EXPECT_EQ(owner.exit_code(), 0);
}

TEST_F(Melder, what_a_refusal_cannot_say_shortly_the_table_of_errors_says) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    expect(melder("a", "search ..."), 1, "outside its documented range. Read its documentation");
}

TEST_F(Melder, after_enrol_the_directory_is_all_that_later_commands_need) {
    expect(enrol("a", issue_code("4711").code), 0, "service number 4711");
    expect(melder("a", "status"), 0, "service number 4711");
    expect(melder("a", "find 4711"), 0, "Officer 4711");
    expect(melder("a", "find 4712"), 1, "check the number");
    EXPECT_EQ(fs::status(home("a")).permissions() & (fs::perms::group_all | fs::perms::others_all), fs::perms::none);
}

TEST_F(Melder, search_finds_by_name_number_and_unit) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    expect(melder("a", "search officer"), 0, "4711  Officer 4711  LKA/K5\n4712  Officer 4712  LKA/K5\n");
    expect(melder("a", "search offi 12"), 1, "nobody");
    expect(melder("a", "search k5 4712 --json"), 0,
           "\"name\":\"Officer 4712\",\"number\":\"4712\",\"unit\":\"LKA/K5\",\"role\":\"member\"}\n");
    expect(melder("a", "search lka --limit 1"), 0, "4711  Officer 4711  LKA/K5\nmelder: there are more");
    expect(melder("a", "search ..."), 1, "outside its documented range");
    for (const auto* arguments : {"search", "search lka --limit 0", "search lka --limit 501", "search lka --limit x"})
        EXPECT_EQ(melder("a", arguments).exit_code, 2) << arguments;
}

TEST_F(Melder, the_code_may_come_from_a_file_or_standard_input) {
    std::ofstream(home("code")) << issue_code("1").code << "\n";
    expect(enrol("a", "--code-file " + home("code")), 0, "service number 1");
    expect(enrol("b", "< /dev/null"), 2, "no code");
    std::ofstream(home("code")) << issue_code("2").code << "\n";
    expect(enrol("b", "< " + home("code")), 0, "service number 2");
}

TEST_F(Melder, wrong_codes_are_refused_with_a_sentence_and_leave_nothing_to_use) {
    expect(enrol("a", "MLD1-nonsense"), 1, "mistyped; type it again");
    const auto stranger = EnrolmentCode::generate(system_random(), 1).text();
    expect(enrol("a", to_string(stranger.expose())), 1, "ask your administrator");
    expect(melder("a", "status"), 2, "no device is enrolled");
}

TEST_F(Melder, a_code_works_for_one_device_only) {
    const auto issued = issue_code("4711");
    ASSERT_EQ(enrol("a", issued.code).exit_code, 0);
    expect(enrol("b", issued.code), 1, "ask your administrator");
    expect(enrol("a", issued.code), 1, "use another --vault");
}

TEST_F(Melder, a_server_that_is_not_there_is_a_sentence) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    world.stop();
    expect(melder("a", "find 4711"), 1, "check the address");
}

TEST_F(Melder, a_revoked_device_is_told_so) {
    const auto issued = issue_code("4711");
    ASSERT_EQ(enrol("a", issued.code).exit_code, 0);
    ASSERT_TRUE(world.order(OrderKind::revoke, issued.device, {&world.chief}).has_value());
    expect(melder("a", "find 4711"), 1, "the device is revoked");
    expect(melder("a", "receive --timeout 20"), 1, "the device is revoked");
}

TEST_F(Melder, an_empty_mailbox_is_told_apart_from_a_failure) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    expect(melder("a", "receive --timeout 1"), 3, "");
}

TEST_F(Melder, what_was_written_to_an_offline_device_is_received_once_after_it_was_acknowledged) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    ASSERT_EQ(melder("b", "receive --timeout 2").exit_code, 3);  // publishes its prekeys
    expect(melder("a", "send --to 4712 'Lage ruhig.'"), 0, "stored");
    expect(melder("b", "receive --no-ack --timeout 20"), 0, "Officer 4711: Lage ruhig.");
    expect(melder("b", "receive --json --timeout 20"), 0, "\"text\":\"Lage ruhig.\"");
    expect(melder("b", "receive --timeout 1"), 3, "");
}

TEST_F(Melder, a_device_that_stays_online_confirms_what_it_decrypted) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    ASSERT_EQ(melder("b", "receive --timeout 2").exit_code, 3);
    const auto binary = std::string(MELDER_BINARY) + " --vault ";
    const auto both = binary + home("b") + " receive --follow --timeout 6 & echo 'Von der Tastatur' | " + binary +
                      home("a") + " send --to 4712 --delivered; sent=$?; wait $! && exit $sent";
    const auto result = run_command("(" + both + ")");
    expect(result, 0, "delivered");
    EXPECT_NE(result.output.find("Officer 4711: Von der Tastatur"), std::string::npos) << result.output;
}

TEST_F(Melder, ctrl_c_ends_a_waiting_command_cleanly) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    const auto follow = std::string(MELDER_BINARY) + " --vault " + home("a") + " receive --follow";
    expect(run_command("timeout --preserve-status --signal=INT 1 " + follow), 0, "");
    expect(melder("a", "status"), 0, "service number 4711");
}

TEST(Printing, what_others_wrote_cannot_command_the_terminal) {
    EXPECT_EQ(apps::harmless("a\x1b[2Jb\rc\x7f"),
              "a\xef\xbf\xbd[2Jb\xef\xbf\xbd"
              "c\xef\xbf\xbd");
    EXPECT_EQ(apps::harmless("\xc2\x9b"
                             "31m"),
              "\xef\xbf\xbd"
              "31m");
    EXPECT_EQ(apps::harmless("\xe2\x80\xaetxt"), "\xef\xbf\xbdtxt");
    EXPECT_EQ(apps::harmless("\x1b]52;c;eA==\x07"), "\xef\xbf\xbd]52;c;eA==\xef\xbf\xbd");
    EXPECT_EQ(apps::harmless("a\xe2\x80\xa8"
                             "b\xff\xf3\xa0\x81\x81"),
              "a\xef\xbf\xbd"
              "b\xef\xbf\xbd\xef\xbf\xbd");
    EXPECT_EQ(apps::harmless("👮🏽‍♀️"), "👮🏽‍♀️");
    EXPECT_EQ(apps::harmless("Grüße\tan\nalle – €"), "Grüße\tan\n    alle – €");
}

}  // namespace
}  // namespace melder::testing
