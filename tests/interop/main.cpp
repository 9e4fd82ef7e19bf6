// melder-speaker: see speaker.hpp. Ends with its standard input.

#include <iostream>
#include <string>

#include "tests/interop/speaker.hpp"

int main() {
    melder::interop::Speaker speaker;
    for (std::string line; std::getline(std::cin, line);)
        std::cout << speaker.answer(line) << std::endl;
    return 0;
}
