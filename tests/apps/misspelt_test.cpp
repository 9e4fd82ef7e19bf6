// A mistyped command, as a person types it at each of the programs.

#include "apps/misspelt.hpp"

#include <gtest/gtest.h>

#include "tests/apps/run_command.hpp"

namespace melder::testing {
namespace {

struct Typed {
    const char *line, *says;
};

TEST(MisspeltCommand, is_named_and_the_nearest_one_suggested) {
    for (const auto& [line, says] : std::initializer_list<Typed>{
             {"melder snd --to 4711 'Lage ruhig.'", "no command \"snd\"; did you mean \"send\"?"},
             {"melder --vault a statsu", "no command \"statsu\"; did you mean \"status\"?"},
             {"melder frobnicate", "no command \"frobnicate\"; `melder --help` lists them"},
             {"melder-server rnu --config x", "no command \"rnu\"; did you mean \"run\"?"},
             {"melder-admin device lst", "no command \"device lst\"; did you mean \"device list\"?"},
             {"melder-admin --server a:1 trsut sign", "no command \"trsut\"; did you mean \"trust\"?"},
             {"melder-admin issue", "no command \"issue\"; did you mean \"code issue\"?"}}) {
        const auto result = run_command(std::string(MELDER_BIN) + "/" + line);
        EXPECT_EQ(result.exit_code, 2) << line;
        EXPECT_NE(result.output.find(says), std::string::npos) << line << ": " << result.output;
    }
}

TEST(MisspeltCommand, other_mistakes_keep_their_own_sentence) {
    for (const auto& [line, says] : std::initializer_list<Typed>{{"melder", "subcommand"},
                                                                 {"melder status extra", "extra"},
                                                                 {"melder send --too 1", "--to"},
                                                                 {"melder-admin device", "subcommand"}}) {
        const auto result = run_command(std::string(MELDER_BIN) + "/" + line);
        EXPECT_EQ(result.exit_code, 2) << line;
        EXPECT_NE(result.output.find(says), std::string::npos) << line << ": " << result.output;
        EXPECT_EQ(result.output.find("no command"), std::string::npos) << line << ": " << result.output;
    }
    EXPECT_EQ(run_command(std::string(MELDER_BIN) + "/melder snd --help").exit_code, 0) << "help is help";
}

TEST(MisspeltCommand, the_distance_counts_letters) {
    using apps::letters_apart;
    EXPECT_EQ(letters_apart("send", "send"), 0U);
    EXPECT_EQ(letters_apart("snd", "send"), 1U);
    EXPECT_EQ(letters_apart("sned", "send"), 1U);
    EXPECT_EQ(letters_apart("", "send"), 4U);
    EXPECT_EQ(apps::nearest_command("recv", {"send", "receive"}), "");
    EXPECT_EQ(apps::nearest_command("rece", {"send", "receive"}), "receive");
    EXPECT_EQ(apps::nearest_command("lst", {"code issue", "device list"}), "device list");
}

}  // namespace
}  // namespace melder::testing
