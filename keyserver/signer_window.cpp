#include "keyserver/signer_window.hpp"

namespace melder::keyserver {

std::uint32_t SignerWindow::count(const KeyId& key, UnixTime now) const {
    const auto found = by_minute_.find(key);
    if (found == by_minute_.end()) return 0;
    std::uint32_t sum = 0;
    const auto minute = now.seconds() / 60;
    for (const auto& [when, count] : found->second) {
        if (minute - when < minutes) sum += count;
    }
    return sum;
}

void SignerWindow::add(const KeyId& key, UnixTime when) {
    auto& counts = by_minute_[key];
    const auto minute = when.seconds() / 60;
    std::erase_if(counts, [minute](const auto& entry) { return minute - entry.first >= minutes; });
    ++counts[minute];
}

std::vector<server::SignerCount> SignerWindow::counts(UnixTime now) const {
    std::vector<server::SignerCount> out;
    const auto present = now.seconds() / 60;
    for (const auto& [key, counts] : by_minute_) {
        for (const auto& [minute, count] : counts) {
            if (present - minute < minutes) out.push_back({key, minute, count});
        }
    }
    return out;
}

SignerWindow SignerWindow::of(const std::vector<server::SignerCount>& counts) {
    SignerWindow window;
    for (const auto& one : counts)
        window.by_minute_[one.key][one.minute] += one.count;
    return window;
}

}  // namespace melder::keyserver
