#pragma once
// One flat JSON object a line, for --json. What a terminal would obey is escaped, so that it may be shown on one.

#include <cstdint>
#include <string>
#include <string_view>

#include "core/text.hpp"

namespace melder::apps {

class JsonLine {
public:
    JsonLine& text(std::string_view name, std::string_view value) {
        begin(name);
        quote(value);
        return *this;
    }
    JsonLine& number(std::string_view name, std::uint64_t value) {
        begin(name);
        line_ += std::to_string(value);
        return *this;
    }
    JsonLine& flag(std::string_view name, bool value) {
        begin(name);
        line_ += value ? "true" : "false";
        return *this;
    }
    [[nodiscard]] std::string str() const { return line_ + "}"; }

private:
    void begin(std::string_view name) {
        if (line_.size() > 1) line_ += ',';
        quote(name);
        line_ += ':';
    }
    void escape(char32_t unit) {
        constexpr std::string_view digits = "0123456789abcdef";
        line_ += "\\u";
        for (int shift = 12; shift >= 0; shift -= 4)
            line_ += digits[unit >> shift & 0xf];
    }
    /// Control characters, line separators and directional marks; bytes that are no UTF-8 become U+FFFD.
    void quote(std::string_view value) {
        line_ += '"';
        while (!value.empty()) {
            const auto before = value;
            const auto c = take_code_point(value);
            if (!c) {
                value.remove_prefix(1);
                escape(0xfffd);
            } else if (*c == '"' || *c == '\\') {
                line_ += '\\';
                line_ += before.front();
            } else if (*c < 0x20 || (*c >= 0x7f && *c <= 0x9f) || *c == 0x061c || (*c >= 0x200e && *c <= 0x200f) ||
                       (*c >= 0x2028 && *c <= 0x202e) || (*c >= 0x2066 && *c <= 0x2069)) {
                escape(*c);
            } else {
                line_ += before.substr(0, before.size() - value.size());
            }
        }
        line_ += '"';
    }
    std::string line_ = "{";
};

}  // namespace melder::apps
