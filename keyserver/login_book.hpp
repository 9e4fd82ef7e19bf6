#pragma once
// The logins that are not in the store yet: the day and the version of each device's newest one. Written once an
// interval, all together, so that a login costs no write; what a crash loses is at most that interval.
//
// Threads: any.

#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "server/link/session.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

class LoginBook {
public:
    /// Beyond `most` devices a login is forgotten: the next one tells the same.
    explicit LoginBook(std::size_t most) : most_(most) {}

    void note(const server::Peer& device, UnixTime now);
    /// What `take` has not handed out yet.
    [[nodiscard]] std::optional<server::LoginRow> find(const EnrolmentId& device) const;
    [[nodiscard]] std::vector<server::LoginRow> take();

private:
    std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<EnrolmentId, server::LoginRow> rows_;
};

}  // namespace melder::keyserver
