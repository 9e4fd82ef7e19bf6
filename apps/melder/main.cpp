// melder: a person at a terminal, on the SDK.

#include <exception>
#include <iostream>

#include "apps/melder/commands.hpp"
#include "apps/melder/output.hpp"

int main(int argc, char** argv) {
    melder::apps::hold_standard_descriptors();
    try {
        return melder::apps::run_melder(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "melder: internal error, please report it: " << error.what() << "\n";
        return 1;
    }
}
