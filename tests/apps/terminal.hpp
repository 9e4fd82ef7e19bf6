#pragma once
// A pseudo-terminal with a real program in it, for tests that type as a person does.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace melder::testing {

class Terminal {
public:
    /// 80 columns, 24 rows, TERM=xterm.
    explicit Terminal(const std::vector<std::string>& command);
    ~Terminal();  ///< kills what still runs
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;

    void type(const std::string& keys);
    void resize(unsigned short rows, unsigned short columns);
    /// Until the text stands in what was printed since the last call that found something; false after ten seconds.
    [[nodiscard]] bool shows(const std::string& text);
    /// Everything printed so far, escape sequences included.
    [[nodiscard]] const std::string& transcript() const { return transcript_; }
    /// Waits for the end; -1 after ten seconds, or if a signal ended it.
    [[nodiscard]] int exit_code();

private:
    bool read_some(std::chrono::steady_clock::time_point until);

    int descriptor_ = -1;
    pid_t child_ = -1;
    std::string transcript_;
    std::size_t seen_ = 0;
};

}  // namespace melder::testing
