#pragma once
// A golden vector is described once and serves both ways: a pen that generates writes the chosen inputs and what was
// computed from them; a pen that verifies reads the inputs from the file and compares what is computed now.
//
// File: lines `[group]` and `name = value`; a value is hexadecimal bytes, a decimal number, or text in double quotes.

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/bytes.hpp"
#include "core/random.hpp"

namespace melder::vectors {

/// What does not agree, as "group, name: …".
class Mismatch : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Pen {
public:
    /// Chooses inputs by a fixed seed, so that a second run writes the same file but for ECDSA's signatures.
    [[nodiscard]] static Pen generating();
    /// Throws Mismatch if the text is no file of vectors.
    [[nodiscard]] static Pen verifying(std::string_view file);

    void begin(std::string_view group);
    /// Every line must have been read.
    void finish() const;

    // Inputs: chosen when generating, read when verifying.
    [[nodiscard]] Bytes given(std::string_view name, BytesView chosen);
    [[nodiscard]] Bytes given_random(std::string_view name, std::size_t size_bytes);
    [[nodiscard]] std::uint64_t given_number(std::string_view name, std::uint64_t chosen);
    [[nodiscard]] std::string given_text(std::string_view name, std::string_view chosen);

    // Outputs: written when generating, compared when verifying.
    void equals(std::string_view name, BytesView computed);
    void equals_number(std::string_view name, std::uint64_t computed);
    void equals_text(std::string_view name, std::string_view computed);
    /// An output that is another one each time: made when generating, judged when verifying.
    Bytes judged(std::string_view name, const std::function<Bytes()>& make,
                 const std::function<bool(BytesView)>& judge);

    /// Something that must hold besides.
    void require(bool holds, std::string_view what) const;

    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    [[nodiscard]] std::string take(std::string_view name);
    [[nodiscard]] std::string input(std::string_view name, const std::string& chosen);
    void output(std::string_view name, const std::string& computed);
    void write(std::string_view name, std::string_view value);
    [[noreturn]] void fail(std::string_view name, std::string_view what) const;

    bool generates_ = true;
    SeededRandom random_{1};
    std::string group_;
    std::string text_;                                        ///< what was generated
    std::vector<std::pair<std::string, std::string>> lines_;  ///< to verify: name (or "[group]") and value
    std::size_t next_ = 0;
};

}  // namespace melder::vectors
