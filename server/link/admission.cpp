#include "server/link/admission.hpp"

#include <algorithm>
#include <cstring>

#include <netinet/in.h>
#include <sys/socket.h>

namespace melder::server {
namespace {

constexpr auto minute = std::chrono::minutes(1);
constexpr auto sweep_interval = std::chrono::seconds(1);
constexpr std::size_t network_bytes = 8;  ///< of an IPv6 address: what a provider gives to one site

}  // namespace

SourceAddress source_of(const sockaddr_storage& address) noexcept {
    ByteArray<SourceAddress::size_bytes> bytes{};
    if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        bytes[10] = bytes[11] = 0xFF;
        std::memcpy(bytes.data() + 12, &v4.sin_addr, 4);
    } else if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr) != 0;
        std::memcpy(bytes.data(), &v6.sin6_addr, mapped ? bytes.size() : network_bytes);
    }
    return SourceAddress(bytes);
}

Admission::Place& Admission::Place::operator=(Place&& other) noexcept {
    if (this != &other) {
        release();
        owner_ = std::exchange(other.owner_, nullptr);
        source_ = other.source_;
    }
    return *this;
}

void Admission::Place::release() noexcept {
    if (auto* owner = std::exchange(owner_, nullptr)) owner->leave(source_);
}

Admission::Place Admission::enter(const SourceAddress& source) {
    const std::lock_guard lock(mutex_);
    if (inside_ >= limits_.handshakes) return {};
    auto& count = connections_[source];
    if (count >= limits_.handshakes_per_source) return {};
    ++count;
    ++inside_;
    return {*this, source};
}

void Admission::leave(const SourceAddress& source) noexcept {
    const std::lock_guard lock(mutex_);
    --inside_;
    const auto found = connections_.find(source);
    if (--found->second == 0) connections_.erase(found);
}

std::chrono::milliseconds Admission::on_enrolment(const SourceAddress& source,
                                                  std::chrono::steady_clock::time_point now) {
    const std::lock_guard lock(mutex_);
    if (!enrolments_.contains(source) && enrolments_.size() >= limits_.sources) {
        if (now - swept_ >= sweep_interval) {
            std::erase_if(enrolments_, [&](const auto& entry) { return now - entry.second.began >= minute; });
            swept_ = now;
        }
        // Forgetting a live entry would lift a limit: who comes now waits.
        if (enrolments_.size() >= limits_.sources) return sweep_interval;
    }
    auto& present = enrolments_[source];
    if (present.count == 0 || now - present.began >= minute) present = {.began = now, .count = 0, .refused = 0};
    if (present.count >= limits_.enrolments_per_minute) {
        const std::chrono::steady_clock::duration later = minute * (present.refused++ / limits_.enrolments_per_minute);
        return std::min<std::chrono::milliseconds>(
            std::chrono::ceil<std::chrono::milliseconds>(present.began + minute - now + later),
            limits::enrolment_wait_longest);
    }
    ++present.count;
    return std::chrono::milliseconds(0);
}

std::size_t Admission::inside() const {
    const std::lock_guard lock(mutex_);
    return inside_;
}

}  // namespace melder::server
