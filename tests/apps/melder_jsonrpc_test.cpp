// melder jsonrpc as a script uses it: the real binary on pipes, a real server.

#include <csignal>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/melder/rpc_request.hpp"
#include "core/diagnosis.hpp"
#include "tests/apps/melder_fixture.hpp"
#include "tests/apps/piped.hpp"

namespace melder::testing {
namespace {

namespace json = boost::json;

class MelderJsonRpc : public MelderFixture {
protected:
    /// Each line in, each line out.
    [[nodiscard]] std::vector<json::object> talk(const std::string& name, const std::vector<std::string>& lines,
                                                 const std::string& before = "", int exit_code = 0) const {
        const auto file = home("requests");
        {
            std::ofstream out(file);
            for (const auto& line : lines)
                out << line << "\n";
        }
        const auto result = melder(name, before + " jsonrpc < " + file + " 2>/dev/null");
        EXPECT_EQ(result.exit_code, exit_code) << result.output;
        std::vector<json::object> answers;
        std::istringstream in(result.output);
        for (std::string line; std::getline(in, line);)
            answers.push_back(json::parse(line).as_object());
        return answers;
    }
    [[nodiscard]] static json::value answer_to(const std::vector<json::object>& answers, std::int64_t id) {
        for (const auto& answer : answers)
            if (const auto* found = answer.if_contains("id"); found != nullptr && *found == id) return answer;
        return nullptr;
    }
    static std::string call(std::int64_t id, const std::string& method, const std::string& params = "{}") {
        return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" +
               params + "}";
    }
    [[nodiscard]] static std::int64_t code_of(const json::value& answer) {
        return answer.at("error").at("code").to_number<std::int64_t>();
    }
};

TEST_F(MelderJsonRpc, a_message_goes_out_and_the_process_ends_with_its_input) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    ASSERT_EQ(melder("b", "receive --timeout 2").exit_code, 3);  // publishes its prekeys
    const auto answers = talk("a", {call(1, "version"), call(2, "find", R"({"who":"4712"})"),
                                    call(3, "send", R"({"to":"4712","text":"Grüße über die Brücke"})")});
    EXPECT_EQ(answer_to(answers, 1).at("result").at("protocol"), "Melder JSON-RPC 1");
    EXPECT_EQ(answer_to(answers, 2).at("result").at("devices").at(0).at("name"), "Officer 4712");
    EXPECT_EQ(answer_to(answers, 3).at("result").at("content_id").as_string().size(), 32U);
    expect(melder("b", "receive --timeout 20"), 0, "Officer 4711: Grüße über die Brücke");
}

TEST_F(MelderJsonRpc, the_directory_is_searched_page_by_page) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    const auto first = talk("a", {call(1, "search", R"({"text":"officer k5","limit":1})"),
                                  call(2, "search", R"({"text":"officer","limit":21})"),
                                  call(3, "search", R"({"text":"officer","after":"12"})"), call(4, "search"),
                                  call(5, "search", R"({"text":"..."})")});
    const json::value page = answer_to(first, 1).at("result");
    ASSERT_EQ(page.at("officers").as_array().size(), 1U);
    EXPECT_EQ(page.at("officers").at(0).at("number"), "4711");
    for (const std::int64_t id : {2, 3, 4})
        EXPECT_EQ(code_of(answer_to(first, id)), -32602) << id;
    EXPECT_EQ(code_of(answer_to(first, 5)), static_cast<std::int64_t>(Errc::bad_argument));
    const auto next = std::string(page.at("next").as_string());
    const auto second = talk("a", {call(1, "search", R"({"text":"officer","after":")" + next + R"("})")});
    ASSERT_EQ(answer_to(second, 1).at("result").at("officers").as_array().size(), 1U);
    EXPECT_EQ(answer_to(second, 1).at("result").at("officers").at(0).at("number"), "4712");
    EXPECT_FALSE(answer_to(second, 1).at("result").as_object().contains("next"));
}

