#include "apps/melder-admin/requests.hpp"

#include <unistd.h>

#include <iostream>
#include <numeric>

#include "apps/melder-admin/ceremony.hpp"
#include "apps/melder-admin/directory.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

using wire::Frame;

constexpr std::size_t page_bytes = 80u * 1024;  // an order or grant has at most 16 KiB: a page stays below a message
constexpr int page_documents = 400;

/// Hands every page to `send`, which empties it.
template <class Page, class Add, class Send>
Result<void> in_pages(const std::vector<SignedBytes>& documents, Add add, Send send) {
    Page page;
    std::size_t bytes = 0;
    int count = 0;
    for (std::size_t i = 0; i < documents.size(); ++i) {
        auto& added = *add(page);
        added = documents[i].to_wire();
        bytes += added.ByteSizeLong();
        ++count;
        if (bytes < page_bytes && count < page_documents && i + 1 < documents.size()) continue;
        MELDER_CHECK(send(page, i + 1));
        page.Clear();
        bytes = 0;
        count = 0;
    }
    return ok();
}

Error with_hint(Errc code, const std::string& hint) {
    const auto known = refusal_hint(code);
    return {code, known.empty() ? hint : known};
}

}  // namespace

std::string refusal_hint(Errc code) {
    if (code == Errc::needs_more_signatures)
        return "--second-key FILE signs with another administrator's key here, --sign-request FILE writes a file "
               "for `melder-admin sign`";
    if (code == Errc::missing_right) return "`trust show` prints the rights of every key";
    if (code == Errc::log_invalid)
        return "the device got another order meanwhile, or the order does not fit it; make the order again";
    return {};
}

std::string_view name_of_state(wire::DeviceState state) {
    switch (state) {
        case wire::DEVICE_STATE_WAITING:
            return "waiting";
        case wire::DEVICE_STATE_ACTIVE:
            return "active";
        case wire::DEVICE_STATE_SUSPENDED:
            return "suspended";
        case wire::DEVICE_STATE_REVOKED:
            return "revoked";
        case wire::DEVICE_STATE_REPLACED:
            return "replaced";
        case wire::DEVICE_STATE_EXPIRED:
            return "expired";
        default:
            return "unknown";
    }
}

Result<EnrolmentId> parse_device(const std::string& text) {
    const auto id = EnrolmentId::from_hex(text);
    if (id.has_error()) return Error(Errc::bad_argument, "a device is 32 hex digits, as `device list` prints them");
    return id;
}

Result<void> need_right(const Session& session, Right right) {
    const auto* const admin = session.link->trust().find_admin(key_id_of(ed25519_public_of(session.key)));
    if (admin == nullptr || admin->has(right)) return ok();  // who is unknown was not let in
    return Error(Errc::missing_right, "this takes the right `" + std::string(name_of(right)) + "`; your key has " +
                                          rights_text(admin->rights) +
                                          ". Nothing was changed; `trust show` prints the rights of every key");
}

Result<void> check_reason(const std::string& reason) {
    if (reason.empty() || reason.find('\n') != std::string::npos)
        return Error(Errc::bad_argument, "--reason takes one line; it stays in your journal, the server sees a hash");
    return ok();
}

Result<wire::Officer> fetch_officer(AdminLink& link, const std::string& service_number) {
    MELDER_TRY(auto officers, fetch_officers(link, service_number));
    for (auto& officer : officers) {
        if (officer.service_number() == service_number) return std::move(officer);
    }
    return Error(Errc::not_found,
                 "no officer has the service number " + service_number + "; enter him with `directory put`");
}

Result<std::vector<wire::DeviceEntry>> fetch_devices(AdminLink& link, const std::string& officer_id) {
    std::vector<wire::DeviceEntry> out;
    std::string after;
    for (bool more = true; more;) {
        Frame request;
        request.mutable_list_devices()->set_after(after);
        request.mutable_list_devices()->set_limit(limits::list_page);
        request.mutable_list_devices()->set_officer_id(officer_id);
        MELDER_TRY(auto reply, link.ask(std::move(request), Frame::kDeviceList));
        auto& page = *reply.mutable_device_list();
        more = page.more() && page.devices_size() > 0;
        for (auto& device : *page.mutable_devices())
            out.push_back(std::move(device));
        if (more) after = out.back().enrolment_id();
    }
    return out;
}

Result<std::vector<wire::DeviceEntry>> fetch_devices_of(AdminLink& link, const std::vector<OfficerId>& officers,
                                                        std::size_t of_so_many) {
    // A page holds 100 devices and a question about one officer costs about as much as a page.
    constexpr std::size_t officers_per_page = 20;
    if (officers.size() > of_so_many / officers_per_page) return fetch_devices(link, "");
    std::vector<wire::DeviceEntry> out;
    std::vector<std::string> longer;
    MELDER_CHECK(link.ask_many(
        officers.size(),
        [&](std::size_t i) {
            Frame request;
            request.mutable_list_devices()->set_limit(limits::list_page);
            request.mutable_list_devices()->set_officer_id(officers[i].string());
            return request;
        },
        Frame::kDeviceList,
        [&](std::size_t i, const Frame& reply) -> Result<void> {
            if (reply.device_list().more()) {
                longer.push_back(officers[i].string());
            } else {
                out.insert(out.end(), reply.device_list().devices().begin(), reply.device_list().devices().end());
            }
            return ok();
        }));
    for (const auto& officer : longer) {
        MELDER_TRY(const auto devices, fetch_devices(link, officer));
        out.insert(out.end(), devices.begin(), devices.end());
    }
    return out;
}

