// The root keys' later life as two people in a room type it: shares, recovery, succession.

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "apps/melder-admin/key_file.hpp"
#include "tests/apps/melder-admin/tool_fixture.hpp"
#include "tests/apps/terminal.hpp"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

class Root : public ToolFixture {
protected:
    /// The typed lines of a sheet.
    [[nodiscard]] std::vector<std::string> lines_of(const std::string& sheet) const {
        std::vector<std::string> out;
        std::istringstream in(read(sheet));
        for (std::string line; std::getline(in, line);)
            if (line.starts_with("    ")) out.push_back(line.substr(4));
        return out;
    }
    [[nodiscard]] std::string id_of(const std::string& file) const {
        const SecretBuffer passphrase(view("secret"));
        return key_id_of(ed25519_public_of(melder::admin::load_key(path(file), passphrase).value()))
            .hex()
            .substr(0, 16);
    }
};

TEST_F(Root, three_of_five_sheets_give_the_reserve_key_back) {
    expect(admin("root share --out " + path("reserve")), 0, "print each on its own sheet");
    EXPECT_EQ(fs::status(path("reserve-5.share")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
    const auto sheets = path("reserve-1.share") + " " + path("reserve-4.share");
    expect(admin("root recover " + sheets + " --out " + path("back.key")), 2, "3 shares are needed, 2 were given");
    EXPECT_FALSE(fs::exists(path("back.key")));
    const auto back = admin("root recover " + sheets + " " + path("reserve-5.share") + " --out " + path("back.key"));
    expect(back, 0, "root key " + id_of("home/root-reserve.key") + " is back");
    expect(admin("trust sign --yes --root-key " + path("back.key") + " --valid 90d"), 0, "trust list 2");

    expect(admin("root recover " + sheets + " --out " + path("back.key")), 1, "nothing was read");
    expect(admin("root share --out " + path("reserve")), 1, "nothing was written");
    expect(admin("root share --threshold 1"), 2, "--threshold is at least 2");
    expect(admin("root share --key " + path("absent")), 1, "absent");
    // On paper, a page each.
    const auto printed = admin("root share");
    EXPECT_EQ(std::ranges::count(printed.output, '\f'), 4) << printed.output;
    expect(printed, 0, "share 3 of 5. Any 3 of them");
}

TEST_F(Root, a_mistyped_line_is_named_and_nothing_is_written) {
    ASSERT_EQ(admin("root share --out " + path("s")).exit_code, 0);
    auto text = read("s-2.share");
    const auto line = lines_of("s-2.share")[3];
    auto wrong = line;
    wrong[0] = wrong[0] == 'A' ? 'B' : 'A';
    text.replace(text.find(line), line.size(), wrong);
    write("s-2.share", text);
    expect(admin("root recover " + path("s-1.share") + " " + path("s-2.share") + " " + path("s-3.share") + " --out " +
                 path("back.key")),
           1, "(line 4 of share 2): mistyped, or another line");
    EXPECT_FALSE(fs::exists(path("back.key")));
}

TEST_F(Root, shares_are_typed_in_at_a_terminal_and_a_slip_is_asked_for_again) {
    ASSERT_EQ(admin("root share --out " + path("s")).exit_code, 0);
    Terminal terminal({MELDER_ADMIN_BINARY, "--home", path("home"), "--passphrase-file", path("passphrase"), "root",
                       "recover", "--out", path("back.key")});
    ASSERT_TRUE(terminal.shows("line 1 of share 1: "));
    terminal.type("HELLO\r");
    ASSERT_TRUE(terminal.shows("once more"));
    for (const int share : {5, 1, 3}) {
        for (const auto& line : lines_of("s-" + std::to_string(share) + ".share")) {
            ASSERT_TRUE(terminal.shows(" of share ")) << terminal.transcript();
            terminal.type(line + "\r");
        }
        if (share == 5) {
            // The same sheet once more is refused at its last line.
            for (const auto& line : lines_of("s-5.share"))
                terminal.type(line + "\r");
            ASSERT_TRUE(terminal.shows("this share was given already")) << terminal.transcript();
        }
    }
    EXPECT_TRUE(terminal.shows("is back"));
    EXPECT_EQ(terminal.exit_code(), 0);
    EXPECT_EQ(id_of("back.key"), id_of("home/root-reserve.key"));
}

TEST_F(Root, a_root_set_is_succeeded_and_the_server_starts_under_the_next_one) {
    expect(admin("root show"), 0, "root set   1");
    expect(admin("root succeed --new-home " + path("next")), 2, "no terminal to ask \"Root set 2 after 1");
    expect(admin("root succeed --yes --new-home " + path("next") + " --root-key " + path("second.key")), 1,
           "Nothing was written");
    EXPECT_FALSE(fs::exists(path("next/root-set")));
    expect(admin("root succeed --yes --new-home " + path("next") + " --keep " + path("home/root-reserve.key")), 0,
           "root set   2");
    expect(admin("root succeed --yes --new-home " + path("next")), 1, "nothing was changed");
    make_cheap("next/root-working.key");

    expect(admin("root accept " + path("home/root-set")), 1, "");
    expect(admin("root accept " + path("next/root-succession")), 2, "no terminal");
    expect(admin("root accept --yes " + path("next/root-succession")), 0, "root set   2");
    expect(admin("root accept --yes " + path("next/root-succession")), 0, "root set   2");
    expect(admin("root show"), 0, "root set   2");
    expect(admin("trust sign --yes --root-key " + path("home/root-working.key")), 1, "is no key of the root set");
    expect(admin("trust sign --yes --root-key " + path("next/root-working.key") + " --out " + path("list-2")), 0,
           "trust list 1 -> 2");

    stop_server();
    fs::copy_file(path("home/root-set"), path("srv/root-set"), fs::copy_options::overwrite_existing);
    fs::copy_file(path("list-2"), path("srv/trust-list"), fs::copy_options::overwrite_existing);
    start_server();
    expect(admin("status"), 0, "version 2");
    expect(admin("log verify"), 0, "2 entries");
    // Started again it finds the list in its store.
    start_server();
    expect(admin("log verify"), 0, "2 entries");
}

TEST_F(Root, a_set_that_does_not_follow_is_not_accepted) {
    write("passphrase-of-others", "secret\n");
    ASSERT_EQ(run_command(std::string(MELDER_ADMIN_BINARY) + " --home " + path("other") + " --passphrase-file " +
                          path("passphrase") + " root init")
                  .exit_code,
              0);
    ASSERT_EQ(run_command(std::string(MELDER_ADMIN_BINARY) + " --home " + path("other") + " --passphrase-file " +
                          path("passphrase") + " root succeed --yes --new-home " + path("stranger"))
                  .exit_code,
              0);
    const auto before = read("home/root-set");
    expect(admin("root accept --yes " + path("stranger/root-succession")), 1, "does not follow root set 1");
    EXPECT_EQ(read("home/root-set"), before);
}

}  // namespace
}  // namespace melder::testing
