#include "apps/melder-admin/passphrase.hpp"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace melder::admin {
namespace {

constexpr std::size_t passphrase_bytes_longest = 1024;

Result<SecretBuffer> read_line(int descriptor, const std::string& what) {
    SecretBuffer line(passphrase_bytes_longest);
    std::size_t have = 0;
    while (have < line.size()) {
        const auto read = ::read(descriptor, line.expose_writable().data() + have, 1);
        if (read < 0 && errno == EINTR) continue;
        if (read < 0)
            return Error(Errc::io_error, what + ": no passphrase can be read there (" + std::strerror(errno) + ")");
        if (read == 0 || line.expose()[have] == '\n') break;
        ++have;
    }
    if (have == line.size()) return Error(Errc::too_large, what + ": the passphrase is longer than 1 KiB");
    line.truncate(have);
    if (line.empty()) return Error(Errc::bad_argument, what + ": the passphrase is empty");
    return line;
}

/// No echo while it lives.
class Silence {
public:
    explicit Silence(int terminal) : terminal_(terminal) {
        ::tcgetattr(terminal_, &before_);
        auto silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        ::tcsetattr(terminal_, TCSAFLUSH, &silent);
    }
    ~Silence() { ::tcsetattr(terminal_, TCSAFLUSH, &before_); }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    int terminal_;
    termios before_{};
};

class Terminal {
public:
    Terminal() : number_(::open("/dev/tty", O_RDWR | O_CLOEXEC)) {}
    ~Terminal() {
        if (number_ >= 0) ::close(number_);
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    [[nodiscard]] bool valid() const noexcept { return number_ >= 0; }
    Result<SecretBuffer> ask(const std::string& prompt) {
        say(prompt + ": ");
        const Silence silence(number_);
        auto answer = read_line(number_, "terminal");
        say("\n");
        return answer;
    }

private:
    void say(const std::string& text) {
        [[maybe_unused]] const auto shown = ::write(number_, text.data(), text.size());
    }
    int number_;
};

}  // namespace

Result<SecretBuffer> read_passphrase(const PassphraseSource& source, const std::string& prompt, bool confirm) {
    if (!source.file.empty()) {
        const int file = ::open(source.file.c_str(), O_RDONLY | O_CLOEXEC);
        if (file < 0)
            return Error(Errc::io_error, "the passphrase file " + source.file + " cannot be read (" +
                                             std::strerror(errno) + "); look at the path");
        auto line = read_line(file, source.file);
        ::close(file);
        return line;
    }
    if (source.descriptor.has_value()) return read_line(*source.descriptor, "--passphrase-fd");
    Terminal terminal;
    if (!terminal.valid()) {
        return Error(Errc::bad_argument,
                     "no terminal to ask for the passphrase; use --passphrase-file or --passphrase-fd");
    }
    MELDER_TRY(auto first, terminal.ask(prompt));
    if (confirm) {
        MELDER_TRY(const auto second, terminal.ask(prompt + ", once more"));
        if (!equal_constant_time(first.expose(), second.expose())) {
            return Error(Errc::bad_argument, "the two passphrases differ; nothing was written");
        }
    }
    return first;
}

}  // namespace melder::admin
