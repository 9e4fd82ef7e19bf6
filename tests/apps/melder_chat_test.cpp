// melder chat, the real binary in a pseudo-terminal.

#include <cstdlib>

#include "tests/apps/melder_fixture.hpp"
#include "tests/apps/terminal.hpp"

namespace melder::testing {
namespace {

using MelderChat = MelderFixture;

TEST_F(MelderChat, two_people_at_terminals_write_to_each_other) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    ASSERT_EQ(melder("b", "receive --timeout 2").exit_code, 3);  // publishes its prekeys
    Terminal b({MELDER_BINARY, "--vault", home("b"), "chat"});
    ASSERT_TRUE(b.shows("Online.")) << b.transcript();
    Terminal a({MELDER_BINARY, "--vault", home("a"), "chat", "--with", "4712"});
    ASSERT_TRUE(a.shows("Writing with Officer 4712 (4712).")) << a.transcript();
    a.type("Grüße, Tor ist offem\x7fn\r");
    ASSERT_TRUE(b.shows("Officer 4711: Grüße, Tor ist offen")) << b.transcript() << a.transcript();
    ASSERT_TRUE(a.shows("#1 to Officer 4712: delivered")) << a.transcript();

    // What is being typed stays whole when a message comes in between.
    a.type("halbe Ze");
    ASSERT_TRUE(a.shows("halbe Ze")) << a.transcript();
    b.type("Verstanden\r");
    ASSERT_TRUE(a.shows("Officer 4712: Verstanden")) << a.transcript();
    ASSERT_TRUE(a.shows("halbe Ze")) << a.transcript();
    a.type("ile\r");
    ASSERT_TRUE(b.shows("Officer 4711: halbe Zeile")) << b.transcript();

    // The arrow brings back what was typed before.
    a.type("\033[A\r");
    ASSERT_TRUE(b.shows("Officer 4711: halbe Zeile")) << b.transcript();
    a.type("\x04");
    EXPECT_EQ(a.exit_code(), 0) << a.transcript();
    b.type("/quit\r");
    EXPECT_EQ(b.exit_code(), 0) << b.transcript();
}

TEST_F(MelderChat, an_officer_is_searched_by_name_and_chosen) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    Terminal a({MELDER_BINARY, "--vault", home("a"), "chat"});
    ASSERT_TRUE(a.shows("Online.")) << a.transcript();
    a.type("/search offi 4712\r");
    ASSERT_TRUE(a.shows("4712  Officer 4712  LKA/K5")) << a.transcript();
    a.type("/to 4712\r");
    ASSERT_TRUE(a.shows("Writing with Officer 4712 (4712).")) << a.transcript();
    a.type("/quit\r");
    EXPECT_EQ(a.exit_code(), 0) << a.transcript();
}

TEST_F(MelderChat, control_c_closes_it_properly) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    Terminal a({MELDER_BINARY, "--vault", home("a"), "chat"});
    ASSERT_TRUE(a.shows("Online.")) << a.transcript();
    a.type("\x03");
    EXPECT_EQ(a.exit_code(), 0) << a.transcript();
    expect(melder("a", "status"), 0, "service number 4711");
}

/// Two conversations that have begun, with ten seconds' patience for each thing they show.
class MelderChatPair : public MelderFixture {
protected:
    void SetUp() override {
        MelderFixture::SetUp();
        enrol_pair("a", "b");
    }
    [[nodiscard]] std::vector<std::string> chat_line() const {
        return {MELDER_BINARY, "--vault", home("a"), "chat", "--with", "4712"};
    }
    void say_to_a(const std::string& text, const std::string& options = "") const {
        expect(melder("b", "send --to 4711 " + options + " '" + text + "'"), 0, "stored");
    }
    static constexpr auto chosen = "Writing with Officer 4712 (4712).";
};

TEST_F(MelderChatPair, the_former_screen_is_back_afterwards_and_no_file_was_written) {
    // Whatever it might leave: beside the vault, or in a home of its own.
    const auto files = "find " + home("a") + " " + home("home") + " | grep -v -e -wal -e -shm | sort";
    std::filesystem::create_directory(home("home"));
    ::setenv("HOME", home("home").c_str(), 1);
    const auto before = run_command(files);
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows("\033[?1049h")) << a.transcript();
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    a.type("geheim\r");
    ASSERT_TRUE(a.shows("you (#1): geheim")) << a.transcript();
    ASSERT_TRUE(a.shows("#1 to Officer 4712: stored")) << a.transcript();
    a.type("/quit\r");
    ASSERT_TRUE(a.shows("\033[?1049l")) << a.transcript();
    EXPECT_EQ(a.exit_code(), 0) << a.transcript();
    const auto left = a.transcript().substr(a.transcript().rfind("\033[?1049l"));
    EXPECT_EQ(left.find("geheim"), std::string::npos) << left;
    EXPECT_EQ(run_command(files).output, before.output);
    EXPECT_EQ(run_command("grep -rl geheim " + home("a")).output, "");
}

TEST_F(MelderChatPair, ctrl_c_drops_what_is_typed_and_on_an_empty_line_ends) {
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    a.type("doch nicht");
    ASSERT_TRUE(a.shows("doch nicht")) << a.transcript();
    a.type("\x03");
    ASSERT_TRUE(a.shows("Officer 4712> ")) << a.transcript();
    a.type("das hier\r");
    ASSERT_TRUE(a.shows("you (#1): das hier")) << a.transcript();
    ASSERT_TRUE(a.shows("#1 to Officer 4712: stored")) << a.transcript();
    a.type("\x03");
    EXPECT_EQ(a.exit_code(), 0) << a.transcript();
    expect(melder("b", "receive --timeout 20"), 0, "Officer 4711: das hier\n");
}

