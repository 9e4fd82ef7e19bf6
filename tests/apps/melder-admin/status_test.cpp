// What `melder-admin status` says of a server that was put back from a backup.

#include "tests/apps/melder-admin/world_tool.hpp"

namespace melder::testing {
namespace {

using AdminStatus = WorldTool;

TEST_F(AdminStatus, a_restored_store_is_told_until_the_next_ordinary_start) {
    expect_not(admin("status"), "restored");
    expect(admin("status --json"), 0, "\"restored\":false");
    world.stop();
    ASSERT_TRUE(world.start({.restored = true}).has_value());
    expect(admin("status"), 0, "store        restored from a backup; docs/OPERATIONS.md, *Restore*");
    expect(admin("status --json"), 0, "\"restored\":true");
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    expect_not(admin("status"), "restored");
}

}  // namespace
}  // namespace melder::testing
