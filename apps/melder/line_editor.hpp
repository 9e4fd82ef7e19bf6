#pragma once
// The terminal's second screen, with a line at its bottom that a person edits while other lines appear above it.
// libedit; what was typed is remembered in memory only, and no configuration file of the user is read. The destructor
// puts the former screen back, so nothing of a conversation stays in the scrollback.
//
// A text that is pasted is one line, whatever line ends it has: they are shown as ↵ and are line ends again in what
// `read_line` returns.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace melder::apps {

class LineEditor {
public:
    /// `wait` is called whenever no key is there yet; it returns true once standard input is readable, false to end.
    explicit LineEditor(std::function<bool()> wait);
    ~LineEditor();
    LineEditor(const LineEditor&) = delete;
    LineEditor& operator=(const LineEditor&) = delete;

    /// Shown from the next line or `print_above` on.
    void set_prompt(std::string prompt);
    /// nullopt: Ctrl-D on an empty line, or `wait` returned false. What was typed leaves the screen.
    [[nodiscard]] std::optional<std::string> read_line();

    // From within `wait` only, or between two lines.
    /// Above the line that is being edited, which is drawn anew.
    void print_above(std::string_view line);
    /// On an empty screen of the size that the window has now.
    void draw(const std::vector<std::string_view>& lines);
    /// Takes back what is being typed; false if nothing is.
    bool drop_typed();
    /// Gives the terminal back as it was, for as long as `meanwhile` runs. `draw` afterwards.
    void step_aside(const std::function<void()>& meanwhile);
    [[nodiscard]] static std::size_t screen_rows();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::apps
