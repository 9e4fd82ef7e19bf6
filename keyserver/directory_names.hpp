#pragma once
// The directory's names in plain, in memory only, and the search index over them: read from the sealed rows at the
// start, kept current by every change of units and officers.
//
// Threads: any. `apply` and `load` one caller at a time. The index is made anew by the first search after a change, who
// waits for it as do those who search meanwhile; changes that come in one commit cost that once. For 50,000 officers
// see docs/BENCHMARKS.md.

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "keyserver/directory_key.hpp"
#include "keyserver/directory_search.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

class DirectoryNames {
public:
    /// `key` outlives it.
    explicit DirectoryNames(const DirectoryKey& key) : key_(key) {}

    /// What a commit of these rows does to the names; without a value: forgotten.
    struct Change {
        std::vector<std::pair<OfficerId, std::optional<NamedOfficer>>> officers;
        std::vector<std::pair<Hash, std::optional<NamedUnit>>> units;
    };
    /// `wrong_directory_key`, `store_corrupt`; changes nothing yet.
    [[nodiscard]] Result<Change> open(const std::vector<server::OfficerRow>& officers,
                                      const std::vector<server::UnitRow>& units) const;
    void apply(Change change);

    /// Everything that the store holds, in place of what was known. Blocks on the store. An error changes nothing.
    [[nodiscard]] Result<void> load(server::DirectoryStore& store);

    [[nodiscard]] std::shared_ptr<const DirectorySearch> search() const;

private:
    const DirectoryKey& key_;
    mutable std::mutex mutex_;
    NamedOfficers officers_;
    NamedUnits units_;
    mutable std::shared_ptr<const DirectorySearch> search_;  ///< null: something changed
};

}  // namespace melder::keyserver
