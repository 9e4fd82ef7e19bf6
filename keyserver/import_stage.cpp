#include "keyserver/import_stage.hpp"

#include <algorithm>

#include "core/limits.hpp"

namespace melder::keyserver {

ImportStage::Import& ImportStage::open(const KeyId& admin, const ByteArray<16>& id) {
    const auto found = std::ranges::find(imports_, admin, &Import::admin);
    if (found != imports_.end() && found->id == id) return *found;
    drop(admin);
    if (imports_.size() == limits::imports_open) imports_.erase(imports_.begin());
    return imports_.emplace_back(Import{.admin = admin, .id = id, .change = {}, .parts = 0});
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

}  // namespace melder::keyserver
