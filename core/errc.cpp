#include "core/errc.hpp"

namespace melder {

std::string_view name_of(Errc code) noexcept {
    switch (code) {
#define MELDER_ERRC_NAME(name, number, text) \
    case Errc::name:                         \
        return #name;
        MELDER_ERRC_TABLE(MELDER_ERRC_NAME)
#undef MELDER_ERRC_NAME
    }
    return "unknown_error";
}

std::string_view text_of(Errc code) noexcept {
    switch (code) {
#define MELDER_ERRC_TEXT(name, number, text) \
    case Errc::name:                         \
        return text;
        MELDER_ERRC_TABLE(MELDER_ERRC_TEXT)
#undef MELDER_ERRC_TEXT
    }
    return "an error that this version does not know";
}

bool is_known(std::uint32_t number) noexcept {
    switch (number) {
#define MELDER_ERRC_KNOWN(name, value, text) \
    case value:                              \
        return true;
        MELDER_ERRC_TABLE(MELDER_ERRC_KNOWN)
#undef MELDER_ERRC_KNOWN
        default:
            return false;
    }
}

}  // namespace melder
