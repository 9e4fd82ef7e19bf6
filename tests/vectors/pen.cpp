#include "tests/vectors/pen.hpp"

#include <charconv>

namespace melder::vectors {

namespace {

std::string quoted(std::string_view text) {
    return '"' + std::string(text) + '"';
}

}  // namespace

Pen Pen::generating() {
    return {};
}

Pen Pen::verifying(std::string_view file) {
    Pen pen;
    pen.generates_ = false;
    while (!file.empty()) {
        const auto end = file.find('\n');
        if (end == std::string_view::npos) throw Mismatch("the last line has no end");
        const auto line = file.substr(0, end);
        file.remove_prefix(end + 1);
        if (line.empty() || line.starts_with('#')) continue;
        const auto middle = line.find(" = ");
        if (line.starts_with('[') && line.ends_with(']')) {
            pen.lines_.emplace_back(line, "");
        } else if (middle != std::string_view::npos) {
            pen.lines_.emplace_back(line.substr(0, middle), line.substr(middle + 3));
        } else {
            throw Mismatch("no line of vectors: " + std::string(line));
        }
    }
    return pen;
}

void Pen::begin(std::string_view group) {
    group_ = group;
    const auto heading = "[" + group_ + "]";
    if (generates_) {
        text_ += (text_.empty() ? "" : "\n") + heading + "\n";
    } else if (!take(heading).empty()) {
        fail(heading, "is no heading");
    }
}

void Pen::finish() const {
    if (!generates_ && next_ != lines_.size()) fail(lines_[next_].first, "is a line that nothing reads");
}

Bytes Pen::given(std::string_view name, BytesView chosen) {
    const auto value = input(name, to_hex(chosen));
    auto bytes = from_hex(value);
    if (bytes.has_error() || to_hex(*bytes) != value) fail(name, "is not in hexadecimal");
    return std::move(*bytes);
}

Bytes Pen::given_random(std::string_view name, std::size_t size_bytes) {
    Bytes chosen(size_bytes);
    random_.fill(chosen);
    auto bytes = given(name, chosen);
    if (bytes.size() != size_bytes) fail(name, "has another length");
    return bytes;
}

std::uint64_t Pen::given_number(std::string_view name, std::uint64_t chosen) {
    const auto value = input(name, std::to_string(chosen));
    std::uint64_t number = 0;
    const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (code != std::errc{} || end != value.data() + value.size()) fail(name, "is no number");
    return number;
}

std::string Pen::given_text(std::string_view name, std::string_view chosen) {
    const auto value = input(name, quoted(chosen));
    if (value.size() < 2 || value.front() != '"' || value.back() != '"') fail(name, "is not in quotes");
    return value.substr(1, value.size() - 2);
}

void Pen::equals(std::string_view name, BytesView computed) {
    output(name, to_hex(computed));
}
void Pen::equals_number(std::string_view name, std::uint64_t computed) {
    output(name, std::to_string(computed));
}
void Pen::equals_text(std::string_view name, std::string_view computed) {
    output(name, quoted(computed));
}

Bytes Pen::judged(std::string_view name, const std::function<Bytes()>& make,
                  const std::function<bool(BytesView)>& judge) {
    auto value = given(name, generates_ ? make() : Bytes{});
    if (!judge(value)) fail(name, "is not accepted");
    return value;
}

void Pen::require(bool holds, std::string_view what) const {
    if (!holds) fail("", what);
}

std::string Pen::take(std::string_view name) {
    if (next_ == lines_.size()) fail(name, "is missing");
    const auto& [found, value] = lines_[next_++];
    if (found != name) fail(name, "was expected, there is " + found);
    return value;
}

std::string Pen::input(std::string_view name, const std::string& chosen) {
    if (!generates_) return take(name);
    write(name, chosen);
    return chosen;
}

void Pen::output(std::string_view name, const std::string& computed) {
    if (generates_) {
        write(name, computed);
    } else if (take(name) != computed) {
        fail(name, "is " + computed + " by this code");
    }
}

void Pen::write(std::string_view name, std::string_view value) {
    text_.append(name).append(" = ").append(value).append("\n");
}

void Pen::fail(std::string_view name, std::string_view what) const {
    throw Mismatch(group_ + ", " + std::string(name) + ": " + std::string(what));
}

}  // namespace melder::vectors