TEST_F(MelderChatPair, another_size_of_the_window_draws_everything_anew) {
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    a.type("halb 👮 getippt");
    ASSERT_TRUE(a.shows("getippt")) << a.transcript();
    a.resize(10, 30);
    ASSERT_TRUE(a.shows("\033[2J")) << a.transcript();
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    ASSERT_TRUE(a.shows("halb 👮 getippt")) << a.transcript();
    a.type("\r");
    ASSERT_TRUE(a.shows("you (#1): halb 👮 getippt")) << a.transcript();
}

TEST_F(MelderChatPair, ctrl_z_gives_the_terminal_back_until_it_is_continued) {
    Terminal a({"/bin/bash", "--norc", "--noprofile", "-i"});  // only a shell continues what was stopped
    a.type("PS1='prompt: '; " + melder_line("a") + " chat --with 4712\r");
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    a.type("halb");
    ASSERT_TRUE(a.shows("halb")) << a.transcript();
    for (const auto* round : {"first", "second"}) {
        a.type("\x1a");
        ASSERT_TRUE(a.shows("\033[?1049l")) << round << a.transcript();
        ASSERT_TRUE(a.shows("prompt: ")) << round << a.transcript();
        a.type("echo $((6*7))\r");
        ASSERT_TRUE(a.shows("42")) << round << ": the shell edits its own lines: " << a.transcript();
        say_to_a(round);
        a.type("fg\r");
        ASSERT_TRUE(a.shows("\033[?1049h")) << round << a.transcript();
        ASSERT_TRUE(a.shows("halb")) << round << a.transcript();
        ASSERT_TRUE(a.shows(std::string("Officer 4712: ") + round)) << a.transcript();
    }
    a.type(" und ganz\r");
    ASSERT_TRUE(a.shows("you (#1): halb und ganz")) << a.transcript();
    a.type("/quit\r");
    ASSERT_TRUE(a.shows("prompt: ")) << a.transcript();
    a.type("exit $?\r");
    EXPECT_EQ(a.exit_code(), 0);
}

TEST_F(MelderChatPair, what_is_pasted_is_one_message_and_commands_nothing) {
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    a.type("\033[200~erste\rzweite\n/quit\x04\x1b[A\033[201~");
    ASSERT_TRUE(a.shows("erste↵zweite↵/quit[A")) << a.transcript();
    a.type("\r");
    ASSERT_TRUE(a.shows("#1 to Officer 4712: stored")) << a.transcript();
    expect(melder("b", "receive --timeout 20"), 0, "Officer 4711: erste\n    zweite\n    /quit[A\n");
}

TEST_F(MelderChatPair, an_expired_message_leaves_the_screen) {
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    say_to_a("Parole Ahorn", "--lives-for 6");
    ASSERT_TRUE(a.shows("Officer 4712: Parole Ahorn  (until ")) << a.transcript();
    const auto shown_at = a.transcript().size();
    ASSERT_TRUE(a.shows("\033[2J")) << a.transcript();
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    a.type("/quit\r");
    EXPECT_EQ(a.exit_code(), 0);
    EXPECT_EQ(a.transcript().find("Ahorn", shown_at), std::string::npos) << a.transcript();
}

TEST_F(MelderChatPair, hostile_text_reaches_the_terminal_as_text) {
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    say_to_a(
        "\x1b]52;c;eA==\x07\xc2\x9b"
        "2J\xe2\x80\xaeumgedreht");
    ASSERT_TRUE(a.shows("umgedreht")) << a.transcript();
    EXPECT_EQ(a.transcript().find("\x1b]52"), std::string::npos);
    EXPECT_EQ(a.transcript().find("\xc2\x9b"), std::string::npos);
    EXPECT_EQ(a.transcript().find("\xe2\x80\xae"), std::string::npos);
    a.type("/safety\r");
    ASSERT_TRUE(a.shows("1 device of yours and 1 device of Officer 4712")) << a.transcript();
}

TEST_F(MelderChatPair, a_server_that_goes_and_comes_back_is_told_once_each) {
    Terminal a(chat_line());
    ASSERT_TRUE(a.shows(chosen)) << a.transcript();
    world.stop();
    ASSERT_TRUE(a.shows("! Offline: ")) << a.transcript();
    ASSERT_TRUE(a.shows("offline, Officer 4712> ")) << a.transcript();
    ASSERT_TRUE(world.start().has_value());
    a.type("/list\r");
    ASSERT_TRUE(a.shows("Online again.")) << a.transcript();
    const auto& all = a.transcript();
    EXPECT_EQ(all.find("! Offline: "), all.rfind("! Offline: "));
}

TEST_F(MelderChat, an_unknown_number_is_a_sentence) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    expect(melder("a", "chat --with 9 </dev/null"), 1, "check the number");
}

TEST_F(MelderChat, lines_from_a_pipe_are_sent_before_it_ends) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    ASSERT_EQ(melder("b", "receive --timeout 2").exit_code, 3);  // publishes its prekeys
    expect(run_command("printf 'eins\\nzwei' | " + melder_line("a") + " chat --with 4712"), 0, "#2 to");
    expect(melder("b", "receive --timeout 20"), 0, "eins");
    expect(melder("b", "receive --timeout 20"), 0, "zwei");
    expect(run_command("printf 'drei\\n/quit\\nnie' | " + melder_line("a") + " chat --with 4712"), 0, "#1 to");
    expect(melder("b", "receive --timeout 20"), 0, "drei");
    expect(melder("b", "receive --timeout 1"), 3, "");
}

}  // namespace
}  // namespace melder::testing
