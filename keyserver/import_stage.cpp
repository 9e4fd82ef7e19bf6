#include "keyserver/import_stage.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::keyserver {

ImportStage::Import& ImportStage::open(const KeyId& admin, const ByteArray<16>& id, BootTime now) {
    const auto found = std::ranges::find(imports_, admin, &Import::admin);
    if (found != imports_.end() && found->id == id) {
        found->touched = now;
        return *found;
    }
    drop(admin);
    if (imports_.size() == limits::imports_open) imports_.erase(imports_.begin());
    auto& import = imports_.emplace_back();
    import.admin = admin;
    import.id = id;
    import.touched = now;
    return import;
}

std::optional<ImportStage::Import> ImportStage::take(const KeyId& admin, const ByteArray<16>& id) {
    const auto found = std::ranges::find(imports_, admin, &Import::admin);
    if (found == imports_.end() || found->id != id) return std::nullopt;
    auto out = std::move(*found);
    imports_.erase(found);
    return out;
}

void ImportStage::drop(const KeyId& admin) {
    std::erase_if(imports_, [&](const Import& import) { return import.admin == admin; });
}

void ImportStage::make_room(const KeyId& admin) {
    const auto bytes = [this] {
        std::size_t sum = 0;
        for (const auto& import : imports_)
            sum += import.bytes;
        return sum;
    };
    while (bytes() > limits::imports_bytes) {
        const auto oldest = std::ranges::find_if(imports_, [&](const Import& import) { return import.admin != admin; });
        if (oldest == imports_.end()) return;
        imports_.erase(oldest);
    }
}

void ImportStage::drop_idle(BootTime now) {
    std::erase_if(imports_, [&](const Import& import) { return now - import.touched > Millis(limits::import_idle); });
}

void ImportStage::note_changed(const std::vector<server::DeviceRow>& devices) {
    for (auto& import : imports_) {
        if (import.documents.empty()) continue;
        for (const auto& row : devices)
            if (import.places.contains(row.device)) import.stale.insert(row.device);
    }
}

}  // namespace melder::keyserver
