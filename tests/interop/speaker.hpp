#pragma once
// melder-speaker: JSON commands, one object a line, on the SDK's own session layer with every fence in force. It enters
// below padding and sealed envelope, so that any other implementation of Signal's protocol can be played against ours.

#include <memory>
#include <string>

namespace melder::interop {

class Speaker {
public:
    Speaker();
    ~Speaker();
    /// One request line, one reply line (without the line break). A command that fails leaves everything as it was.
    [[nodiscard]] std::string answer(const std::string& line);

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace melder::interop
