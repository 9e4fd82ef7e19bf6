#pragma once
// A line at the bottom of the terminal that a person edits while other lines appear above it. libedit; what was typed
// is remembered in memory only, and no configuration file of the user is read.

#include <functional>
#include <memory>
#include <optional>
#include <string>

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
    /// nullopt: Ctrl-D on an empty line, or `wait` returned false.
    [[nodiscard]] std::optional<std::string> read_line();
    /// Above the line that is being edited, which is drawn anew. From within `wait` only, or between two lines.
    void print_above(const std::string& line);

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace melder::apps