TEST_F(MelderJsonRpc, an_unacknowledged_message_comes_again_and_an_acknowledged_one_does_not) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("bot", issue_code("4712").code).exit_code, 0);
    ASSERT_EQ(melder("bot", "receive --timeout 2").exit_code, 3);
    expect(melder("a", "send --to 4712 'Wer da?'"), 0, "stored");
    const std::string bot = "timeout 60 python3 " MELDER_SOURCE_DIR "/docs/examples/echo_bot.py --melder " MELDER_BINARY
                            " --answers 1 --vault ";
    expect(melder("bot", "receive --no-ack --timeout 20"), 0, "Wer da?");
    const auto run = run_command(bot + home("bot"));
    EXPECT_EQ(run.exit_code, 0) << run.output;
    expect(melder("a", "receive --timeout 20"), 0, "Officer 4712: Echo: Wer da?");
    expect(melder("bot", "receive --timeout 1"), 3, "");
}

TEST_F(MelderJsonRpc, a_device_can_be_enrolled_over_the_bridge) {
    const auto issued = issue_code("4711");
    const auto answers = talk("new", {call(1, "status"), call(2, "enrol", R"({"code":")" + issued.code + R"("})")},
                              "--server " + server() + " --root " + root_file());
    EXPECT_EQ(answer_to(answers, 1).at("result").at("enrolled"), false);
    EXPECT_EQ(answer_to(answers, 2).at("result").at("number"), "4711");
    expect(melder("new", "status"), 0, "service number 4711");
    const auto said = talk("new", {call(1, "diagnostics")});
    const auto answer = answer_to(said, 1);
    const auto& diagnostics = answer.at("result");
    EXPECT_EQ(diagnostics.at("losses"), 0);
    const auto code = std::string(diagnostics.at("code").as_string());
    EXPECT_TRUE(parse_diagnosis(code).has_value()) << code;
}

TEST_F(MelderJsonRpc, each_wrong_call_gets_its_own_answer_and_the_next_one_works) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    const std::vector<std::pair<std::string, std::int64_t>> wrong = {
        {call(1, "frobnicate"), -32601},
        {call(2, "send", R"({"to":"4712"})"), -32602},
        {call(3, "send", R"({"to":"4712","text":"x","urgent":"yes"})"), -32602},
        {call(4, "send", R"({"to":"4712","text":"x","content_id":"12"})"), -32602},
        {call(5, "send", R"({"to":"4712","text":"x","lives_for_ms":0})"), -32602},
        {call(6, "send", R"({"to":"4712","text":"x","subject":"y"})"), -32602},
        {call(7, "acknowledge", R"({"event":"first"})"), -32602},
        {call(8, "find", R"([1])"), -32602},
        {R"({"jsonrpc":"1.0","id":9,"method":"status"})", -32600},
        {R"({"jsonrpc":"2.0","id":10,"method":7})", -32600},
        {call(11, "find", R"({"who":"4799"})"), static_cast<std::int64_t>(Errc::not_found)},
        {call(12, "send", R"({"to":"4711","text":""})"), static_cast<std::int64_t>(Errc::bad_argument)},
    };
    std::vector<std::string> lines;
    for (const auto& [line, code] : wrong)
        lines.push_back(line);
    lines.push_back(call(99, "status"));
    const auto answers = talk("a", lines);
    for (std::size_t i = 0; i < wrong.size(); ++i) {
        const auto answer = answer_to(answers, static_cast<std::int64_t>(i) + 1);
        ASSERT_TRUE(answer.is_object()) << wrong[i].first;
        EXPECT_EQ(code_of(answer), wrong[i].second) << wrong[i].first;
    }
    EXPECT_EQ(answer_to(answers, 99).at("result").at("enrolled"), true);
}

TEST_F(MelderJsonRpc, lines_that_are_no_request_are_answered_with_a_null_id) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    const auto answers = talk("a", {"{", "[]", R"({"id":{}})", std::string(200'000, 'x'), "",
                                    "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"find\",\"params\":{\"who\":\"\xff\"}}",
                                    "7", R"({"jsonrpc":"2.0","method":"status","id":true})", call(1, "status")});
    std::vector<std::int64_t> codes;
    for (const auto& answer : answers)
        if (const auto* id = answer.if_contains("id"); id != nullptr && id->is_null()) codes.push_back(code_of(answer));
    EXPECT_EQ(codes, (std::vector<std::int64_t>{-32700, -32600, -32600, -32600, -32700, -32600, -32600}));
    EXPECT_TRUE(answer_to(answers, 1).is_object());
}

