#pragma once
// What an operator's backup holds, put back over what came after it. The server is stopped meanwhile.

#include <filesystem>
#include <initializer_list>
#include <string>

#include "tests/end_to_end/world.hpp"

namespace melder::testing {

/// The data directory alone.
inline const std::initializer_list<std::string> data_alone = {"data"};
/// A snapshot of the whole machine: the epoch and the order log's second place go back as well.
inline const std::initializer_list<std::string> whole_machine = {"data", "epoch", "second-place"};

class Snapshot {
public:
    Snapshot(World& world, std::initializer_list<std::string> what) : world_(world), what_(what) {
        world_.stop();
        for (const auto& name : what_)
            copy(world_.directory() / name, kept(name));
    }
    void put_back() {
        world_.stop();
        for (const auto& name : what_) {
            std::filesystem::remove_all(world_.directory() / name);
            copy(kept(name), world_.directory() / name);
        }
    }

private:
    [[nodiscard]] std::filesystem::path kept(const std::string& name) const {
        return world_.directory().parent_path() / ("backup-" + name);
    }
    static void copy(const std::filesystem::path& from, const std::filesystem::path& to) {
        std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
    }

    World& world_;
    std::vector<std::string> what_;
};

}  // namespace melder::testing
