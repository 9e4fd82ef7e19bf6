#pragma once
// Which boot of the machine this is: boot clocks of different boots cannot be compared.

#include <string>

#include "core/ids.hpp"

namespace melder::sdk {

using BootId = Id<struct BootIdTag, 16>;  ///< new at every boot of the phone

/// Out of whatever text the platform names its boot by. Zero for an empty one: no boot is told from another then, so
/// the boot clock's going back is the only sign of a new one.
[[nodiscard]] BootId boot_id_of(std::string_view name);

/// Linux: /proc/sys/kernel/random/boot_id; Darwin: kern.bootsessionuuid. Empty where there is neither.
[[nodiscard]] std::string read_boot_name();

}  // namespace melder::sdk
