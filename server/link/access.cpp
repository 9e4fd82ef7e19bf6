#include "server/link/access.hpp"

namespace melder::server {
namespace {

/// DESIGN §2: trust list, log entries, orders addressed to it, a new grant version, receipt upload. Nothing else.
bool restricted_may_send(wire::Frame::BodyCase body) noexcept {
    switch (body) {
        case wire::Frame::kFetchTrustList:
        case wire::Frame::kFetchLog:
        case wire::Frame::kFetchStatement:
        case wire::Frame::kFetchOwnGrant:
        case wire::Frame::kUploadReceipt:
        case wire::Frame::kOfferTrustList:
            return true;
        default:
            return false;
    }
}

bool device_may_send(wire::Frame::BodyCase body) noexcept {
    switch (body) {
        case wire::Frame::kSubmit:
        case wire::Frame::kSubmitMore:
        case wire::Frame::kAck:
        case wire::Frame::kReceived:
        case wire::Frame::kDefer:
        case wire::Frame::kRefuse:
        case wire::Frame::kRetry:
        case wire::Frame::kPause:
        case wire::Frame::kResume:
        case wire::Frame::kFetchHeld:
        case wire::Frame::kRecall:
        case wire::Frame::kSetPushToken:
        case wire::Frame::kUploadPrekeys:
        case wire::Frame::kTakeBundles:
        case wire::Frame::kCheckPrekeys:
        case wire::Frame::kLookUp:
        case wire::Frame::kSearchOfficers:
            return true;
        default:
            return restricted_may_send(body);
    }
}

bool admin_may_send(wire::Frame::BodyCase body) noexcept {
    switch (body) {
        case wire::Frame::kFetchTrustList:
        case wire::Frame::kFetchLog:
        case wire::Frame::kFetchStatement:
        case wire::Frame::kOfferTrustList:
        case wire::Frame::kPutGrants:
        case wire::Frame::kPutOrders:
        case wire::Frame::kPutDirectory:
        case wire::Frame::kStageDirectory:
        case wire::Frame::kCommitDirectory:
        case wire::Frame::kListAside:
        case wire::Frame::kReleaseAside:
        case wire::Frame::kPutTrustList:
        case wire::Frame::kListDevices:
        case wire::Frame::kShowDevice:
        case wire::Frame::kFindOfficers:
        case wire::Frame::kStatus:
        case wire::Frame::kFetchOrderState:
        case wire::Frame::kFetchOrderStates:
        case wire::Frame::kFetchGrant:
        case wire::Frame::kListUnits:
            return true;
        default:
            return false;
    }
}

}  // namespace

bool may_send(Peer::Kind kind, wire::Frame::BodyCase body) noexcept {
    switch (kind) {
        case Peer::Kind::device:
            return device_may_send(body);
        case Peer::Kind::restricted:
            return restricted_may_send(body);
        case Peer::Kind::admin:
            return admin_may_send(body);
    }
    return false;
}

}  // namespace melder::server
