#include "keyserver/login_book.hpp"

namespace melder::keyserver {
namespace {

constexpr std::int64_t seconds_a_day = 86'400;

}  // namespace

void LoginBook::note(const server::Peer& device, UnixTime now) {
    const std::lock_guard lock(mutex_);
    if (rows_.size() >= most_ && !rows_.contains(device.device)) return;
    rows_.insert_or_assign(device.device,
                           server::LoginRow{.device = device.device,
                                            .day = static_cast<std::uint32_t>(now.seconds() / seconds_a_day),
                                            .protocol = device.protocol,
                                            .client_version = device.client_version});
}

std::optional<server::LoginRow> LoginBook::find(const EnrolmentId& device) const {
    const std::lock_guard lock(mutex_);
    const auto found = rows_.find(device);
    if (found == rows_.end()) return std::nullopt;
    return found->second;
}

std::vector<server::LoginRow> LoginBook::take() {
    const std::lock_guard lock(mutex_);
    std::vector<server::LoginRow> out;
    out.reserve(rows_.size());
    for (auto& [device, row] : rows_)
        out.push_back(std::move(row));
    rows_.clear();
    return out;
}

}  // namespace melder::keyserver
