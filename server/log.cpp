#include "server/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace melder::server {
namespace {

constexpr std::size_t waiting_lines = 8192;

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return spdlog::level::debug;
        case LogLevel::info:
            return spdlog::level::info;
        case LogLevel::warn:
            return spdlog::level::warn;
        case LogLevel::error:
            return spdlog::level::err;
    }
    return spdlog::level::err;
}

int open_to_append(const std::string& file) {
    return ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

/// spdlog's own cannot open its file anew.
class FileSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    explicit FileSink(int descriptor) : descriptor_(descriptor) {}
    ~FileSink() override { ::close(descriptor_); }
    FileSink(const FileSink&) = delete;
    FileSink& operator=(const FileSink&) = delete;

    void replace(int descriptor) {
        const std::lock_guard lock(mutex_);
        ::close(std::exchange(descriptor_, descriptor));
    }

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        // A full disk loses lines, and must not lose more than that.
        for (std::size_t written = 0; written < line.size();) {
            const auto more = ::write(descriptor_, line.data() + written, line.size() - written);
            if (more < 0 && errno == EINTR) continue;
            if (more <= 0) return;
            written += static_cast<std::size_t>(more);
        }
    }
    void flush_() override {}

private:
    int descriptor_;
};

}  // namespace

struct Log::Sink {
    explicit Sink(spdlog::sink_ptr sink, std::string file_name = {}, FileSink* file_sink = nullptr)
        : file(std::move(file_name)),
          opened(file_sink),
          pool(std::make_shared<spdlog::details::thread_pool>(waiting_lines, 1)),
          logger(std::make_shared<spdlog::async_logger>("melder", std::move(sink), pool,
                                                        spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
        logger->flush_on(spdlog::level::info);
    }
    const std::string file;  ///< empty: standard error
    FileSink* const opened;  ///< the logger's
    // The pool is declared before the logger: it outlives the logger and its destructor writes what waits.
    std::shared_ptr<spdlog::details::thread_pool> pool;
    std::shared_ptr<spdlog::async_logger> logger;
};

Result<LogLevel> parse_log_level(std::string_view text) {
    if (text == "debug") return LogLevel::debug;
    if (text == "info") return LogLevel::info;
    if (text == "warn") return LogLevel::warn;
    if (text == "error") return LogLevel::error;
    return Errc::bad_argument;
}

std::string_view name_of(LogLevel level) noexcept {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            break;
    }
    return "error";
}

LogValue::LogValue(LocalFact fact) {
    text_ = '"';
    for (const char c : fact.text) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            text_ += '?';
        } else {
            if (c == '"' || c == '\\') text_ += '\\';
            text_ += c;
        }
    }
    text_ += '"';
}

Log::Log(LogLevel level, std::unique_ptr<Sink> sink) : level_(level), sink_(std::move(sink)) {
    if (sink_ != nullptr) sink_->logger->set_level(to_spdlog(level));
}
Log::~Log() = default;

void Log::set_level(LogLevel level) {
    if (sink_ == nullptr) return;
    sink_->logger->set_level(to_spdlog(level));
    level_ = level;
}

Result<std::unique_ptr<Log>> Log::open(const LogConfig& config) {
    if (config.file.empty()) {
        return std::unique_ptr<Log>(
            new Log(config.level, std::make_unique<Sink>(std::make_shared<spdlog::sinks::stderr_sink_mt>())));
    }
    const int descriptor = open_to_append(config.file);
    if (descriptor < 0) return Error(Errc::io_error, "the log file cannot be opened: " + config.file);
    const auto sink = std::make_shared<FileSink>(descriptor);
    return std::unique_ptr<Log>(new Log(config.level, std::make_unique<Sink>(sink, config.file, sink.get())));
}

Result<void> Log::reopen() {
    if (sink_ == nullptr || sink_->opened == nullptr) return ok();
    const int descriptor = open_to_append(sink_->file);
    if (descriptor < 0) return Error(Errc::io_error, "the log file cannot be opened: " + sink_->file);
    sink_->opened->replace(descriptor);
    return ok();
}

Log& Log::none() {
    static Log log(LogLevel::error, nullptr);
    return log;
}

void Log::write(LogLevel level, std::string_view event, Fields fields) {
    if (sink_ == nullptr || level < level_) return;
    std::string line(event);
    for (const auto& field : fields) {
        line += ' ';
        line += field.key;
        line += '=';
        line += field.value.text();
    }
    sink_->logger->log(to_spdlog(level), line);
}

}  // namespace melder::server
