#pragma once
// How a command of an operator ends that was refused: a sentence on standard error, or with --json an object a line
// there as well:
//
//     {"error":"not_found","text":"no officer has the service number 4711; …","exit_code":1}

#include <algorithm>
#include <iostream>
#include <string>
#include <string_view>

#include <CLI/CLI.hpp>

#include "apps/json.hpp"
#include "apps/misspelt.hpp"
#include "core/errc.hpp"

namespace melder::apps {

/// Returns `exit_code`.
inline int refuse(std::string_view program, Errc code, std::string_view sentence, bool json, int exit_code) {
    if (json) {
        std::cerr << JsonLine()
                         .text("error", name_of(code))
                         .text("text", sentence)
                         .number("exit_code", static_cast<std::uint64_t>(exit_code))
                         .str()
                  << "\n";
    } else {
        std::cerr << program << ": " << sentence << "\n";
    }
    return exit_code;
}

/// What was printed must have arrived: a full disk behind standard output is no success. Returns the exit code.
inline int end_of_output(std::string_view program, bool json, int exit_code) {
    if (std::cout.flush()) return exit_code;
    return refuse(program, Errc::io_error, "standard output cannot be written; what the command did is done", json,
                  exit_code == 0 ? 1 : exit_code);
}

/// Whether the line asks for --json, also where the rest of it could not be understood.
inline bool asks_for_json(int argc, const char* const* argv) {
    return std::any_of(argv + 1, argv + argc, [](std::string_view word) { return word == "--json"; });
}

/// "melder-admin device show": as far as the line was understood.
inline std::string command_of(const CLI::App& app, std::string program) {
    for (auto chosen = app.get_subcommands(); !chosen.empty(); chosen = chosen.front()->get_subcommands())
        program += " " + chosen.front()->get_name();
    return program;
}

/// A line that CLI11 could not read: the sentence, and where help is.
inline int refuse_usage(const CLI::App& app, const std::string& program, int argc, const char* const* argv,
                        const CLI::ParseError& error) {
    constexpr int exit_usage = 2;
    auto sentence = misspelt_command(app, program, argc, argv);
    if (sentence.starts_with(program + ": ")) sentence = sentence.substr(program.size() + 2);
    if (sentence.empty()) sentence = std::string(error.what()) + "; see `" + command_of(app, program) + " --help`";
    return refuse(program, Errc::bad_argument, sentence, asks_for_json(argc, argv), exit_usage);
}

}  // namespace melder::apps
