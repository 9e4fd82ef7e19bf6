#pragma once
// How often a code was tried in vain, and why the last time: for whoever looks after a roll-out. Counted only for codes
// that exist, so by somebody who holds at least the first part of one. In memory only, since the process started;
// bounded.
//
// Threads: any.

#include <mutex>
#include <optional>
#include <unordered_map>

#include "core/errc.hpp"
#include "core/ids.hpp"

namespace melder::keyserver {

class EnrolmentTries {
public:
    struct Tries {
        std::uint32_t count = 0;
        Errc last = Errc::internal;
    };
    /// Beyond `most` devices nothing more is counted.
    explicit EnrolmentTries(std::size_t most) : most_(most) {}

    void note(const EnrolmentId& device, Errc why);
    [[nodiscard]] std::optional<Tries> find(const EnrolmentId& device) const;

private:
    std::size_t most_;
    mutable std::mutex mutex_;
    std::unordered_map<EnrolmentId, Tries> tries_;
};

}  // namespace melder::keyserver
