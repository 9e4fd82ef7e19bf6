// What melder chat decides: no terminal, no account.

#include <gtest/gtest.h>

#include "apps/melder/chat_logic.hpp"
#include "apps/melder/shown_lines.hpp"
#include "core/limits.hpp"
#include "core/random.hpp"

namespace melder::testing {
namespace {

using apps::ChatLogic;

template <class T>
std::vector<T> all_of(const ChatLogic::Actions& actions) {
    std::vector<T> out;
    for (const auto& action : actions)
        if (const auto* each = std::get_if<T>(&action)) out.push_back(*each);
    return out;
}

std::string shown(const ChatLogic::Actions& actions) {
    std::string out;
    for (const auto& each : all_of<ChatLogic::Show>(actions))
        out += each.line + "\n";
    return out;
}

class ChatLogicTest : public ::testing::Test {
protected:
    const OfficerId okafor = system_random().id<OfficerId>();
    const OfficerId winter = system_random().id<OfficerId>();

    static sdk::PeerDevice device(const OfficerId& officer, const std::string& name, const std::string& number) {
        sdk::PeerDevice out;
        out.officer = officer;
        out.display_name = name;
        out.service_number = number;
        return out;
    }
    static Result<sdk::OfficerInfo> found(const OfficerId& officer, const std::string& name,
                                          const std::string& number) {
        return sdk::OfficerInfo{officer, {device(officer, name, number)}};
    }
    sdk::Event text(const OfficerId& from, const std::string& name, const std::string& number,
                    const std::string& what) {
        const auto bytes = std::make_shared<std::vector<std::uint8_t>>(what.begin(), what.end());
        return {{++events_},
                sdk::TextReceived{.from = device(from, name, number),
                                  .conversation = from,
                                  .own = false,
                                  .content_id = {},
                                  .text = sdk::ReceivedText(bytes),
                                  .sent_at = {},
                                  .expires_at = {},
                                  .urgency = sdk::Urgency::normal,
                                  .stale_head = false}};
    }
    sdk::Event connection(sdk::ConnectionState state, std::optional<Error> why = {}, int retry_ms = 0) {
        return {{++events_}, sdk::ConnectionChanged{state, std::move(why), Millis(retry_ms)}};
    }
    void go_online() { (void)logic.on_event(connection(sdk::ConnectionState::online)); }
    void write_with_okafor() {
        (void)logic.on_start("10002");
        go_online();
        (void)logic.on_found("10002", found(okafor, "Okafor", "10002"));
    }

    std::uint64_t events_ = 0;
    ChatLogic logic{[] { return system_random().id<ContentId>(); }};
};

TEST_F(ChatLogicTest, lines_typed_before_the_officer_is_found_go_to_him_in_order) {
    (void)logic.on_start("10002");
    EXPECT_TRUE(logic.on_line("eins").empty());
    const auto asked = logic.on_event(connection(sdk::ConnectionState::online));
    ASSERT_EQ(all_of<ChatLogic::LookUp>(asked).size(), 1U);
    EXPECT_TRUE(logic.on_line("zwei").empty());
    const auto sends = all_of<ChatLogic::Send>(logic.on_found("10002", found(okafor, "Okafor", "10002")));
    ASSERT_EQ(sends.size(), 2U);
    EXPECT_EQ(sends[0].text, "eins");
    EXPECT_EQ(sends[1].text, "zwei");
    EXPECT_EQ(sends[0].to, okafor);
}

TEST_F(ChatLogicTest, what_is_typed_right_after_a_change_of_officer_never_reaches_the_former_one) {
    write_with_okafor();
    EXPECT_EQ(all_of<ChatLogic::LookUp>(logic.on_line("/to 10003")).size(), 1U);
    EXPECT_TRUE(logic.on_line("nur fuer Winter").empty());
    const auto lost = logic.on_found("10003", Errc::not_found);
    EXPECT_TRUE(all_of<ChatLogic::Send>(lost).empty());
    EXPECT_NE(shown(lost).find("was not sent"), std::string::npos);
    const auto sends = all_of<ChatLogic::Send>(logic.on_line("wieder Okafor"));
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].to, okafor);
}

TEST_F(ChatLogicTest, a_message_of_somebody_else_waits_unacknowledged_until_it_is_looked_at) {
    write_with_okafor();
    const auto event = text(winter, "Winter", "10003", "Hallo");
    EXPECT_TRUE(all_of<ChatLogic::Acknowledge>(logic.on_event(event)).empty());
    EXPECT_EQ(logic.prompt(), "Okafor (1 unread elsewhere)> ");
    const auto turned = logic.on_line("/to 10003");
    EXPECT_NE(shown(turned).find("Winter: Hallo"), std::string::npos);
    ASSERT_EQ(all_of<ChatLogic::Acknowledge>(turned).size(), 1U);
    EXPECT_EQ(all_of<ChatLogic::Acknowledge>(turned)[0].event, event.id);
    EXPECT_EQ(logic.prompt(), "Winter> ");
}

