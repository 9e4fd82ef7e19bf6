// SearchOfficers: officers whom the asking device could write to, each by the certificate of one of his devices.

#include "keyserver/keyserver.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {

Result<wire::OfficersFound> Keyserver::search_officers(const server::Peer& peer, const wire::SearchOfficers& request) {
    {
        const std::scoped_lock lock(search_limiter_mutex_);
        const auto wait = search_limiter_.on_search(peer.device, clock_.boot());
        if (wait > Millis(0)) return Error(Errc::busy, static_cast<std::uint32_t>(wait.count()));
    }
    std::optional<OfficerId> after;
    if (!request.after().empty()) {
        MELDER_TRY(after, OfficerId::from(std::string_view(request.after())));
    }
    const auto limit =
        request.limit() == 0 ? limits::search_page : std::min<std::size_t>(request.limit(), limits::search_page);
    const auto now = clock_.wall();
    const auto device_of = [&](const OfficerId& officer) -> std::optional<EnrolmentId> {
        const auto devices = view_.active_devices(officer, peer.app, now);
        return devices.empty() ? std::nullopt : std::optional(devices.front());
    };
    MELDER_TRY(const auto page, names_.search()->find(request.text(), after, limit, [&](const OfficerId& officer) {
        return device_of(officer).has_value();
    }));

    wire::OfficersFound reply;
    std::size_t bytes = 0;
    bool more = page.more;
    OfficerId last;
    for (const auto& officer : page.officers) {
        const auto device = device_of(officer);
        if (!device) continue;  // since a moment ago
        MELDER_TRY(const auto row, load_device(*device));
        MELDER_TRY(auto credential, credential_of(row));
        bytes += credential.ByteSizeLong();
        if (bytes > limits::search_page_bytes && reply.credentials_size() > 0) {
            more = true;
            break;
        }
        *reply.add_credentials() = std::move(credential);
        last = officer;
    }
    if (more) reply.set_next(last.string());
    return reply;
}

Result<void> Keyserver::commit_names(server::DirectoryChange change) {
    MELDER_TRY(auto names, names_.open(change.officers, change.units));
    const auto committed = commit_change(std::move(change));
    if (committed.has_error()) {
        // Perhaps it was written all the same: only the store knows.
        if (names_.load(store_).has_error()) log_.warn("directory_names_not_read", {});
        return committed.error();
    }
    names_.apply(std::move(names));
    return ok();
}

}  // namespace melder::keyserver
