// melder in pipes: nothing is lost between standard output and the acknowledgement, and what comes in is judged first.

#include <csignal>

#include <boost/json.hpp>

#include "apps/melder/printing.hpp"
#include "tests/apps/melder_fixture.hpp"
#include "tests/apps/piped.hpp"

namespace melder::testing {
namespace {

namespace json = boost::json;

class MelderPipe : public MelderFixture {
protected:
    /// Two devices, the second with prekeys.
    void SetUp() override {
        MelderFixture::SetUp();
        enrol_pair("a", "b");
    }
    [[nodiscard]] CommandResult bash(const std::string& script) const {
        std::ofstream(home("script")) << "set -o pipefail\n" << script << "\n";
        return run_command("timeout 60 bash " + home("script"));
    }
    void say(const std::string& text) const { expect(melder("a", "send --to 4712 '" + text + "'"), 0, "stored"); }
    [[nodiscard]] Piped piped(const std::string& name, std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), {MELDER_BINARY, "--vault", home(name)});
        return Piped(arguments);
    }
};

TEST_F(MelderPipe, what_could_not_be_written_is_not_acknowledged) {
    say("bleibt");
    expect(bash(melder_line("b") + " receive --timeout 20 >/dev/full"), 1,
           "cannot be written (No space left on device)");
    expect(bash(melder_line("b") + " receive --timeout 20 >&-"), 1, "standard output is closed");
    expect(bash(melder_line("b") + " receive --timeout 20 --json >/dev/full"), 1, "make room");
    expect(melder("b", "receive --timeout 20"), 0, "Officer 4711: bleibt");
    expect(melder("b", "receive --timeout 1"), 3, "");
}

TEST_F(MelderPipe, a_full_disk_is_told_by_every_command_that_prints) {
    for (const auto* arguments :
         {"status", "find 4711", "search officer", "send --to 4712 x", "safety-number --with 4712"})
        expect(bash(melder_line("a") + " " + arguments + " >/dev/full"), 1, "cannot be written");
}

TEST_F(MelderPipe, a_reader_that_leaves_takes_nothing_along_that_it_did_not_read) {
    for (const auto* text : {"eins", "zwei", "drei"})
        say(text);
    auto reader = piped("b", {"receive", "--follow", "--timeout", "20"});
    EXPECT_EQ(reader.line(), "Officer 4711: eins");
    ASSERT_TRUE(reader.has_unread(1)) << "the next one is in the pipe, and there it stays";
    reader.close_output();
    EXPECT_EQ(reader.exit_code(), 1);
    expect(bash(melder_line("b") + " receive --timeout 20 | true"), 1, "");
    const auto first = bash(melder_line("b") + " receive --follow --timeout 20 | head -1");
    EXPECT_EQ(first.output, "Officer 4711: zwei\n");
    expect(melder("b", "receive --timeout 20"), 0, "Officer 4711: drei");
}

TEST_F(MelderPipe, a_reader_that_takes_its_time_is_waited_for_and_ctrl_c_ends_the_wait) {
    say("eins");
    auto slow = piped("b", {"receive", "--timeout", "20"});
    ASSERT_TRUE(slow.has_unread(1));
    slow.signal(SIGINT);
    EXPECT_EQ(slow.exit_code(), 0);
    auto again = piped("b", {"receive", "--timeout", "20"});
    EXPECT_EQ(again.line(), "Officer 4711: eins");
    EXPECT_EQ(again.exit_code(), 0);
    expect(melder("b", "receive --timeout 1"), 3, "");
}

TEST_F(MelderPipe, a_text_that_cannot_be_sent_is_refused_before_anything_happens) {
    const auto send = melder_line("a") + " send --to 4712";
    expect(bash("printf 'Gr\\374\\337e' | " + send), 2, "not UTF-8: byte 3");
    expect(bash("printf 'halbes \\303' | " + send + " -"), 2, "not UTF-8: byte 8");
    expect(bash(send + " \"$(printf '\\377')\""), 2, "not UTF-8: byte 1");
    expect(bash("head -c 16385 /dev/zero | tr '\\0' x | " + send), 2, "longer than 16384 bytes");
    expect(bash("yes | " + send), 2, "longer than 16384 bytes");
    expect(bash(send + " </dev/null"), 2, "nothing to send");
    expect(bash("echo | " + send), 2, "nothing to send");
    expect(bash(send + " <&-"), 2, "standard input cannot be read");
    expect(bash(send + " </"), 2, "standard input cannot be read");
    expect(melder("b", "receive --timeout 1"), 3, "");
    expect(bash("head -c 16384 /dev/zero | tr '\\0' x | " + send), 0, "stored");
}

TEST_F(MelderPipe, the_last_line_end_of_standard_input_is_not_part_of_the_text) {
    expect(bash("printf 'eins\\nzwei\\n' | " + melder_line("a") + " send --to 4712"), 0, "stored");
    const auto received = melder("b", "receive --json --timeout 20");
    expect(received, 0, "");
    EXPECT_EQ(json::parse(received.output).at("text"), "eins\nzwei");
}

