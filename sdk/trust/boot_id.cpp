#include "sdk/trust/boot_id.hpp"

#include "core/crypto.hpp"

#ifdef __APPLE__
#include <sys/sysctl.h>
#else
#include <fstream>
#endif

namespace melder::sdk {

BootId boot_id_of(std::string_view name) {
    if (name.empty()) return {};
    const auto hash = sha256(view(name));
    return BootId::from(hash.view().first<BootId::size_bytes>()).value();
}

std::string read_boot_name() {
#ifdef __APPLE__
    char name[64] = {};
    std::size_t size = sizeof name - 1;
    if (::sysctlbyname("kern.bootsessionuuid", name, &size, nullptr, 0) != 0) return {};
    return name;
#else
    std::string name;
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::getline(file, name);
    return name;
#endif
}

}  // namespace melder::sdk
