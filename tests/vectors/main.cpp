// melder_vectors --generate FILE | --verify FILE

#include <fstream>
#include <iostream>
#include <iterator>

#include "tests/vectors/vectors.hpp"

int main(int count, char** arguments) {
    const std::string what = count == 3 ? arguments[1] : "";
    if (what == "--generate") {
        std::ofstream file(arguments[2], std::ios::binary);
        file << melder::vectors::generate() << std::flush;
        if (file) return 0;
        std::cerr << arguments[2] << " cannot be written\n";
        return 1;
    }
    if (what == "--verify") {
        std::ifstream file(arguments[2], std::ios::binary);
        if (!file) {
            std::cerr << arguments[2] << " cannot be read\n";
            return 1;
        }
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        const auto wrong = melder::vectors::verify(text);
        if (wrong.empty()) return 0;
        std::cerr << wrong << "\n";
        return 1;
    }
    std::cerr << "usage: melder_vectors --generate FILE | --verify FILE\n";
    return 2;
}
