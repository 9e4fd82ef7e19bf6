// melder: a person at a terminal, on the SDK.

#include <exception>
#include <iostream>

#include "apps/melder/commands.hpp"

int main(int argc, char** argv) {
    try {
        return melder::apps::run_melder(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "melder: internal error, please report it: " << error.what() << "\n";
        return 1;
    }
}