TEST_F(ChatLogicTest, a_message_is_shown_before_it_is_acknowledged) {
    write_with_okafor();
    const auto actions = logic.on_event(text(okafor, "Okafor", "10002", "Da bin ich"));
    ASSERT_EQ(actions.size(), 2U);
    EXPECT_TRUE(std::holds_alternative<ChatLogic::Show>(actions[0]));
    EXPECT_TRUE(std::holds_alternative<ChatLogic::Acknowledge>(actions[1]));
}

TEST_F(ChatLogicTest, a_search_shows_officers_page_by_page_and_more_goes_on_with_it) {
    write_with_okafor();
    const auto asked = all_of<ChatLogic::Search>(logic.on_line("/search mueller k5"));
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].query.text, "mueller k5");
    EXPECT_FALSE(asked[0].query.after);
    auto müller = device(winter, "M\x1b[2Jüller", "10003");
    müller.unit = {"LKA", "K5"};
    const auto page = shown(logic.on_searched("mueller k5", sdk::OfficersPage{{müller}, winter}));
    EXPECT_NE(page.find("10003  M\xef\xbf\xbd[2Jüller  LKA/K5\n"), std::string::npos) << page;
    EXPECT_NE(page.find("/more"), std::string::npos);
    const auto more = all_of<ChatLogic::Search>(logic.on_line("/more"));
    ASSERT_EQ(more.size(), 1U);
    EXPECT_EQ(more[0].query.text, "mueller k5");
    EXPECT_EQ(more[0].query.after, winter);
    EXPECT_NE(shown(logic.on_searched("mueller k5", sdk::OfficersPage{})).find("Nobody"), std::string::npos);
    EXPECT_NE(shown(logic.on_line("/more")).find("nothing more"), std::string::npos);
    EXPECT_NE(shown(logic.on_searched("x", Error(Errc::busy, 1500))).find("(2 s)"), std::string::npos);
    EXPECT_NE(shown(logic.on_line("/search")).find("/search needs a word after it"), std::string::npos);
}

TEST_F(ChatLogicTest, without_a_connection_nothing_is_searched) {
    (void)logic.on_start("");
    const auto actions = logic.on_line("/search meier");
    EXPECT_TRUE(all_of<ChatLogic::Search>(actions).empty());
    EXPECT_NE(shown(actions).find("Not connected"), std::string::npos);
}

TEST_F(ChatLogicTest, an_officer_named_at_the_start_whom_nobody_knows_ends_it) {
    (void)logic.on_start("4");
    go_online();
    const auto leaves = all_of<ChatLogic::Leave>(logic.on_found("4", Errc::not_found));
    ASSERT_EQ(leaves.size(), 1U);
    EXPECT_EQ(leaves[0].why->code(), Errc::not_found);
}

TEST_F(ChatLogicTest, a_loss_of_the_connection_is_shown_and_a_final_refusal_ends_it) {
    write_with_okafor();
    const auto lost = logic.on_event(connection(sdk::ConnectionState::offline, Errc::network, 1500));
    EXPECT_NE(shown(lost).find("next try in 2 s"), std::string::npos);
    const auto refused = logic.on_event(connection(sdk::ConnectionState::restricted, Errc::device_revoked));
    ASSERT_EQ(all_of<ChatLogic::Leave>(refused).size(), 1U);
    EXPECT_EQ(all_of<ChatLogic::Leave>(refused)[0].why->code(), Errc::device_revoked);
}

TEST_F(ChatLogicTest, a_server_that_is_away_is_told_once_and_so_is_its_return) {
    write_with_okafor();
    EXPECT_NE(shown(logic.on_event(connection(sdk::ConnectionState::offline, Errc::network, 500))), "");
    EXPECT_EQ(logic.prompt(), "offline, Okafor> ");
    for (const int retry_ms : {1000, 2000, 4000}) {
        (void)logic.on_event(connection(sdk::ConnectionState::connecting));
        EXPECT_EQ(shown(logic.on_event(connection(sdk::ConnectionState::offline, Errc::network, retry_ms))), "");
    }
    EXPECT_NE(shown(logic.on_event(connection(sdk::ConnectionState::offline, Errc::wrong_server_key, 500))), "")
        << "another reason is news";
    EXPECT_EQ(shown(logic.on_event(connection(sdk::ConnectionState::online))), "Online again.\n");
    EXPECT_EQ(logic.prompt(), "Okafor> ");
    EXPECT_NE(shown(logic.on_event(connection(sdk::ConnectionState::offline, Errc::network, 500))), "");
}

TEST_F(ChatLogicTest, a_safety_number_is_shown_with_what_it_covers) {
    EXPECT_NE(shown(logic.on_line("/safety")).find("With whom?"), std::string::npos);
    write_with_okafor();
    const auto asked = all_of<ChatLogic::CompareKeys>(logic.on_line("/safety"));
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].with, okafor);
    const auto tablet = device(okafor, "Okafor", "10002");
    const auto text = shown(logic.on_compared(sdk::SafetyNumber{
        okafor, std::string(30, '1') + std::string(30, '2'), {device({}, "Ich", "1")}, {tablet, tablet}}));
    EXPECT_NE(text.find("    11111 11111 11111 11111\n    11111 11111 22222 22222\n    22222"), std::string::npos)
        << text;
    EXPECT_NE(text.find("1 device of yours and 2 devices of Okafor (10002)"), std::string::npos) << text;
    EXPECT_NE(shown(logic.on_compared(Errc::head_stale)).find("! "), std::string::npos);
    (void)logic.on_event(connection(sdk::ConnectionState::offline, Errc::network, 500));
    EXPECT_NE(shown(logic.on_line("/safety")).find("Not connected"), std::string::npos);
}

