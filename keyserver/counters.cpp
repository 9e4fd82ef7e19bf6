#include "keyserver/counters.hpp"

#include <algorithm>
#include <iterator>

namespace melder::keyserver {
namespace {

/// Of single results in a reply; 0 is no refusal.
void count_code(server::CodeCounters& refusals, std::uint32_t code) {
    if (code != 0) refusals.add(is_known(code) ? static_cast<Errc>(code) : Errc::internal);
}

}  // namespace

void KeyserverCounters::count(const RequestMark& mark, const std::vector<wire::Frame>& replies) {
    const auto* const last = std::prev(std::end(request_kinds));
    const auto* const kind =
        std::find_if(std::begin(request_kinds), last, [&](const RequestKind& each) { return each.body == mark.body; });
    requests[static_cast<std::size_t>(kind - std::begin(request_kinds))].add();
    request.observe(std::chrono::steady_clock::now() - mark.since);
    for (const auto& reply : replies) {
        if (reply.has_error()) count_code(refusals, reply.error().code());
        if (reply.has_done()) orders.add(mark.orders);
        orders.add(reply.directory_committed().orders());
        grants.add(reply.directory_committed().grants());
        for (const auto& result : reply.bundles().results()) {
            count_code(refusals, result.code());
            if (result.has_bundle()) (result.bundle().has_one_time() ? one_time_taken : signed_only).add();
        }
        const auto& results = reply.grants_reply().results();
        for (const auto& result : results)
            count_code(refusals, result.code());
        // All or nothing.
        if (std::ranges::all_of(results, [](const auto& result) { return result.code() == 0; }))
            grants.add(static_cast<std::uint64_t>(results.size()));
    }
}

}  // namespace melder::keyserver
