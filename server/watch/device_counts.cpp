#include "server/watch/device_counts.hpp"

#include "core/limits.hpp"

namespace melder::server {

const DirectoryView::Counts& DeviceCounts::recent() {
    const auto at = view_.cursor();  // before counting: what changes meanwhile is counted again
    const auto now = clock_.boot();
    if (!counted_ || counted_->at != at || now - counted_->when >= Millis(limits::watch_count_interval)) {
        counted_ = {at, now, view_.count(clock_.wall())};
    }
    return counted_->counts;
}

}  // namespace melder::server
