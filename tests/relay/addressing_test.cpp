#include <map>

#include <gtest/gtest.h>

#include "relay/addressing.hpp"

namespace melder::relay {
namespace {

EnrolmentId device(Byte n) {
    return EnrolmentId(ByteArray<16>{n});
}
OfficerId officer(Byte n) {
    return OfficerId(ByteArray<16>{n});
}

class Directory final : public DeviceView {
public:
    std::map<EnrolmentId, Device> devices;
    std::optional<Device> find_device(const EnrolmentId& id) const override {
        const auto found = devices.find(id);
        if (found == devices.end()) return std::nullopt;
        return found->second;
    }
    std::vector<EnrolmentId> find_active_devices(const OfficerId& of, std::string_view app) const override {
        std::vector<EnrolmentId> out;
        for (const auto& [id, each] : devices) {
            if (each.officer == of && each.app == app && each.active) out.push_back(id);
        }
        return out;
    }
};

class Addressed : public ::testing::Test {
protected:
    Addressed() {
        directory.devices = {{device(1), {officer(1), "messenger", true}},  // the sender
                             {device(2), {officer(1), "messenger", true}},  // and a second device of the same officer
                             {device(3), {officer(2), "messenger", true}},
                             {device(4), {officer(2), "messenger", false}},  // revoked
                             {device(5), {officer(2), "radio", true}}};
    }
    Addressing check(const std::vector<EnrolmentId>& recipients, bool partial = false) {
        return check_addressing(directory, device(1), "messenger", recipients, partial);
    }
    Directory directory;
};

TEST_F(Addressed, exactly_the_present_devices_of_the_same_app_are_routable) {
    const auto right = check({device(3)});
    EXPECT_TRUE(right.routable);
    EXPECT_EQ(right.refused, (std::vector<std::optional<Errc>>{std::nullopt}));
}

TEST_F(Addressed, the_sender_need_not_write_to_the_device_it_writes_from) {
    EXPECT_TRUE(check({device(2), device(3)}).routable);
}

TEST_F(Addressed, another_app_is_another_world) {
    const auto other = check({device(5)});
    EXPECT_FALSE(other.routable);
    EXPECT_EQ(other.refused[0], Errc::unknown_device);
}

TEST_F(Addressed, one_stale_device_stops_the_whole_upload_and_names_the_present_ones) {
    const auto stale = check({device(2), device(3), device(4)});
    EXPECT_FALSE(stale.routable);
    for (const auto& refused : stale.refused)
        EXPECT_EQ(refused, Errc::mismatched_devices);
    ASSERT_EQ(stale.mismatched.size(), 1u);
    EXPECT_EQ(stale.mismatched[0].officer, officer(2));
    EXPECT_EQ(stale.mismatched[0].devices, std::vector<EnrolmentId>{device(3)});
}

TEST_F(Addressed, a_missing_device_is_a_mismatch_too) {
    directory.devices[device(6)] = {officer(2), "messenger", true};
    EXPECT_FALSE(check({device(3)}).routable);
    EXPECT_TRUE(check({device(3), device(6)}).routable);
}

TEST_F(Addressed, a_partial_upload_reaches_whoever_it_can) {
    const auto partial = check({device(3), device(4), device(9)}, true);
    EXPECT_TRUE(partial.routable);
    EXPECT_TRUE(partial.mismatched.empty());
    EXPECT_EQ(partial.refused,
              (std::vector<std::optional<Errc>>{std::nullopt, Errc::device_revoked, Errc::unknown_device}));
}

}  // namespace
}  // namespace melder::relay
