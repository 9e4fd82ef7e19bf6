#include "keyserver/enrolment_tries.hpp"

namespace melder::keyserver {

void EnrolmentTries::note(const EnrolmentId& device, Errc why) {
    const std::lock_guard lock(mutex_);
    if (tries_.size() >= most_ && !tries_.contains(device)) return;
    auto& tries = tries_[device];
    ++tries.count;
    tries.last = why;
}

std::optional<EnrolmentTries::Tries> EnrolmentTries::find(const EnrolmentId& device) const {
    const std::lock_guard lock(mutex_);
    const auto found = tries_.find(device);
    if (found == tries_.end()) return std::nullopt;
    return found->second;
}

}  // namespace melder::keyserver