TEST_F(ChatLogicTest, a_message_that_expires_soon_says_when_and_is_shown_until_then) {
    write_with_okafor();
    auto event = text(okafor, "Okafor", "10002", "Parole Ahorn");
    auto& message = std::get<sdk::TextReceived>(event.what);
    message.sent_at = UnixTime{1'000'000'000'000};
    message.expires_at = message.sent_at + std::chrono::hours(1);
    const auto soon = all_of<ChatLogic::Show>(logic.on_event(event));
    ASSERT_EQ(soon.size(), 1U);
    EXPECT_EQ(soon[0].expires, message.expires_at);
    EXPECT_NE(soon[0].line.find("(until "), std::string::npos) << soon[0].line;
    message.expires_at = message.sent_at + std::chrono::hours(24 * 14);
    EXPECT_EQ(shown(logic.on_event(event)).find("(until "), std::string::npos);
}

TEST_F(ChatLogicTest, names_and_texts_of_others_never_command_the_terminal) {
    write_with_okafor();
    const std::string evil =
        "\x1b]52;c;eA==\x07\x1b[2J\r\xc2\x9b"
        "1m\xe2\x80\xae";
    std::string all = shown(logic.on_event(text(winter, evil, evil, evil)));
    all += shown(logic.on_line("/list")) + logic.prompt();
    all += shown(logic.on_line("/to " + evil)) + shown(logic.on_found(evil, found(winter, evil, evil)));
    all += logic.prompt() + shown(logic.on_line("/safety"));
    all += shown(logic.on_compared(sdk::SafetyNumber{winter, std::string(60, '1'), {}, {device(winter, evil, evil)}}));
    all += shown(logic.on_searched(evil, sdk::OfficersPage{{device(winter, evil, evil)}, {}}));
    const auto sent = all_of<ChatLogic::Send>(logic.on_line("x"));
    ASSERT_EQ(sent.size(), 1U);
    all +=
        shown(logic.on_event({{99}, sdk::SendProgress{sent[0].id, sdk::SendState::failed, {}, Errc::not_delivered}}));
    EXPECT_NE(all.find("\xef\xbf\xbd]52"), std::string::npos) << "it was shown";
    for (const auto* command : {"\x1b", "\r", "\x07", "\xc2\x9b", "\xe2\x80\xae"})
        EXPECT_EQ(all.find(command), std::string::npos) << all;
}

TEST(ShownLines, forget_what_expires_and_the_oldest_of_too_many) {
    apps::ShownLines lines;
    lines.add("eins", UnixTime{100});
    lines.add("zwei", std::nullopt);
    lines.add("drei", UnixTime{50});
    EXPECT_EQ(lines.next_expiry(), UnixTime{50});
    EXPECT_FALSE(lines.expire(UnixTime{49}));
    EXPECT_TRUE(lines.expire(UnixTime{50}));
    EXPECT_EQ(lines.newest(9), (std::vector<std::string_view>{"eins", "zwei"}));
    EXPECT_EQ(lines.newest(1), std::vector<std::string_view>{"zwei"});
    for (std::size_t i = 0; i < limits::shown_lines_kept; ++i)
        lines.add(std::to_string(i), std::nullopt);
    EXPECT_EQ(lines.newest(limits::shown_lines_kept + 1).size(), limits::shown_lines_kept);
    EXPECT_EQ(lines.newest(limits::shown_lines_kept + 1).front(), "0");
    EXPECT_FALSE(lines.next_expiry());
}

TEST_F(ChatLogicTest, slashes_are_commands_unless_doubled) {
    write_with_okafor();
    EXPECT_NE(shown(logic.on_line("/tp 10003")).find("no such command: /tp; did you mean /to?"), std::string::npos);
    EXPECT_NE(shown(logic.on_line("/frobnicate")).find("/help lists them"), std::string::npos);
    EXPECT_NE(shown(logic.on_line("/quit now")).find("stands alone"), std::string::npos);
    const auto hostile = shown(logic.on_line("/\x1b[2J"));
    EXPECT_EQ(hostile.find('\x1b'), std::string::npos) << hostile;
    EXPECT_NE(shown(logic.on_line("/help")).find("/urgent"), std::string::npos);
    const auto sends = all_of<ChatLogic::Send>(logic.on_line("//etc"));
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].text, "/etc");
    EXPECT_EQ(all_of<ChatLogic::Send>(logic.on_line("/urgent Zugriff")).at(0).urgency, sdk::Urgency::urgent);
}

}  // namespace
}  // namespace melder::testing
