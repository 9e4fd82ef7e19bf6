#pragma once
// How many devices there are and when their grants end, for whoever asks often: a balancer asks /health every second,
// and counting looks at every device (50,000: 6 ms). One thread.

#include <optional>

#include "server/directory_view.hpp"

namespace melder::server {

class DeviceCounts {
public:
    /// Both outlive it.
    DeviceCounts(const DirectoryView& view, const Clock& clock) : view_(view), clock_(clock) {}

    /// Counted anew after every change of the directory. What time alone changes (a grant that ends, a code that runs
    /// out) shows after limits::watch_count_interval.
    [[nodiscard]] const DirectoryView::Counts& recent();

private:
    struct Counted {
        Cursor at;
        BootTime when;
        DirectoryView::Counts counts;
    };
    const DirectoryView& view_;
    const Clock& clock_;
    std::optional<Counted> counted_;
};

}  // namespace melder::server
