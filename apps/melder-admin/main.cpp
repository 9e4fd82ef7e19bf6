// melder-admin: the administrator's command line.

#include <exception>
#include <iostream>

#include "apps/melder-admin/cli.hpp"

int main(int argc, char** argv) {
    try {
        return melder::admin::run(argc, argv);
    } catch (const std::exception& error) {
        std::cerr << "melder-admin: " << error.what() << "; please report it\n";
        return 1;
    }
}
