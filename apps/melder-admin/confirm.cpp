#include "apps/melder-admin/confirm.hpp"

#include <unistd.h>

#include <iostream>

namespace melder::admin {

Result<void> confirm(const std::string& question, bool yes) {
    if (yes) return ok();
    if (::isatty(STDIN_FILENO) != 1) {
        return Error(Errc::bad_argument,
                     "there is no terminal to ask \"" + question + "\"; nothing was done. If it is meant: --yes");
    }
    std::cout << question << " Type yes: " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != "yes") return Error(Errc::cancelled, "not confirmed; nothing was done");
    return ok();
}

}  // namespace melder::admin
