#pragma once
// A process whose standard input and output are pipes in the test's hands: it reads when the test says so, and not
// before.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace melder::testing {

class Piped {
public:
    static constexpr int one_page = 4096;
    /// `output_bytes`: what the pipe of its output holds; 0: the system's default.
    explicit Piped(const std::vector<std::string>& command, int output_bytes = 0);
    ~Piped();  ///< kills it, if it still runs
    Piped(const Piped&) = delete;
    Piped& operator=(const Piped&) = delete;

    void write(const std::string& text);
    void end_input();
    /// The next line without its feed; nullopt after ten seconds, or at the end.
    [[nodiscard]] std::optional<std::string> line();
    /// The next line that holds `text`; others are dropped.
    [[nodiscard]] std::optional<std::string> line_with(const std::string& text);
    /// Waits until it has written so many bytes that nobody has read; false after ten seconds.
    [[nodiscard]] bool has_unread(int bytes) const;
    /// Waits until it has read what was written for it.
    [[nodiscard]] bool has_read_everything() const;
    void close_output();  ///< as a reader that leaves
    void signal(int number) const;
    /// Waits for the end, at most ten seconds: its exit code, or -1.
    [[nodiscard]] int exit_code();

private:
    pid_t child_ = -1;
    int in_ = -1, out_ = -1;
    std::string rest_;
};

}  // namespace melder::testing
