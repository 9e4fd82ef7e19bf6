#include "client/liveness_logic.hpp"

namespace melder::client {

void LivenessLogic::on_reading(TimePoint now) {
    reading_ = true;
    resumed_ = now;
}

LivenessLogic::Due LivenessLogic::check(TimePoint heard, TimePoint now) {
    const auto since = silent_since(heard);
    if (path_changed_ && since > *path_changed_) path_changed_.reset();
    const bool path_is_over = path_changed_ && now >= *path_changed_ + times_.path_check;
    if (reading_ && (path_is_over || now >= since + times_.dead)) return Due::give_up;
    if (path_is_over) path_changed_.reset();
    return now >= std::max(since, pinged_) + times_.ping ? Due::ping : Due::nothing;
}

LivenessLogic::TimePoint LivenessLogic::next(TimePoint heard) const {
    const auto since = silent_since(heard);
    auto due = std::max(since, pinged_) + times_.ping;
    if (reading_) due = std::min(due, since + times_.dead);
    if (path_changed_) due = std::min(due, *path_changed_ + times_.path_check);
    return due;
}

}  // namespace melder::client
