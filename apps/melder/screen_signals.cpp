#include "apps/melder/screen_signals.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

namespace melder::apps {

namespace {

std::array<int, 2> words{-1, -1};  // a handler reaches nothing but what is static
struct sigaction interrupt_before{};

void say(int signal) {
    const int before = errno;
    const char word = signal == SIGWINCH ? 'w' : signal == SIGTSTP ? 'z' : 'c';
    (void)!::write(words[1], &word, 1);
    errno = before;
}

void handle(int signal, void (*handler)(int)) {
    struct sigaction action{};
    action.sa_handler = handler;
    ::sigaction(signal, &action, nullptr);
}

}  // namespace

ScreenSignals::ScreenSignals() {
    if (words[0] < 0 && ::pipe2(words.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe2");
    ::sigaction(SIGINT, nullptr, &interrupt_before);
    for (const int signal : {SIGWINCH, SIGTSTP, SIGINT})
        handle(signal, say);
}

ScreenSignals::~ScreenSignals() {
    handle(SIGWINCH, SIG_DFL);
    handle(SIGTSTP, SIG_DFL);
    ::sigaction(SIGINT, &interrupt_before, nullptr);
}

int ScreenSignals::descriptor() const noexcept {
    return words[0];
}

std::optional<ScreenSignals::Word> ScreenSignals::take() noexcept {
    char word = 0;
    if (::read(words[0], &word, 1) != 1) return std::nullopt;
    return static_cast<Word>(word);
}

void ScreenSignals::stop_here() noexcept {
    handle(SIGTSTP, SIG_DFL);
    ::kill(::getpid(), SIGTSTP);  // the whole process, whichever thread takes it
    sigset_t waiting;
    do {  // until it was taken: then we have been stopped and continued
        ::sigpending(&waiting);
    } while (sigismember(&waiting, SIGTSTP) == 1);
    handle(SIGTSTP, say);
}

}  // namespace melder::apps
