// melder_errors_document: writes docs/ERRORS.md, made of the table in core/errc.hpp and its help, to standard output.

#include <iostream>

#include "core/errc_help.hpp"

namespace {

using namespace melder;

struct Part {
    unsigned first;  ///< number
    const char* heading;
};
// The ranges of the table in core/errc.hpp.
constexpr Part parts[] = {{1, "What a peer wrote"},
                          {20, "Trust"},
                          {50, "Enrolment"},
                          {60, "Delivery"},
                          {90, "Sealed envelope and sessions"},
                          {120, "Vault, stores, files"},
                          {150, "Life cycle"}};

constexpr auto introduction = R"(# Errors

Made from the one table in `core/errc.hpp` and its help in `core/errc_help.cpp`; a test compares this page with them. To write it anew:

```sh
build/dev/bin/melder_errors_document > docs/ERRORS.md
```

The numbers are the wire's: they stand in answers of a server, in results of the SDK, in `melder jsonrpc` (`error.code`, with the name in
`error.data.name`) and in the metrics. A number never changes its meaning and is never used again. No text of an error holds anything of a
message, a name or a key, so each may be logged. `busy` and `rate_limited` say how long to wait.
)";

}  // namespace

int main() {
    std::cout << introduction;
    const auto* part = std::begin(parts);
    for (const auto code : all_errcs()) {
        const auto number = static_cast<unsigned>(code);
        if (part != std::end(parts) && number >= part->first) {
            std::cout << "\n## " << part->heading
                      << "\n\n| code | name | what it says | why it happens | what to do |\n| --- | --- | --- | --- | "
                         "--- |\n";
            while (part != std::end(parts) && number >= part->first)
                ++part;
        }
        const auto help = help_of(code);
        std::cout << "| " << number << " | `" << name_of(code) << "` | " << text_of(code) << " | " << help.cause
                  << " | " << help.todo << " |\n";
    }
    return 0;
}
