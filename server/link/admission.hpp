#pragma once
// How much of a server may be taken up by those who have not logged in. No socket, no clock of its own.
//
// Counted are connections between accept and login, per source and in total, and enrolments per source and minute. Who
// comes beyond is closed at once (nothing can be said before TLS) or answered `busy`: phones come again after their
// back-off. A source is an IPv4 address or the first 64 bits of an IPv6 one. Phones may share one: the gateway of a
// VPN; the defaults leave room for that.
//
// Threads: any. Tables are bounded: the first by the number of connections in it, the second by its limit.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "core/ids.hpp"
#include "core/limits.hpp"

struct sockaddr_storage;

namespace melder::server {

struct AdmissionLimits {
    std::size_t handshakes = limits::handshakes;  ///< connections that have not logged in, of all sources
    std::size_t handshakes_per_source = limits::handshakes_per_source;
    std::uint32_t enrolments_per_minute = limits::enrolments_per_source_per_minute;  ///< per source
    std::size_t sources = limits::admission_sources;                                 ///< in the table of enrolments
};

using SourceAddress = Id<struct SourceAddressTag, 16>;
/// Anything but IPv4 and IPv6 is one source.
[[nodiscard]] SourceAddress source_of(const sockaddr_storage& address) noexcept;

class Admission {
public:
    explicit Admission(AdmissionLimits admission_limits) : limits_(admission_limits) {}
    Admission(const Admission&) = delete;
    Admission& operator=(const Admission&) = delete;

    /// A connection's place; given back when it dies or is reset. Does not outlive the Admission.
    class Place {
    public:
        Place() = default;
        Place(Admission& owner, const SourceAddress& source) : owner_(&owner), source_(source) {}
        ~Place() { release(); }
        Place(Place&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), source_(other.source_) {}
        Place& operator=(Place&& other) noexcept;
        void release() noexcept;
        [[nodiscard]] explicit operator bool() const noexcept { return owner_ != nullptr; }
        [[nodiscard]] const SourceAddress& source() const noexcept { return source_; }

    private:
        Admission* owner_ = nullptr;
        SourceAddress source_;
    };
    /// False: no place left.
    [[nodiscard]] Place enter(const SourceAddress& source);

    /// Zero: go on. Else wait this long: to the next minute, or to a later one if that one is already spoken for, so
    /// that a roll-out behind one gateway does not come back as a whole each minute.
    [[nodiscard]] std::chrono::milliseconds on_enrolment(const SourceAddress& source,
                                                         std::chrono::steady_clock::time_point now);

    [[nodiscard]] std::size_t inside() const;

private:
    struct Minute {
        std::chrono::steady_clock::time_point began;
        std::uint32_t count = 0;
        std::uint32_t refused = 0;
    };
    void leave(const SourceAddress& source) noexcept;

    const AdmissionLimits limits_;
    mutable std::mutex mutex_;
    std::size_t inside_ = 0;
    std::unordered_map<SourceAddress, std::uint32_t> connections_;
    std::unordered_map<SourceAddress, Minute> enrolments_;
    std::chrono::steady_clock::time_point swept_{};
};

}  // namespace melder::server
