#include "tests/apps/melder-admin/world_tool.hpp"

#include <fstream>

#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/key_file.hpp"

namespace melder::testing {

void WorldTool::SetUp() {
    ASSERT_TRUE(world.start().has_value());
    std::filesystem::create_directory(path("home"));
    std::ofstream(path("passphrase")) << "secret\n";
    const SecretBuffer passphrase(view("secret"));
    const auto save = [&](const Ed25519Seed& seed, const std::string& name) {
        const auto sealed = melder::admin::seal_key(seed, passphrase, system_random(), {4, 8, 1});
        ASSERT_TRUE(melder::admin::write_new_file(path(name), sealed.value(), 0600).has_value());
    };
    save(world.chief, "home/admin.key");
    save(world.deputy, "deputy.key");
    ASSERT_TRUE(melder::admin::write_new_file(path("home/root-set"), world.roots.encode(), 0644).has_value());
}

CommandResult WorldTool::admin(const std::string& arguments) const {
    return run_command(std::string(MELDER_ADMIN_BINARY) + " --home " + path("home") + " --passphrase-file " +
                       path("passphrase") + " --server 127.0.0.1:" + std::to_string(world.port()) + " " + arguments +
                       " < /dev/null");
}

void WorldTool::expect(const CommandResult& result, int exit_code, const std::string& sentence) {
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    EXPECT_NE(result.output.find(sentence), std::string::npos) << "looked for: " << sentence << "\n" << result.output;
}

void WorldTool::expect_not(const CommandResult& result, const std::string& sentence) {
    EXPECT_EQ(result.output.find(sentence), std::string::npos) << result.output;
}

}  // namespace melder::testing
