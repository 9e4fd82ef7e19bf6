#pragma once
// Questions that several commands ask the server.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "apps/melder-admin/commands.hpp"

namespace melder::admin {

[[nodiscard]] std::string_view name_of_state(wire::DeviceState state);
/// "a device is 32 hex digits": `bad_argument`.
[[nodiscard]] Result<EnrolmentId> parse_device(const std::string& text);
/// `missing_right` that names it and those that the key has. The server judges by itself; this only says it better.
[[nodiscard]] Result<void> need_right(const Session& session, Right right);
/// One line, not empty: `bad_argument`.
[[nodiscard]] Result<void> check_reason(const std::string& reason);
/// The officer with exactly this service number; `not_found` says how to enter him.
[[nodiscard]] Result<wire::Officer> fetch_officer(AdminLink& link, const std::string& service_number);
/// Every device, or those of one officer.
[[nodiscard]] Result<std::vector<wire::DeviceEntry>> fetch_devices(AdminLink& link, const std::string& officer_id);
/// Those of these officers, of whom there are `of_so_many` in all; perhaps others' as well.
[[nodiscard]] Result<std::vector<wire::DeviceEntry>> fetch_devices_of(AdminLink& link,
                                                                      const std::vector<OfficerId>& officers,
                                                                      std::size_t of_so_many);
/// What the next order, and with `with_grants` the next grant version, of each device starts from; `use` gets its place
/// in `devices`. In pages.
[[nodiscard]] Result<void> fetch_order_states(
    AdminLink& link, const std::vector<EnrolmentId>& devices, bool with_grants,
    const std::function<Result<void>(std::size_t, const wire::TargetState&)>& use);
/// What to do about a refusal of orders or grants; empty if the code says it all.
[[nodiscard]] std::string refusal_hint(Errc code);
/// `unknown_device` with a sentence.
[[nodiscard]] Result<wire::DeviceStatus> fetch_status(AdminLink& link, const EnrolmentId& device);

/// Fills in what the log says about the target, signs with the session's key and `second` if it is there, and notes the
/// reason in the journal. Nothing is sent.
[[nodiscard]] Result<SignedOrder> make_order(Session& session, OrderRequest request, const Ed25519Seed* second);
/// Page by page; the orders of one page take effect together.
[[nodiscard]] Result<void> put_orders(AdminLink& link, const std::vector<SignedBytes>& orders);
/// Page by page, with progress on a terminal. `hint` is added to what the server refuses; `entered` counts those that
/// are in, also after an error (less those of a page whose answer was lost: then it is not told).
[[nodiscard]] Result<void> put_grants(AdminLink& link, const std::vector<SignedBytes>& grants, const std::string& hint,
                                      std::size_t* entered = nullptr);

}  // namespace melder::admin
