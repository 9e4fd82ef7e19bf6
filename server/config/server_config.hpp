#pragma once
// The configuration of a server process: a TOML file, read once at start and checked as a whole.
// `melder-server init` writes one with every key explained.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.hpp"
#include "server/link/link_config.hpp"
#include "server/log.hpp"

namespace melder::server {

/// How many prekey bundles may be taken; the counts stand in memory only.
struct PrekeyLimits {
    std::uint32_t takes_per_pair = limits::takes_per_pair_burst;  ///< source → target at once, then one per interval
    std::uint32_t pair_interval_s = std::chrono::seconds(limits::takes_per_pair_interval).count();
    std::uint32_t takes_per_source = limits::takes_per_source_burst;  ///< at once, then so many a second
    std::uint32_t takes_per_source_per_second = limits::takes_per_source_per_second;
    std::uint32_t one_time_per_hour = limits::one_time_takes_per_hour;  ///< per target; then the signed prekey alone
};

struct ServerConfig {
    std::vector<LinkConfig::Endpoint> listen;
    unsigned cores = 0;         ///< event loops; 0: one for each processor
    AdmissionLimits admission;  ///< of those who have not logged in
    PrekeyLimits prekeys;
    std::string data_directory;                 ///< the store
    std::string epoch_file;                     ///< the store epoch's second place, outside data_directory
    std::string order_log_copy;                 ///< directory: the order log's second place, on another disk; required
    std::string directory_key_file;             ///< 32 bytes that seal names; outside data_directory
    std::string certificate_file;               ///< PEM
    std::string private_key_file;               ///< PEM, P-256
    std::string statement_key_file;             ///< 32 bytes, Ed25519 seed
    std::string root_set_file;                  ///< the encoded root set that the trust list is verified under
    std::string trust_list_file;                ///< what `melder-admin trust sign` wrote
    std::optional<LinkConfig::Endpoint> watch;  ///< /health and /metrics; empty: nobody may ask
    LogConfig log;

    /// Relative paths are resolved against the file's directory. `config_invalid` with a detail of the form
    /// "melder.toml, line 7: …" that names the key, what is wrong and what would be right. Unknown keys are errors.
    [[nodiscard]] static Result<ServerConfig> load(const std::string& file);
    /// The same from text; `file` is only named in errors, `base` resolves relative paths.
    [[nodiscard]] static Result<ServerConfig> parse(std::string_view text, const std::string& file,
                                                    const std::string& base);
};

/// "127.0.0.1:5222" or "[::1]:5222"; port 0 lets the system choose. `bad_argument` otherwise.
[[nodiscard]] Result<LinkConfig::Endpoint> parse_endpoint(std::string_view text);
/// 127.0.0.0/8 or ::1: only this machine reaches it.
[[nodiscard]] bool is_loopback(const LinkConfig::Endpoint& endpoint);

}  // namespace melder::server
