#pragma once
// The command line as a value.

#include <chrono>
#include <string>

namespace melder::apps {

enum class Verb { enrol, status, find, search, send, receive, safety_number, chat, jsonrpc };

struct CommandLine {
    Verb verb = Verb::status;
    std::string home, server, root_file;
    bool json = false;                         ///< every verb but chat and jsonrpc
    std::string code, code_file, second_part;  ///< enrol
    std::string peer;                          ///< service number or officer id in hex: find, send, safety_number, chat
    std::string searched;                      ///< search; its words, separated by spaces
    std::size_t most = 20;                     ///< search
    std::string text = "-";                    ///< send; "-": standard input
    bool urgent = false, until_delivered = false;  ///< send
    std::chrono::seconds lives_for{0};             ///< send; 0: the organisation's limit
    bool follow = false, acknowledge = true;       ///< receive
    bool qr = false;                               ///< safety_number
    std::chrono::seconds timeout{0};               ///< 0: the command's own default
};

/// True: run it. False: help was printed, or a sentence about what is wrong; leave with `exit_code`.
[[nodiscard]] bool parse(int argc, char** argv, CommandLine& line, int& exit_code);

}  // namespace melder::apps
