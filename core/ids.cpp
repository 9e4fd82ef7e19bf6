#include "core/ids.hpp"

#include "core/limits.hpp"

namespace melder {

namespace {

bool is_unit_id(std::string_view id) noexcept {
    if (id.empty() || id.size() > limits::unit_id_bytes) return false;
    return std::ranges::all_of(id, [](char c) {
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
    });
}

}  // namespace

Result<UnitPath> UnitPath::from(std::vector<std::string> ids) {
    if (ids.size() > limits::units_deep) return Error(Errc::malformed, "a unit lies too deep");
    for (const auto& id : ids) {
        if (!is_unit_id(id)) return Error(Errc::malformed, "a unit id has a character or length that is not allowed");
    }
    UnitPath path;
    path.ids_ = std::move(ids);
    return path;
}

Result<UnitPath> UnitPath::parse(std::string_view text) {
    std::vector<std::string> ids;
    while (true) {
        if (ids.size() == limits::units_deep) return Error(Errc::malformed, "a unit lies too deep");
        const auto slash = text.find('/');
        ids.emplace_back(text.substr(0, slash));
        if (slash == std::string_view::npos) return from(std::move(ids));
        text.remove_prefix(slash + 1);
    }
}

std::string UnitPath::string() const {
    std::string out;
    for (const auto& id : ids_) {
        if (!out.empty()) out += '/';
        out += id;
    }
    return out;
}

UnitPath UnitPath::parent() const {
    UnitPath out = *this;
    if (!out.ids_.empty()) out.ids_.pop_back();
    return out;
}

}  // namespace melder
