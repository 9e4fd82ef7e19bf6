#include "server/log.hpp"

#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

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

}  // namespace

struct Log::Sink {
    explicit Sink(spdlog::sink_ptr sink)
        : pool(std::make_shared<spdlog::details::thread_pool>(waiting_lines, 1)),
          logger(std::make_shared<spdlog::async_logger>("melder", std::move(sink), pool,
                                                        spdlog::async_overflow_policy::overrun_oldest)) {
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
        logger->flush_on(spdlog::level::info);
    }
    // The pool is declared first: it outlives the logger and its destructor writes what waits.
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
    try {
        spdlog::sink_ptr sink;
        if (config.file.empty()) {
            sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        } else {
            sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(config.file);
        }
        return std::unique_ptr<Log>(new Log(config.level, std::make_unique<Sink>(std::move(sink))));
    } catch (const spdlog::spdlog_ex&) {
        return Error(Errc::io_error, "the log file cannot be opened: " + config.file);
    }
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
