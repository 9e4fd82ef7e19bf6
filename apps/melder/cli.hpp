#pragma once
// The command line as a value.

#include <chrono>
#include <string>

namespace melder::apps {

enum class Verb { enrol, status, find, search, send, receive, chat, jsonrpc };

struct CommandLine {
    Verb verb = Verb::status;
    std::string home, server, root_file;
    std::string code, code_file, second_part;               ///< enrol
    std::string peer;                                       ///< service number or officer id in hex: find, send, chat
    std::string searched;                                   ///< search; its words, separated by spaces
    std::size_t most = 20;                                  ///< search
    std::string text = "-";                                 ///< send; "-": standard input
    bool until_delivered = false;                           ///< send
    bool follow = false, json = false, acknowledge = true;  ///< receive; json also search
    std::chrono::seconds timeout{0};                        ///< 0: the command's own default
};

/// True: run it. False: help was printed, or a sentence about what is wrong; leave with `exit_code`.
[[nodiscard]] bool parse(int argc, char** argv, CommandLine& line, int& exit_code);

}  // namespace melder::apps