TEST_F(MelderPipe, ctrl_c_while_a_text_is_typed_sends_nothing) {
    auto typing = piped("a", {"send", "--to", "4712"});
    typing.write("halb");
    ASSERT_TRUE(typing.has_read_everything());
    typing.signal(SIGINT);
    EXPECT_EQ(typing.exit_code(), 1);
    expect(melder("b", "receive --timeout 1"), 3, "");
}

TEST_F(MelderPipe, every_command_that_prints_does_so_as_json_too) {
    const auto object = [&](const std::string& name, const std::string& arguments) {
        const auto said = melder(name, arguments + " --json");
        EXPECT_EQ(said.exit_code, 0) << said.output;
        EXPECT_EQ(std::count(said.output.begin(), said.output.end(), '\n'), 1) << said.output;
        boost::system::error_code error;
        const auto value = json::parse(said.output, error);
        EXPECT_FALSE(error) << arguments << ": " << said.output;
        return value.is_object() ? value.get_object() : json::object();
    };
    const auto status = object("a", "status");
    EXPECT_EQ(status.at("number"), "4711");
    EXPECT_EQ(status.at("waiting_to_send"), 0);
    EXPECT_EQ(status.at("help_desk").as_string().size(), 9U);
    EXPECT_EQ(object("a", "find 4712").at("name"), "Officer 4712");
    EXPECT_EQ(object("a", "search 4712").at("unit"), "LKA/K5");
    const auto sent = object("a", "send --to 4712 --urgent --lives-for 3600 'Zugriff: \"jetzt\"'");
    EXPECT_EQ(sent.at("state"), "stored");
    const auto received = object("b", "receive --timeout 20");
    EXPECT_EQ(received.at("content_id"), sent.at("content_id"));
    EXPECT_EQ(received.at("urgency"), "urgent");
    EXPECT_EQ(received.at("text"), "Zugriff: \"jetzt\"");
    EXPECT_NEAR(static_cast<double>(received.at("expires_at_ms").as_int64() - received.at("sent_at_ms").as_int64()),
                3'600'000, 10'000);
    const auto number = object("a", "safety-number --with 4712");
    EXPECT_EQ(number.at("number").as_string().size(), 71U);
    const auto issued = issue_code("4713");
    EXPECT_EQ(object("c", "enrol --server " + server() + " --root " + root_file() + " " + issued.code).at("number"),
              "4713");
}

TEST_F(MelderPipe, two_officers_read_the_same_safety_number) {
    const auto at_a = melder("a", "safety-number --with 4712");
    const auto at_b = melder("b", "safety-number --with 4711");
    expect(at_a, 0, "It covers 1 device of yours and 1 device of Officer 4712 (4712):");
    const auto digits = [](const CommandResult& said) { return said.output.substr(0, said.output.find("It covers")); };
    EXPECT_EQ(digits(at_a), digits(at_b));
    EXPECT_EQ(digits(at_a).size(), 3 * (4U + 23U + 1U)) << digits(at_a);
    expect(melder("a", "safety-number --with 4712 --qr"), 0, "\x1b[30;107m");
    expect(melder("a", "safety-number --with 4711"), 2, "your own number");
    expect(melder("a", "safety-number --with 4799"), 1, "check the number");
    EXPECT_EQ(melder("a", "safety-number --with 4712 --qr --json").exit_code, 2);
    EXPECT_EQ(melder("a", "safety-number").exit_code, 2);
    world.stop();
    expect(melder("a", "safety-number --with 4712"), 1, "check the address");
}

TEST(Json, holds_nothing_that_a_terminal_obeys_and_is_utf8_whatever_was_written) {
    const auto bytes = [](const std::string& text) {
        return sdk::ReceivedText(std::make_shared<const std::vector<std::uint8_t>>(text.begin(), text.end()));
    };
    sdk::TextReceived message{.from = {},
                              .conversation = {},
                              .own = false,
                              .content_id = {},
                              .text = bytes("\x1b]52;c;eA==\x07\xc2\x9b"
                                            "31m\x7f\xe2\x80\xae"
                                            "txt\xff \"Grüße\" 👮\n"),
                              .sent_at = {},
                              .expires_at = {}};
    message.from.display_name = "\x1b[2J";
    const auto line = apps::json_of(message);
    for (const char c : line)
        EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != '\x7f') << line;
    EXPECT_EQ(line.find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(line.find("\xe2\x80\xae"), std::string::npos);
    EXPECT_EQ(json::parse(line).at("text"),
              "\x1b]52;c;eA==\x07\xc2\x9b"
              "31m\x7f\xe2\x80\xae"
              "txt\xef\xbf\xbd \"Grüße\" 👮\n");
}

}  // namespace
}  // namespace melder::testing
