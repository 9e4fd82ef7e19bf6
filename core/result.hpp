#pragma once
// Result<T>: a value or an Error. What a peer, a disk or a network can cause is a Result; a broken invariant is an
// exception. `MELDER_TRY(name, expression)` unwraps or returns the error.

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include <boost/system/result.hpp>

#include "core/errc.hpp"

namespace melder {

/// A code and, where it helps the reader, a detail. The detail is a static sentence or a local fact (a file name, a
/// line number of a config); it never carries data of a message, a name or a key, so an Error can always be logged.
class Error {
public:
    /// What boost::system::result hands out when it is asked for an error that it does not hold.
    Error() : code_(Errc::internal) {}
    Error(Errc code) : code_(code) {}  // NOLINT(google-explicit-constructor): `return Errc::malformed;`
    Error(Errc code, std::string detail) : code_(code), detail_(std::move(detail)) {}
    /// With the wait the other side asked for (busy, rate_limited).
    Error(Errc code, std::uint32_t retry_after_ms) : code_(code), retry_after_ms_(retry_after_ms) {}

    [[nodiscard]] Errc code() const noexcept { return code_; }
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }
    /// Milliseconds to wait before a retry; 0 if the error says nothing about it.
    [[nodiscard]] std::uint32_t retry_after_ms() const noexcept { return retry_after_ms_; }

    /// "the store has no room left: /srv/melder (no space left on device)"
    [[nodiscard]] std::string message() const;

    friend bool operator==(const Error& error, Errc code) noexcept { return error.code_ == code; }

private:
    Errc code_;
    std::uint32_t retry_after_ms_ = 0;
    std::string detail_;
};

std::ostream& operator<<(std::ostream& out, const Error& error);

/// Thrown by Result::value() when it holds an error: a caller that does not look has broken an invariant.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Error>;

/// Result<void> that is fine.
[[nodiscard]] inline Result<void> ok() {
    return {};
}

}  // namespace melder

#define MELDER_CONCAT_INNER(a, b) a##b
#define MELDER_CONCAT(a, b) MELDER_CONCAT_INNER(a, b)
/// `MELDER_TRY(auto grant, parse_grant(bytes));` — declares `grant` or returns the error from the function.
#define MELDER_TRY(declaration, ...)                                       \
    auto MELDER_CONCAT(melder_result_, __LINE__) = (__VA_ARGS__);          \
    if (MELDER_CONCAT(melder_result_, __LINE__).has_error())               \
        return std::move(MELDER_CONCAT(melder_result_, __LINE__)).error(); \
    declaration = std::move(MELDER_CONCAT(melder_result_, __LINE__)).value()
/// `MELDER_CHECK(verify(x));` — returns the error of a Result<void> (or of any Result whose value is not wanted).
#define MELDER_CHECK(...)                                                              \
    do {                                                                               \
        if (auto melder_check_result = (__VA_ARGS__); melder_check_result.has_error()) \
            return std::move(melder_check_result).error();                             \
    } while (false)
