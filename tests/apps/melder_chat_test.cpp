// melder chat: its decisions alone, and the real binary in a pseudo-terminal.

#include <gtest/gtest.h>

#include "apps/melder/chat_logic.hpp"
#include "tests/apps/melder_fixture.hpp"
#include "tests/apps/terminal.hpp"

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
    EXPECT_NE(shown(logic.on_line("/search")).find("no such command"), std::string::npos);
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

TEST_F(ChatLogicTest, slashes_are_commands_unless_doubled) {
    write_with_okafor();
    EXPECT_NE(shown(logic.on_line("/tp 10003")).find("no such command"), std::string::npos);
    EXPECT_NE(shown(logic.on_line("/help")).find("/urgent"), std::string::npos);
    const auto sends = all_of<ChatLogic::Send>(logic.on_line("//etc"));
    ASSERT_EQ(sends.size(), 1U);
    EXPECT_EQ(sends[0].text, "/etc");
    EXPECT_EQ(all_of<ChatLogic::Send>(logic.on_line("/urgent Zugriff")).at(0).urgency, sdk::Urgency::urgent);
}

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
}

}  // namespace
}  // namespace melder::testing
