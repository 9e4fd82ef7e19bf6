#pragma once
// Structured log lines: `time level event key=value …`. What may stand in a line is a matter of types: numbers, error
// codes, opaque ids, and local facts that the caller marks as such. Never content, keys, names, or peer addresses.
//
//     log.info("login_refused", {{"device", id}, {"code", Errc::login_refused}});
//     log.error("listen_failed", {{"file", LocalFact(path)}});

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

#include "core/errc.hpp"
#include "core/ids.hpp"

namespace melder::server {

enum class LogLevel : std::uint8_t { debug, info, warn, error };
/// "debug", "info", "warn", "error"; anything else is `bad_argument`.
[[nodiscard]] Result<LogLevel> parse_log_level(std::string_view text);
[[nodiscard]] std::string_view name_of(LogLevel level) noexcept;

/// Text out of this machine's own configuration or system (a file name, a version, strerror); never out of a message.
struct LocalFact {
    explicit LocalFact(std::string_view fact) : text(fact) {}
    std::string_view text;
};

class LogValue {
public:
    template <std::integral T>
    LogValue(T number) : text_(std::to_string(number)) {}    // NOLINT(google-explicit-constructor): {"key", 5}
    LogValue(bool flag) : text_(flag ? "true" : "false") {}  // NOLINT(google-explicit-constructor)
    LogValue(Errc code) : text_(name_of(code)) {}            // NOLINT(google-explicit-constructor)
    template <class Tag, std::size_t N>
    LogValue(const Id<Tag, N>& id) : text_(id.hex()) {}  // NOLINT(google-explicit-constructor)
    LogValue(LocalFact fact);  // NOLINT(google-explicit-constructor): quoted, control bytes removed
    [[nodiscard]] const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

struct LogField {
    std::string_view key;
    LogValue value;
};

struct LogConfig {
    LogLevel level = LogLevel::info;
    std::string file;  ///< empty: standard error
};

/// Thread-safe. A line is handed to a thread of its own, so that a slow disk or pipe never stops an event loop; when
/// 8192 lines wait, the oldest are dropped. The destructor writes what waits.
class Log {
public:
    /// `io_error` if the file cannot be opened for appending.
    [[nodiscard]] static Result<std::unique_ptr<Log>> open(const LogConfig& config);
    /// Discards everything. For tests.
    [[nodiscard]] static Log& none();

    ~Log();
    /// From any thread; lines that are written after it returned go by it.
    void set_level(LogLevel level);
    [[nodiscard]] LogLevel level() const noexcept { return level_; }
    /// Opens the file by its name anew, after logrotate moved it away; lines that wait go into the new one. `io_error`,
    /// and the old one stays, if it cannot be opened. Nothing to do on standard error.
    [[nodiscard]] Result<void> reopen();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    using Fields = std::initializer_list<LogField>;
    /// `event` is a literal in snake_case.
    void write(LogLevel level, std::string_view event, Fields fields = {});
    void debug(std::string_view event, Fields fields = {}) { write(LogLevel::debug, event, fields); }
    void info(std::string_view event, Fields fields = {}) { write(LogLevel::info, event, fields); }
    void warn(std::string_view event, Fields fields = {}) { write(LogLevel::warn, event, fields); }
    void error(std::string_view event, Fields fields = {}) { write(LogLevel::error, event, fields); }

private:
    struct Sink;
    Log(LogLevel level, std::unique_ptr<Sink> sink);
    std::atomic<LogLevel> level_;
    std::unique_ptr<Sink> sink_;
};

}  // namespace melder::server
