#pragma once
// Standard output as a place that can be full, or gone: what could not be written is never acknowledged.
//
// Thread: one. After the first failure nothing more is written.

#include <string_view>

namespace melder::apps {

class Output {
public:
    /// The line and its feed, whole; false once something could not be written.
    bool put(std::string_view line);
    /// Standard output is a pipe: waits until its reader has read everything, so that a reader who left (`| head -1`)
    /// takes nothing along that he never saw. False: it was not read, or an interrupt came. True at once for anything
    /// but a pipe.
    [[nodiscard]] bool is_taken();
    /// Something could not be written: full, closed, or nobody reads.
    [[nodiscard]] bool is_gone() const;
    /// `code`, or `failed` with a sentence if something could not be written; a reader that has gone needs no sentence.
    [[nodiscard]] int end_with(int code) const;

private:
    int error_ = 0;  ///< errno of what failed
};

/// Descriptors 0, 1 and 2, where the caller closed them, lead nowhere from now on: otherwise the next file or socket
/// would get the number, and a message would be printed into it. First thing in `main`.
void hold_standard_descriptors();

}  // namespace melder::apps
