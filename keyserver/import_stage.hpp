#pragma once
// Parts of directory imports that wait for their commit. In memory only, bounded; not thread-safe. Decides nothing
// about rights or content.

#include <vector>

#include "core/ids.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

class ImportStage {
public:
    struct Import {
        KeyId admin;
        ByteArray<16> id{};
        server::DirectoryChange change;
        std::size_t parts = 0;
    };
    /// The administrator's import under this id; another one of his is dropped, and so is the oldest of all beyond
    /// limits::imports_open. Valid until the next call.
    [[nodiscard]] Import& open(const KeyId& admin, const ByteArray<16>& id);
    /// Out of the stage; nothing if there is none.
    [[nodiscard]] std::optional<Import> take(const KeyId& admin, const ByteArray<16>& id);
    void drop(const KeyId& admin);

private:
    std::vector<Import> imports_;  ///< the oldest first
};

}  // namespace melder::keyserver
