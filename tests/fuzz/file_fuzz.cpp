// Files and lines that people and programs write: they are refused with a sentence, never with a crash.

#include "apps/melder-admin/force_file.hpp"
#include "apps/melder/rpc_request.hpp"
#include "core/limits.hpp"
#include "server/config/server_config.hpp"
#include "tests/fuzz/targets.hpp"

namespace melder::fuzz {

void server_config(BytesView input) {
    const auto config = server::ServerConfig::parse(as_chars(input), "melder.toml", "/etc/melder");
    if (config.has_error()) {
        require(config.error() == Errc::config_invalid && config.error().detail().starts_with("melder.toml"));
        return;
    }
    require(!config->listen.empty() && !config->data_directory.empty() && !config->order_log_copy.empty());
}

void force_file(BytesView input) {
    const auto force = admin::Force::parse(as_chars(input));
    if (force.has_error()) {
        require(force.error() == Errc::malformed && !force.error().detail().empty());
        return;
    }
    for (const auto& officer : force->officers)
        require(!officer.display_name.empty() && !officer.unit.empty());
}

void rpc_request(BytesView input) {
    if (input.size() > limits::rpc_line_bytes) return;
    const auto parsed = apps::parse_rpc(as_chars(input));
    require(!parsed.parts.empty());
    for (const auto& part : parsed.parts) {
        if (const auto* refusal = std::get_if<apps::RpcRefusal>(&part)) {
            require(!refusal->sentence.empty());
            require(apps::rpc_refusal(*refusal).find('\n') == std::string::npos);
            continue;
        }
        const auto& request = std::get<apps::RpcRequest>(part);
        require(request.batch == parsed.batch);
        if (request.id) require(apps::rpc_result(*request.id, nullptr).find('\n') == std::string::npos);
    }
}

}  // namespace melder::fuzz
