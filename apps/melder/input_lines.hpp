#pragma once
// Standard input as lines of bounded length, without stdio in between: `poll` on the descriptor tells the truth.

#include <functional>
#include <string>
#include <string_view>

namespace melder::apps {

class InputLines {
public:
    enum class More : std::uint8_t { yes, end };
    explicit InputLines(std::size_t longest) : longest_(longest) {}
    ~InputLines();
    InputLines(const InputLines&) = delete;
    InputLines& operator=(const InputLines&) = delete;

    /// Reads once and hands out each line that is complete, without its feed; a last line without one counts as well.
    /// Of a line that is too long nothing but the call of `too_long` is left. What was read is wiped.
    [[nodiscard]] More read(const std::function<void(std::string_view)>& on_line,
                            const std::function<void()>& too_long);

private:
    std::size_t longest_;
    std::string rest_;
    bool skipping_ = false;  ///< the rest of a line that was too long
};

}  // namespace melder::apps
