#pragma once
// What two officers read to each other, to see that nobody put keys of his own between them.
//
//     const auto number = wait(account->safety_number(officer));
//     show(number->groups());                     // 60 digits, in twelve groups of five
//     for (const auto& device : number->theirs)   // and what it covers: have them counted as well
//         show(device.display_name, device.device);
//
// It covers all devices of both officers: the officer ids, and the identity key of each device that is in service in
// this app, the own ones included. So it is the same on each device of either officer, and another one once a device is
// added, replaced or taken out of service; then it is compared anew. PROTOCOL.md, "Safety number", has the formula.
//
// Equal numbers prove that both devices hold the same keys for both officers: what one writes is encrypted for devices
// that the other sees among his own. Not covered, and to be asked in the same breath, is whether each of these devices
// is really in the officer's hands: a device that an administrator certified for somebody else appears in both lists.
// Hence the count. Different numbers mean that the server shows the two of them different devices, or that one of
// them has not yet heard of a change of the last seconds: compare once more, then tell an administrator.

#include <string>
#include <vector>

#include "melder/message.hpp"

namespace melder::sdk {

struct SafetyNumber {
    OfficerId officer;   ///< the other one
    std::string digits;  ///< 60, the same on both sides
    std::vector<PeerDevice> own;
    std::vector<PeerDevice> theirs;

    /// "12345 67890 …"
    [[nodiscard]] std::string groups() const {
        std::string out;
        for (std::size_t at = 0; at < digits.size(); at += 5)
            out += (at == 0 ? "" : " ") + digits.substr(at, 5);
        return out;
    }
    /// For a QR code: equal texts are equal numbers.
    [[nodiscard]] std::string scannable() const { return "MLDSN1-" + digits; }
};

}  // namespace melder::sdk
