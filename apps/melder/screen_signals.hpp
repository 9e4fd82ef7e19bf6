#pragma once
// What a person does to a full-screen program from outside: another size of the window, Ctrl-Z and fg, Ctrl-C. Between
// constructor and destructor these signals are words to be read on the loop, and nothing else.

#include <optional>

namespace melder::apps {

class ScreenSignals {
public:
    enum class Word : char { resized = 'w', stop = 'z', interrupted = 'c' };
    ScreenSignals();
    ~ScreenSignals();  ///< Ctrl-C means what it meant before
    ScreenSignals(const ScreenSignals&) = delete;
    ScreenSignals& operator=(const ScreenSignals&) = delete;

    /// Readable while there is a word.
    [[nodiscard]] int descriptor() const noexcept;
    [[nodiscard]] std::optional<Word> take() noexcept;
    /// Stops the process as Ctrl-Z does; returns when the shell has continued it.
    void stop_here() noexcept;
};

}  // namespace melder::apps