TEST_F(MelderJsonRpc, nobody_reading_any_more_ends_it) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    // `head` leaves after the first line; with pipefail the exit code is that of melder, the last one that failed.
    std::ofstream(home("endless")) << "set -o pipefail; yes '" << call(1, "status") << "' | " << melder_line("a")
                                   << " jsonrpc | head -1 >/dev/null\n";
    EXPECT_EQ(run_command("timeout 30 bash " + home("endless")).exit_code, 1);
}

TEST_F(MelderJsonRpc, a_batch_is_answered_by_one_line_once_its_last_answer_is_there) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    const auto batch = "[" + call(1, "version") + "," + call(2, "find", R"({"who":"4711"})") +
                       R"(,7,{"jsonrpc":"2.0","method":"status"},)" + call(3, "frobnicate") + "]";
    std::string many = "[" + call(0, "status");
    for (int i = 0; i < 64; ++i)
        many += "," + call(i, "status");
    const auto file = home("requests");
    std::ofstream(file) << batch << "\n" << R"([{"jsonrpc":"2.0","method":"status"}])" << "\n[]\n" << many << "]\n";
    const auto said = melder("a", "jsonrpc < " + file + " 2>/dev/null");
    EXPECT_EQ(said.exit_code, 0);
    std::vector<json::array> batches;
    std::vector<json::value> singles;
    std::istringstream in(said.output);
    for (std::string line; std::getline(in, line);) {
        const auto value = json::parse(line);
        if (value.is_array()) {
            batches.push_back(value.as_array());
        } else if (value.as_object().contains("id")) {
            singles.push_back(value);
        }
    }
    ASSERT_EQ(batches.size(), 1U) << "notifications alone are not answered: " << said.output;
    ASSERT_EQ(batches[0].size(), 4U);
    std::map<std::string, json::value> by_id;
    for (const auto& answer : batches[0])
        by_id[json::serialize(answer.at("id"))] = answer;
    EXPECT_TRUE(by_id.at("1").as_object().contains("result"));
    EXPECT_EQ(by_id.at("2").at("result").at("devices").at(0).at("number"), "4711");
    EXPECT_EQ(code_of(by_id.at("null")), -32600);
    EXPECT_EQ(code_of(by_id.at("3")), -32601);
    ASSERT_EQ(singles.size(), 2U) << "an empty batch, and one that is too large";
    for (const auto& refusal : singles)
        EXPECT_EQ(code_of(refusal), -32600);
}

TEST_F(MelderJsonRpc, two_officers_read_the_same_safety_number) {
    ASSERT_EQ(enrol("a", issue_code("4711").code).exit_code, 0);
    ASSERT_EQ(enrol("b", issue_code("4712").code).exit_code, 0);
    const auto at_a =
        talk("a", {call(1, "safety_number", R"({"who":"4712"})"), call(2, "safety_number", R"({"who":"4711"})"),
                   call(3, "safety_number"), call(4, "safety_number", R"({"who":"4799"})")});
    const auto at_b = talk("b", {call(1, "safety_number", R"({"who":"4711"})")});
    const auto number = answer_to(at_a, 1).at("result");
    EXPECT_EQ(number.at("digits").as_string().size(), 60U);
    EXPECT_EQ(number.at("scannable").as_string(), "MLDSN1-" + std::string(number.at("digits").as_string()));
    EXPECT_EQ(number.at("own").at(0).at("number"), "4711");
    EXPECT_EQ(number.at("theirs").at(0).at("number"), "4712");
    EXPECT_EQ(answer_to(at_b, 1).at("result").at("digits"), number.at("digits"));
    EXPECT_EQ(code_of(answer_to(at_a, 2)), static_cast<std::int64_t>(Errc::bad_argument));
    EXPECT_EQ(code_of(answer_to(at_a, 3)), -32602);
    EXPECT_EQ(code_of(answer_to(at_a, 4)), static_cast<std::int64_t>(Errc::not_found));
}

