#pragma once
// A real server and homes for real `melder` processes.

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "core/enrolment_code.hpp"
#include "tests/apps/run_command.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {

class MelderFixture : public ::testing::Test {
protected:
    void SetUp() override {
        ASSERT_TRUE(world.start().has_value());
        const auto roots = world.roots.encode();
        std::ofstream(root_file(), std::ios::binary)
            .write(reinterpret_cast<const char*>(roots.data()), static_cast<std::streamsize>(roots.size()));
    }
    [[nodiscard]] std::string root_file() const { return (world.directory() / "pinned-roots").string(); }
    [[nodiscard]] std::string home(const std::string& name) const { return (world.directory() / name).string(); }
    [[nodiscard]] std::string server() const { return "127.0.0.1:" + std::to_string(world.port()); }

    /// With what every command needs after enrolment: the directory.
    [[nodiscard]] CommandResult melder(const std::string& name, const std::string& arguments) const {
        return run_command(melder_line(name) + " " + arguments);
    }
    [[nodiscard]] std::string melder_line(const std::string& name) const {
        return std::string(MELDER_BINARY) + " --vault " + home(name);
    }
    [[nodiscard]] CommandResult enrol(const std::string& name, const std::string& code) const {
        return melder(name, "enrol --server " + server() + " --root " + root_file() + " " + code);
    }
    /// Officers 4711 and 4712; the second device has published its prekeys.
    void enrol_pair(const std::string& first, const std::string& second) const {
        ASSERT_EQ(enrol(first, issue_code("4711").code).exit_code, 0);
        ASSERT_EQ(enrol(second, issue_code("4712").code).exit_code, 0);
        ASSERT_EQ(melder(second, "receive --timeout 2").exit_code, 3);
    }
    struct Issued {
        std::string code;
        EnrolmentId device;
    };
    /// A code with its grant at the server, as `melder-admin` issues them.
    [[nodiscard]] Issued issue_code(const std::string& number) const {
        const auto code = EnrolmentCode::generate(system_random(), 1);
        const auto now = system_clock().wall();
        Grant grant;
        grant.enrolment_id = code.enrolment_id();
        grant.officer_id = system_random().id<OfficerId>();
        grant.display_name = "Officer " + number;
        grant.service_number = number;
        grant.unit = UnitPath::parse("LKA/K5").value();
        grant.roles = {Role::member};
        grant.enrolment_key = ed25519_public_of(code.enrolment_seed().value());
        grant.bind_before = now + std::chrono::hours(24);
        grant.not_before = now - std::chrono::hours(2);
        grant.not_after = now + std::chrono::hours(24 * 365);
        EXPECT_TRUE(world.put_grant(grant, {&world.chief}).has_value());
        EXPECT_TRUE(world.put_officer(grant.officer_id, grant.display_name, number, {"LKA", "K5"}).has_value());
        const auto text = code.text();
        return {to_string(text.expose()), grant.enrolment_id};
    }
    static void expect(const CommandResult& result, int exit_code, const std::string& sentence) {
        EXPECT_EQ(result.exit_code, exit_code) << result.output;
        EXPECT_NE(result.output.find(sentence), std::string::npos) << result.output;
    }

    World world;
};

}  // namespace melder::testing
