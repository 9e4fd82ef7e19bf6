#include "server/watch/request_logic.hpp"

namespace melder::server {

std::variant<WatchPage, WatchRefusal> judge_watch_request(std::string_view method, std::string_view target) noexcept {
    const auto path = target.substr(0, target.find('?'));
    const bool health = path == "/health";
    if (!health && path != "/metrics") return WatchRefusal{404};
    if (method != "GET" && method != "HEAD") return WatchRefusal{405};
    return health ? WatchPage::health : WatchPage::metrics;
}

}  // namespace melder::server
