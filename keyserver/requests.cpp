#include "keyserver/requests.hpp"

namespace melder::keyserver {
namespace {

template <class T>
using Setter = T* (wire::Frame::*)();

template <class T>
std::vector<wire::Frame> reply(std::uint32_t request, Result<T> result, Setter<T> field) {
    if (result.has_error()) return {error_frame(request, result.error())};
    wire::Frame frame;
    frame.set_request(request);
    *(frame.*field)() = std::move(*result);
    return {std::move(frame)};
}

std::vector<wire::Frame> done(std::uint32_t request, const Result<void>& result) {
    wire::Frame frame;
    if (result.has_error()) return {error_frame(request, result.error())};
    frame.set_request(request);
    frame.mutable_done();
    return {std::move(frame)};
}

Result<void> take_list(Keyserver& keyserver, const wire::Signed& message) {
    MELDER_TRY(const auto document, SignedBytes::from(message));
    return keyserver.put_trust_list(document);
}

std::vector<wire::Frame> bundles(std::uint32_t request, Result<std::vector<wire::Bundles>> pages) {
    if (pages.has_error()) return {error_frame(request, pages.error())};
    std::vector<wire::Frame> frames;
    for (auto& page : *pages) {
        auto& frame = frames.emplace_back();
        frame.set_request(request);
        *frame.mutable_bundles() = std::move(page);
    }
    return frames;
}

wire::TrustListReply trust_list(const Keyserver& keyserver) {
    wire::TrustListReply out;
    *out.mutable_trust_list() = keyserver.trust()->document().to_wire();
    return out;
}

}  // namespace

wire::Frame error_frame(std::uint32_t request, const Error& error) {
    wire::Frame frame;
    frame.set_request(request);
    frame.mutable_error()->set_code(static_cast<std::uint32_t>(error.code()));
    frame.mutable_error()->set_retry_after_ms(error.retry_after_ms());
    // A detail may be a local fact (a file name): the peer gets the sentence of the code.
    frame.mutable_error()->set_detail(std::string(text_of(error.code())));
    return frame;
}

bool is_write(wire::Frame::BodyCase body) noexcept {
    switch (body) {
        case wire::Frame::kOfferTrustList:
        case wire::Frame::kPutGrants:
        case wire::Frame::kPutOrders:
        case wire::Frame::kPutDirectory:
        case wire::Frame::kStageDirectory:
        case wire::Frame::kCommitDirectory:
        case wire::Frame::kPutTrustList:
        case wire::Frame::kUploadReceipt:
            return true;
        default:
            return false;
    }
}

std::vector<wire::Frame> answer(Keyserver& keyserver, const server::Peer& peer, const wire::Frame& request) {
    using wire::Frame;
    const auto number = request.request();
    switch (request.body_case()) {
        case Frame::kOfferTrustList:
            return done(number, take_list(keyserver, request.offer_trust_list().trust_list()));
        case Frame::kPutTrustList:
            return done(number, take_list(keyserver, request.put_trust_list().trust_list()));
        case Frame::kPutGrants:
            return reply(number, keyserver.put_grants(peer, request.put_grants()), &Frame::mutable_grants_reply);
        case Frame::kPutOrders:
            return done(number, keyserver.put_orders(peer, request.put_orders()));
        case Frame::kPutDirectory:
            return done(number, keyserver.put_directory(peer, request.put_directory()));
        case Frame::kStageDirectory:
            return done(number, keyserver.stage_directory(peer, request.stage_directory()));
        case Frame::kCommitDirectory:
            return reply(number, keyserver.commit_directory(peer, request.commit_directory()),
                         &Frame::mutable_directory_committed);
        case Frame::kUploadReceipt:
            return done(number, keyserver.upload_receipt(peer, request.upload_receipt()));
        case Frame::kUploadPrekeys:
            return done(number, keyserver.upload_prekeys(peer, request.upload_prekeys()));
        case Frame::kTakeBundles:
            return bundles(number, keyserver.take_bundles(peer, request.take_bundles()));
        case Frame::kCheckPrekeys:
            return reply(number, keyserver.check_prekeys(peer), &Frame::mutable_prekey_digest);
        case Frame::kLookUp:
            return reply(number, keyserver.look_up(peer, request.look_up()), &Frame::mutable_devices);
        case Frame::kSearchOfficers:
            return reply(number, keyserver.search_officers(peer, request.search_officers()),
                         &Frame::mutable_officers_found);
        case Frame::kFetchTrustList:
            return reply(number, Result<wire::TrustListReply>(trust_list(keyserver)), &Frame::mutable_trust_list);
        case Frame::kFetchLog:
            return reply(number, keyserver.fetch_log(request.fetch_log()), &Frame::mutable_log_page);
        case Frame::kFetchStatement:
            return reply(number, keyserver.fetch_statement(request.fetch_statement()), &Frame::mutable_statement);
        case Frame::kFetchOwnGrant:
            return reply(number, keyserver.fetch_own_grant(peer), &Frame::mutable_own_grant);
        case Frame::kFetchGrant:
            return reply(number, keyserver.fetch_grant(peer, request.fetch_grant()), &Frame::mutable_grant);
        case Frame::kListDevices:
            return reply(number, keyserver.list_devices(request.list_devices()), &Frame::mutable_device_list);
        case Frame::kShowDevice:
            return reply(number, keyserver.show_device(request.show_device()), &Frame::mutable_device_status);
        case Frame::kFindOfficers:
            return reply(number, keyserver.find_officers(request.find_officers()), &Frame::mutable_officer_list);
        case Frame::kStatus:
            return reply(number, keyserver.status(), &Frame::mutable_status_reply);
        case Frame::kFetchOrderState:
            return reply(number, keyserver.fetch_order_state(request.fetch_order_state()), &Frame::mutable_order_state);
        case Frame::kFetchOrderStates:
            return reply(number, keyserver.fetch_order_states(peer, request.fetch_order_states()),
                         &Frame::mutable_order_states);
        case Frame::kListUnits:
            return reply(number, keyserver.list_units(request.list_units()), &Frame::mutable_unit_list);
        default:
            return {error_frame(number, Errc::unsupported)};
    }
}

}  // namespace melder::keyserver
