// What the help desk sees of a device, and what it can put right.

#include "core/diagnosis.hpp"
#include "tests/apps/melder-admin/world_tool.hpp"

namespace melder::testing {
namespace {

using wire::Frame;

class HelpDesk : public WorldTool {
protected:
    void SetUp() override {
        WorldTool::SetUp();
        sender.emplace(phone());
        receiver.emplace(phone());
        online = world.login(*sender).value();
    }
    [[nodiscard]] EnvelopeId submit() const {
        const auto id = system_random().id<EnvelopeId>();
        Frame frame;
        *frame.mutable_submit() =
            make_submit(id, Lane::normal, {receiver->id()}, system_clock().wall() + std::chrono::hours(24));
        EXPECT_TRUE(online->request(std::move(frame)).has_value());
        return id;
    }
    /// Three connections refuse it, as an app does that cannot read it.
    void refuse_thrice(const EnvelopeId& id) const {
        for (int connection = 0; connection < 3; ++connection) {
            const auto link = world.login(*receiver).value();
            ASSERT_TRUE(link->await(Frame::kDeliver).has_value());
            Frame refuse;
            auto& refusal = *refuse.mutable_refuse()->add_refusals();
            refusal.mutable_envelope()->set_lane(wire::LANE_NORMAL);
            refusal.mutable_envelope()->set_envelope_id(id.string());
            refusal.set_code(static_cast<std::uint32_t>(Errc::undecryptable));
            link->send(refuse);
            // Its answer comes behind what the refusal led to.
            Frame ask;
            ask.mutable_fetch_trust_list();
            ASSERT_TRUE(link->request(std::move(ask)).has_value());
        }
    }
    [[nodiscard]] std::string device() const { return receiver->id().hex(); }

