#pragma once
// How many documents each administrator key signed within the last hour. No clock, no store.
//
// It outlives a restart: orders are counted again out of the log, whose entries carry their time; the counts of grants
// are stored with them.

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "core/clock.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

class SignerWindow {
public:
    [[nodiscard]] std::uint32_t count(const KeyId& key, UnixTime now) const;
    void add(const KeyId& key, UnixTime when);

    /// What counts at `now`, for the store.
    [[nodiscard]] std::vector<server::SignerCount> counts(UnixTime now) const;
    [[nodiscard]] static SignerWindow of(const std::vector<server::SignerCount>& counts);

private:
    static constexpr std::int64_t minutes = 60;
    std::unordered_map<KeyId, std::unordered_map<std::int64_t, std::uint32_t>>
        by_minute_;  ///< keys: those of the trust list
};

}  // namespace melder::keyserver
