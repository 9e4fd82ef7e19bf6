#pragma once
// Which version this is, for --version, the link and metrics.

#include <string_view>

namespace melder::apps {

inline constexpr std::string_view version_number = "0.1.0";
inline constexpr std::string_view server_version = "melder-server 0.1.0";

}  // namespace melder::apps
