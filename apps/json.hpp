#pragma once
// One flat JSON object a line, for --json.

#include <cstdint>
#include <string>
#include <string_view>

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
    void quote(std::string_view value) {
        constexpr std::string_view digits = "0123456789abcdef";
        line_ += '"';
        for (const char c : value) {
            if (c == '"' || c == '\\') {
                line_ += '\\';
                line_ += c;
            } else if (static_cast<unsigned char>(c) < 0x20) {
                line_ += "\\u00";
                line_ += digits[static_cast<unsigned char>(c) >> 4];
                line_ += digits[static_cast<unsigned char>(c) & 0xf];
            } else {
                line_ += c;
            }
        }
        line_ += '"';
    }
    std::string line_ = "{";
};

}  // namespace melder::apps