Result<void> fetch_order_states(AdminLink& link, const std::vector<EnrolmentId>& devices, bool with_grants,
                                const std::function<Result<void>(std::size_t, const wire::TargetState&)>& use) {
    constexpr auto page = limits::order_states_per_request;
    std::vector<std::size_t> open(devices.size());
    std::iota(open.begin(), open.end(), std::size_t{0});
    while (!open.empty()) {
        std::vector<std::size_t> left;
        MELDER_CHECK(
            link.ask_many((open.size() + page - 1) / page,
                          [&](std::size_t number) {
                              Frame request;
                              auto& ask = *request.mutable_fetch_order_states();
                              ask.set_with_grants(with_grants);
                              for (auto i = number * page; i < std::min(open.size(), (number + 1) * page); ++i)
                                  ask.add_targets(devices[open[i]].string());
                              return request;
                          },
                          Frame::kOrderStates,
                          [&](std::size_t number, const Frame& reply) -> Result<void> {
                              const auto first = number * page;
                              const auto asked = std::min(open.size() - first, page);
                              const auto answered = static_cast<std::size_t>(reply.order_states().states_size());
                              if (answered == 0 || answered > asked)
                                  return Error(Errc::malformed, "the server answered something else");
                              for (std::size_t i = 0; i < answered; ++i)
                                  MELDER_CHECK(use(open[first + i], reply.order_states().states(static_cast<int>(i))));
                              left.insert(left.end(), open.begin() + static_cast<std::ptrdiff_t>(first + answered),
                                          open.begin() + static_cast<std::ptrdiff_t>(first + asked));
                              return ok();
                          }));
        open = std::move(left);
    }
    return ok();
}

Result<wire::DeviceStatus> fetch_status(AdminLink& link, const EnrolmentId& device) {
    Frame request;
    request.mutable_show_device()->set_enrolment_id(device.string());
    auto reply = link.ask(std::move(request), Frame::kDeviceStatus);
    if (reply.has_error() && reply.error() == Errc::unknown_device)
        return Error(Errc::not_found, "the server knows no device " + device.hex() + "; `device list` prints them");
    MELDER_CHECK(reply);
    return std::move(*reply->mutable_device_status());
}

Result<SignedOrder> make_order(Session& session, OrderRequest request, const Ed25519Seed* second) {
    Frame ask;
    ask.mutable_fetch_order_state()->set_target(request.target.string());
    MELDER_TRY(const auto reply, session.link->ask(std::move(ask), Frame::kOrderState));
    request.previous_counter = reply.order_state().counter();
    if (request.previous_counter > 0) {
        MELDER_TRY(request.previous, Hash::from(reply.order_state().last_sha256()));
    }
    std::vector<Ed25519Seed> keys;
    keys.push_back(session.key.clone());
    if (second != nullptr) keys.push_back(second->clone());
    auto order = sign_order(request, keys, system_random());
    MELDER_CHECK(session.home.note_order(order.order, order.reason_salt, request.reason));
    return order;
}

Result<void> put_orders(AdminLink& link, const std::vector<SignedBytes>& orders) {
    return in_pages<wire::PutOrders>(
        orders, [](wire::PutOrders& page) { return page.add_orders(); },
        [&](wire::PutOrders& page, std::size_t) -> Result<void> {
            Frame request;
            request.mutable_put_orders()->Swap(&page);
            const auto done = link.ask(std::move(request), Frame::kDone);
            if (done.has_error()) return with_hint(done.error().code(), done.error().detail());
            return ok();
        });
}

Result<void> put_grants(AdminLink& link, const std::vector<SignedBytes>& grants, const std::string& hint,
                        std::size_t* entered) {
    const bool shown = ::isatty(STDERR_FILENO) == 1 && grants.size() > 1;
    MELDER_CHECK(in_pages<wire::PutGrants>(
        grants, [](wire::PutGrants& page) { return page.add_grants(); },
        [&](wire::PutGrants& page, std::size_t done) -> Result<void> {
            Frame request;
            request.mutable_put_grants()->Swap(&page);
            MELDER_TRY(const auto reply, link.ask(std::move(request), Frame::kGrantsReply));
            for (const auto& result : reply.grants_reply().results()) {
                if (result.code() == 0) continue;
                return with_hint(is_known(result.code()) ? static_cast<Errc>(result.code()) : Errc::internal, hint);
            }
            if (entered != nullptr) *entered = done;
            if (shown) std::cerr << "\r" << done << " of " << grants.size() << " entered";
            return ok();
        }));
    if (shown) std::cerr << "\n";
    return ok();
}

}  // namespace melder::admin
