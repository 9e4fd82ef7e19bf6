#pragma once
// What one core's keyserver counts. Written by its loop, read from anywhere.

#include <array>
#include <chrono>
#include <string_view>
#include <vector>

#include "proto/link.pb.h"
#include "server/counter.hpp"

namespace melder::keyserver {

/// The label of a request in metrics: its name in proto/link.proto. Anything newer than this table is "other".
struct RequestKind {
    wire::Frame::BodyCase body;
    std::string_view name;
};
inline constexpr RequestKind request_kinds[] = {
    {wire::Frame::kUploadPrekeys, "upload_prekeys"},
    {wire::Frame::kTakeBundles, "take_bundles"},
    {wire::Frame::kCheckPrekeys, "check_prekeys"},
    {wire::Frame::kLookUp, "look_up"},
    {wire::Frame::kFetchTrustList, "fetch_trust_list"},
    {wire::Frame::kFetchLog, "fetch_log"},
    {wire::Frame::kFetchStatement, "fetch_statement"},
    {wire::Frame::kFetchOwnGrant, "fetch_own_grant"},
    {wire::Frame::kUploadReceipt, "upload_receipt"},
    {wire::Frame::kSearchOfficers, "search_officers"},
    {wire::Frame::kPutGrants, "put_grants"},
    {wire::Frame::kPutOrders, "put_orders"},
    {wire::Frame::kPutDirectory, "put_directory"},
    {wire::Frame::kStageDirectory, "stage_directory"},
    {wire::Frame::kCommitDirectory, "commit_directory"},
    {wire::Frame::kPutTrustList, "put_trust_list"},
    {wire::Frame::kOfferTrustList, "offer_trust_list"},
    {wire::Frame::kListDevices, "list_devices"},
    {wire::Frame::kShowDevice, "show_device"},
    {wire::Frame::kFindOfficers, "find_officers"},
    {wire::Frame::kListUnits, "list_units"},
    {wire::Frame::kStatus, "status"},
    {wire::Frame::kFetchOrderState, "fetch_order_state"},
    {wire::Frame::kFetchOrderStates, "fetch_order_states"},
    {wire::Frame::kFetchGrant, "fetch_grant"},
    {wire::Frame::BODY_NOT_SET, "other"},
};

/// What is noted of a request when it goes to a lane.
struct RequestMark {
    explicit RequestMark(const wire::Frame& request)
        : body(request.body_case()), orders(static_cast<std::uint32_t>(request.put_orders().orders_size())) {}
    wire::Frame::BodyCase body;
    std::uint32_t orders;
    std::chrono::steady_clock::time_point since = std::chrono::steady_clock::now();
};

struct KeyserverCounters {
    std::array<server::Counter, std::size(request_kinds)> requests;
    server::CodeCounters refusals;  ///< requests, and single devices or grants in them
    server::LatencyHistogram request;
    server::Counter one_time_taken;  ///< bundles with a one-time prekey
    server::Counter signed_only;     ///< bundles without
    server::Counter grants, orders;  ///< accepted

    void count(const RequestMark& mark, const std::vector<wire::Frame>& replies);
};

}  // namespace melder::keyserver
