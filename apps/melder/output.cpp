#include "apps/melder/output.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apps/melder/printing.hpp"
#include "apps/melder/terminal.hpp"
#include "core/secret.hpp"

namespace melder::apps {

namespace {

// Nothing tells a writer that a pipe has become empty, so it is looked at; seldom, if the reader takes its time.
constexpr int first_look_ms = 1;
constexpr int last_look_ms = 100;

/// For PIPE_BUF bytes, so that no write blocks; false after an interrupt, which a reader who reads nothing must not
/// hold up.
bool wait_for_room() {
    for (;;) {
        pollfd waits[] = {{.fd = STDOUT_FILENO, .events = POLLOUT, .revents = 0},
                          {.fd = interrupt_descriptor(), .events = POLLIN, .revents = 0}};
        if (::poll(waits, std::size(waits), -1) < 0 && errno != EINTR) return true;  // the write will say it
        if (waits[0].revents != 0) return true;
        if (interrupted()) return false;
    }
}

}  // namespace

bool Output::put(std::string_view line) {
    if (error_ != 0) return false;
    std::string whole;  // where it is short, one write: other writers' lines come before or after it
    whole.reserve(line.size() + 1);
    whole.append(line).append("\n");
    for (std::size_t at = 0; at < whole.size() && error_ == 0;) {
        if (!wait_for_room()) {
            error_ = EINTR;
            break;
        }
        const auto written =
            ::write(STDOUT_FILENO, whole.data() + at, std::min(whole.size() - at, std::size_t{PIPE_BUF}));
        if (written >= 0) {
            at += static_cast<std::size_t>(written);
        } else if (errno != EINTR) {
            error_ = errno;
        }
    }
    wipe(whole.data(), whole.size());
    return error_ == 0;
}

bool Output::is_taken() {
    struct stat kind{};
    if (error_ != 0) return false;
    if (::fstat(STDOUT_FILENO, &kind) != 0 || !S_ISFIFO(kind.st_mode)) return true;
    bool left = false;  // which a reader may also do who has read everything
    for (int patience = first_look_ms;; patience = std::min(2 * patience, last_look_ms)) {
        int unread = 0;
        if (::ioctl(STDOUT_FILENO, FIONREAD, &unread) != 0 || unread == 0) return true;
        if (left) error_ = EPIPE;
        if (left || interrupted()) return false;
        pollfd waits[] = {{.fd = STDOUT_FILENO, .events = 0, .revents = 0},
                          {.fd = interrupt_descriptor(), .events = POLLIN, .revents = 0}};
        (void)::poll(waits, std::size(waits), patience);
        left = (waits[0].revents & POLLERR) != 0;
    }
}

bool Output::is_gone() const {
    return error_ != 0 && error_ != EINTR;
}

int Output::end_with(int code) const {
    if (error_ == 0) return code;
    if (error_ == EBADF) {
        std::cerr << "melder: standard output is closed; nothing that was to be shown is acknowledged\n";
    } else if (error_ != EPIPE && error_ != EINTR) {
        std::cerr << "melder: standard output cannot be written (" << std::strerror(error_)
                  << "); make room and repeat, what was not written is not acknowledged\n";
    }
    return error_ == EINTR ? code : failed;
}

void hold_standard_descriptors() {
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(standard, F_GETFD) != -1 || errno != EBADF) continue;
        // The wrong way round: reading and writing fail, as with a closed one. The lowest free number is this one.
        if (::open("/dev/null", standard == STDIN_FILENO ? O_WRONLY : O_RDONLY) != standard) std::abort();
    }
}

}  // namespace melder::apps
