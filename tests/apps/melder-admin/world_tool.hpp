#pragma once
// The tool against a force whose phones are at hand: real binary, real server, raw connections.

#include <gtest/gtest.h>

#include "tests/apps/run_command.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {

class WorldTool : public ::testing::Test {
protected:
    void SetUp() override;  ///< server, home of the chief (admin.key), deputy.key; passphrase "secret"
    [[nodiscard]] std::string path(const std::string& name) const { return (world.directory() / name).string(); }
    [[nodiscard]] CommandResult admin(const std::string& arguments) const;
    /// A phone with its binding: its officer stands in no directory, only in the grant.
    [[nodiscard]] World::Phone phone() const { return world.phone(system_random().id<OfficerId>()); }
    static void expect(const CommandResult& result, int exit_code, const std::string& sentence);
    static void expect_not(const CommandResult& result, const std::string& sentence);

    mutable World world;
};

}  // namespace melder::testing
