#pragma once
// A command's description is its sentence, an empty line, examples. Include it where CLI11 is included anyway.

#include <CLI/CLI.hpp>
#include <string>

namespace melder::apps {

/// For when all commands are declared: the list of commands shows the sentences alone, a command's --help ends on its
/// examples.
inline void put_examples_last(CLI::App& app) {
    for (auto* const command : app.get_subcommands({})) {
        const std::string text = command->get_description();
        if (const auto end = text.find("\n\n"); end != std::string::npos) {
            command->description(text.substr(0, end));
            command->footer("Examples:\n" + text.substr(end + 2));
        }
        put_examples_last(*command);
    }
}

}  // namespace melder::apps