    std::optional<World::Phone> sender, receiver;
    std::unique_ptr<Link> online;
};

TEST_F(HelpDesk, what_a_device_says_about_itself_is_explained_with_what_to_do) {
    const auto code = code_of({Diagnosis::Link::restricted, Errc::device_revoked, Errc::head_stale, 31, 3, 0});
    const auto said = admin("device explain " + code);
    for (const auto* part : {"restricted", "device_revoked", "head_stale", "31 hours", "4 to 7", "unreadable   none"})
        expect(said, 0, part);
    expect(admin("--json device explain " + code), 0, R"("sealing_error":"head_stale")");
    auto misheard = code;
    misheard[0] = misheard[0] == '7' ? '8' : '7';
    expect(admin("device explain " + misheard), 2, "misheard");
}

TEST_F(HelpDesk, a_device_is_shown_with_what_waits_and_what_it_refused_and_nobody_else) {
    const auto fresh = admin("device show " + device());
    expect(fresh, 0, "last seen    never");
    expect(fresh, 0, "version      not known before the first login");
    expect(fresh, 0, "refused      nothing since the server's start on 20");
    expect(fresh, 0, "state        active, not connected");
    const auto id = submit();
    const auto waiting = admin("device show " + device());
    expect(waiting, 0, "normal: 1 waiting, the oldest since 20");
    refuse_thrice(id);
    const auto shown = admin("device show " + device());
    expect(shown, 0, "last seen    20");
    expect(shown, 0, "version      melder-test, protocol 1");
    expect(shown, 0, "refused      undecryptable, 3 on 20");
    expect(shown, 0, ", since the server's start on 20");
    expect(shown, 0, "normal: 0 waiting; 1 aside");
    expect(shown, 0, "grant        version 1, until 20");
    expect_not(shown, sender->id().hex());
    const auto json = admin("--json device show " + device());
    expect(json, 0, R"("error":"undecryptable")");
    expect(json, 0, R"("lane":"normal","waiting":0,"aside":1)");
    expect(admin("device show 00112233445566778899aabbccddeeff"), 1, "the server knows no device");
    expect(admin("device show xyz"), 2, "a device is 32 hex digits");
}

TEST_F(HelpDesk, the_day_of_the_last_login_and_the_version_outlive_the_server_and_its_errors_do_not) {
    refuse_thrice(submit());
    online.reset();
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    const auto shown = admin("device show " + device());
    expect(shown, 0, "last seen    20");
    expect(shown, 0, "version      melder-test, protocol 1");
    expect(shown, 0, "refused      nothing since the server's start on 20");
    expect(shown, 0, "normal: 0 waiting; 1 aside");
    const auto json = admin("--json device show " + device());
    expect(json, 0, R"("client_version":"melder-test","protocol":1)");
    expect_not(json, R"("last_seen_s":0)");
}

TEST_F(HelpDesk, what_was_moved_aside_is_listed_released_and_delivered_at_once) {
    expect(admin("device aside " + device()), 0, "nothing is aside");
    const auto id = submit();
    refuse_thrice(id);
    const auto listed = admin("device aside " + device());
    expect(listed, 0, id.hex() + "  normal  undecryptable  refused 3 times");
    expect_not(listed, sender->id().hex());
    expect(admin("--json device aside " + device()), 0, R"("refusals":3)");

    const auto link = world.login(*receiver).value();
    ASSERT_TRUE(link->await(Frame::kMailboxEmpty).has_value());
    expect(admin("device aside " + device() + " --release"), 0, "1 entry released");
    const auto delivery = link->await(Frame::kDeliver);
    ASSERT_TRUE(delivery.has_value()) << "a connected device gets it without connecting again";
    EXPECT_EQ(delivery->deliver().envelopes(0).envelope_id(), id.string());
    Frame ack;
    auto& ref = *ack.mutable_ack()->add_envelopes();
    ref.set_lane(wire::LANE_NORMAL);
    ref.set_envelope_id(id.string());
    link->send(ack);
    Frame ask;
    ask.mutable_fetch_trust_list();
    ASSERT_TRUE(link->request(std::move(ask)).has_value());
    expect(admin("device aside " + device()), 0, "nothing is aside");
    expect(admin("device show " + device()), 0, "normal: 0 waiting\n");
    expect(admin("device aside " + device() + " --release"), 0, "0 entries released");
}

TEST_F(HelpDesk, a_released_entry_waits_for_a_device_that_is_not_there_and_begins_anew) {
    const auto first = submit();
    refuse_thrice(first);
    const auto second = submit();
    refuse_thrice(second);
    expect(admin("device aside " + device() + " --release --entry " + second.hex()), 0, "1 entry released");
    expect(admin("device show " + device()), 0, "normal: 1 waiting");
    refuse_thrice(second);  // its refusals were forgotten: it takes three again
    expect(admin("device aside " + device()), 0, second.hex());
    // Over a restart, too.
    expect(admin("device aside " + device() + " --release"), 0, "2 entries released");
    online.reset();
    world.stop();
    ASSERT_TRUE(world.start().has_value());
    expect(admin("device show " + device()), 0, "normal: 2 waiting");
    const auto link = world.login(*receiver).value();
    const auto delivery = link->await(Frame::kDeliver);
    ASSERT_TRUE(delivery.has_value());
    EXPECT_EQ(delivery->deliver().envelopes(0).envelope_id(), first.string());
}

TEST_F(HelpDesk, without_the_right_or_with_garbled_words_nothing_is_released) {
    expect(admin("device aside xyz"), 2, "a device is 32 hex digits");
    expect(admin("device aside " + device() + " --entry " + device()), 2, "add --release");
    expect(admin("device aside " + device() + " --release --entry abc"), 2, "--entry takes an id");
    const auto refused =
        run_command(std::string(MELDER_ADMIN_BINARY) + " --home " + path("home") + " --key " + path("deputy.key") +
                    " --passphrase-file " + path("passphrase") + " --server 127.0.0.1:" + std::to_string(world.port()) +
                    " device aside " + device());
    expect(refused, 1, "takes the right `helpdesk`");
    // A device asks: it is no administrator.
    Frame ask;
    ask.mutable_release_aside()->set_enrolment_id(receiver->id().string());
    EXPECT_EQ(online->request(std::move(ask)).error(), Errc::not_allowed);
    Frame garbled;
    garbled.mutable_list_aside()->set_enrolment_id("short");
    EXPECT_EQ(world.admin()->request(std::move(garbled)).error(), Errc::malformed);
}

}  // namespace
}  // namespace melder::testing
