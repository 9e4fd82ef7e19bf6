#include "server/directory_view.hpp"

#include <algorithm>

namespace melder::server {

std::shared_ptr<void> DirectoryView::follow(DirectoryStore& store, Executor executor) {
    return store.watch(cursor(), std::move(executor),
                       [this](const std::shared_ptr<const FeedBatch>& batch) { apply(*batch); });
}

void DirectoryView::apply(const FeedBatch& batch) {
    for (const auto& row : batch.devices)
        apply(row);
    if (batch.cursor > cursor()) {
        const std::lock_guard lock(cursor_mutex_);
        cursor_.store(batch.cursor, std::memory_order_release);
        cursor_moved_.notify_all();
    }
    if (batch.caught_up) complete_.store(true, std::memory_order_release);
    last_heard_ms_.store(clock_.boot().ms, std::memory_order_release);
}

void DirectoryView::apply(const DeviceRow& row) {
    auto device = std::make_shared<DirectoryDevice>();
    device->device = row.device;
    device->officer = row.officer;
    device->app = row.app;
    device->enrolment_key = row.enrolment_key;
    device->bind_before = row.bind_before;
    device->not_before = row.not_before;
    device->not_after = row.not_after;
    device->grant_version = row.grant_version;
    device->standing = row.standing;
    device->bound = row.bound.has_value();
    if (row.bound) {
        device->identity_key = row.bound->identity_key;
        device->login_key = row.bound->login_key;
    }

    DeviceStanding before = DeviceStanding::active;
    {
        auto& shard = shard_of(row.device);
        const std::unique_lock lock(shard.mutex);
        auto& place = shard.devices[row.device];
        if (place) before = place->standing;
        place = std::move(device);
    }
    {
        auto& shard = shard_of(row.officer);
        const std::unique_lock lock(shard.mutex);
        shard.devices[row.officer].insert(row.device);
    }
    if (before == row.standing) return;
    const std::lock_guard lock(handlers_mutex_);
    for (const auto& handler : handlers_)
        handler({row.device, before, row.standing});
}

DevicePointer DirectoryView::find(const EnrolmentId& device) const {
    const auto& shard = shard_of(device);
    const std::shared_lock lock(shard.mutex);
    const auto found = shard.devices.find(device);
    return found == shard.devices.end() ? nullptr : found->second;
}

std::vector<EnrolmentId> DirectoryView::active_devices(const OfficerId& officer, std::string_view app,
                                                       UnixTime now) const {
    std::vector<EnrolmentId> ids;
    {
        const auto& shard = shard_of(officer);
        const std::shared_lock lock(shard.mutex);
        const auto found = shard.devices.find(officer);
        if (found == shard.devices.end()) return ids;
        ids.assign(found->second.begin(), found->second.end());
    }
    std::erase_if(ids, [&](const EnrolmentId& id) {
        const auto device = find(id);
        return !device || device->app != app || !device->active_at(now);
    });
    return ids;
}

bool DirectoryView::fresh() const {
    if (!complete_.load(std::memory_order_acquire)) return false;
    const BootTime heard{last_heard_ms_.load(std::memory_order_acquire)};
    return clock_.boot() - heard <= limits::directory_feed_oldest;
}

bool DirectoryView::wait_until(Cursor wanted, std::chrono::milliseconds longest) const {
    std::unique_lock lock(cursor_mutex_);
    return cursor_moved_.wait_for(lock, longest, [&] { return cursor() >= wanted; });
}

std::optional<Millis> DirectoryView::feed_age() const {
    const auto heard = last_heard_ms_.load(std::memory_order_acquire);
    if (heard == 0) return std::nullopt;
    return clock_.boot() - BootTime{heard};
}

DirectoryView::Counts DirectoryView::count(UnixTime now) const {
    Counts counts;
    std::vector<UnixTime> ends;
    for (const auto& shard : shards_) {
        const std::shared_lock lock(shard.mutex);
        for (const auto& [id, device] : shard.devices) {
            if (device->active_at(now)) {
                ++counts.active;
                ends.push_back(device->not_after);
            } else if (device->standing == DeviceStanding::revoked || device->standing == DeviceStanding::replaced) {
                ++counts.revoked;
            } else if (!device->bound && now <= device->bind_before) {
                ++counts.waiting;
            }
        }
    }
    if (ends.empty()) return counts;
    counts.first_grant_ends = *std::ranges::min_element(ends);
    const auto place = ends.begin() + static_cast<std::ptrdiff_t>(ends.size() * limits::grants_in_bulk_percent / 100);
    std::ranges::nth_element(ends, place);
    counts.grants_end = *place;
    return counts;
}

void DirectoryView::subscribe(std::function<void(const DeviceChange&)> handler) {
    const std::lock_guard lock(handlers_mutex_);
    handlers_.push_back(std::move(handler));
}

}  // namespace melder::server
