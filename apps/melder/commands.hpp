#pragma once
// The terminal messenger's commands. Each takes an open account and returns the exit code.

#include <functional>

#include "apps/melder/cli.hpp"
#include "apps/melder/home.hpp"
#include "apps/melder/output.hpp"

namespace melder::apps {

/// All of it: parses, opens, runs. Output on stdout, sentences about failures on stderr.
[[nodiscard]] int run_melder(int argc, char** argv);

// commands.cpp
[[nodiscard]] int enrol(sdk::Account& account, const CommandLine& line, Output& out);
[[nodiscard]] int status(sdk::Account& account, const CommandLine& line, Output& out);
[[nodiscard]] int find(sdk::Account& account, const CommandLine& line, Output& out);
[[nodiscard]] int search(sdk::Account& account, const CommandLine& line, Output& out);
[[nodiscard]] int safety_number(sdk::Account& account, const CommandLine& line, Output& out);
// messages.cpp; the account is connected by them
[[nodiscard]] int send(sdk::Account& account, const CommandLine& line, Output& out);
[[nodiscard]] int receive(sdk::Account& account, const CommandLine& line, Output& out);
// chat.cpp
[[nodiscard]] int chat(sdk::Account& account, const CommandLine& line, Output& out);
// jsonrpc.cpp; `remember` keeps what an enrolment was told
[[nodiscard]] int jsonrpc(sdk::Account& account, const std::function<void()>& remember, Output& out);

}  // namespace melder::apps