class MelderJsonRpcFlow : public MelderJsonRpc {
protected:
    void SetUp() override {
        MelderJsonRpc::SetUp();
        enrol_pair("a", "bot");
    }
    [[nodiscard]] Piped bot() const { return Piped({MELDER_BINARY, "--vault", home("bot"), "jsonrpc"}); }
    /// From the other device, over a bridge of its own.
    void send_to_bot(int count, std::size_t bytes) const {
        std::vector<std::string> lines;
        for (int i = 0; i < count; ++i)
            lines.push_back(
                call(i, "send", R"({"to":"4712","text":")" + std::to_string(i) + std::string(bytes, 'x') + R"("})"));
        (void)talk("a", lines);
    }
    static std::uint64_t event_of(const std::string& line) {
        return json::parse(line).at("params").at("event").to_number<std::uint64_t>();
    }
};

TEST_F(MelderJsonRpcFlow, no_more_than_64_unacknowledged_messages_are_taken) {
    send_to_bot(70, 1);
    auto bridge = bot();
    std::set<std::uint64_t> taken;
    while (taken.size() < 64) {
        const auto line = bridge.line_with(R"("kind":"text")");
        ASSERT_TRUE(line);
        taken.insert(event_of(*line));
    }
    // Whatever else it would take is there before the answer to what is asked after that.
    bridge.write(call(1, "find", R"({"who":"4711"})") + "\n");
    for (std::string line; line.find(R"("id":1)") == std::string::npos;) {
        line = bridge.line().value_or(R"("id":1)");
        EXPECT_EQ(line.find(R"("kind":"text")"), std::string::npos) << line;
    }
    for (std::size_t i = 0; i < 6; ++i) {
        bridge.write(call(2, "acknowledge", R"({"event":)" + std::to_string(*taken.begin()) + "}") + "\n");
        taken.erase(taken.begin());
        const auto next = bridge.line_with(R"("kind":"text")");
        ASSERT_TRUE(next) << "one that was acknowledged makes room";
        taken.insert(event_of(*next));
    }
    bridge.end_input();
    EXPECT_EQ(bridge.exit_code(), 0);
}

TEST_F(MelderJsonRpcFlow, a_reader_that_reads_nothing_is_waited_for_and_sigterm_ends_it) {
    send_to_bot(10, 16'000);
    Piped bridge({MELDER_BINARY, "--vault", home("bot"), "jsonrpc"}, Piped::one_page);
    ASSERT_TRUE(bridge.line_with(R"("kind":"text")"));
    ASSERT_TRUE(bridge.has_unread(4096)) << "in the middle of the next line";
    bridge.signal(SIGTERM);
    EXPECT_EQ(bridge.exit_code(), 0);
    auto again = bot();
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(again.line_with(R"("kind":"text")")) << "none of them was lost: " << i;
    again.signal(SIGTERM);
    EXPECT_EQ(again.exit_code(), 0);
    expect(melder("bot", "status"), 0, "service number 4712");
}

TEST(RpcRequest, an_id_comes_back_as_it_was) {
    for (const std::string id : {R"("a")", "7", "null", "-1.5"}) {
        const auto parsed = apps::parse_rpc(R"({"jsonrpc":"2.0","method":"status","id":)" + id + "}");
        ASSERT_TRUE(std::holds_alternative<apps::RpcRequest>(parsed.parts.at(0))) << id;
        const auto line = apps::rpc_result(*std::get<apps::RpcRequest>(parsed.parts[0]).id, true);
        EXPECT_EQ(json::parse(line).at("id"), json::parse(id));
    }
}

TEST(RpcRequest, deep_nesting_is_refused_instead_of_followed) {
    const auto parsed = apps::parse_rpc(std::string(100'000, '['));
    ASSERT_TRUE(std::holds_alternative<apps::RpcRefusal>(parsed.parts.at(0)));
    EXPECT_EQ(std::get<apps::RpcRefusal>(parsed.parts[0]).fault, apps::RpcFault::unreadable);
}

}  // namespace
}  // namespace melder::testing
