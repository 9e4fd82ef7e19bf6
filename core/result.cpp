#include "core/result.hpp"

#include <stdexcept>

namespace melder {

std::string Error::message() const {
    std::string out(text_of(code_));
    if (!detail_.empty()) {
        out += ": ";
        out += detail_;
    }
    return out;
}

std::ostream& operator<<(std::ostream& out, const Error& error) {
    return out << name_of(error.code()) << " (" << error.message() << ")";
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
    throw std::logic_error(std::string(where.file_name()) + ":" + std::to_string(where.line()) +
                           ": a result without a value was asked for it: " + error.message());
}

}  // namespace melder
