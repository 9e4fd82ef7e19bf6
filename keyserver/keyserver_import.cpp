// Units and officers as administrators enter them: at once, or staged in parts and committed together.

#include "keyserver/keyserver.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

std::string joined(const wire::Unit& unit) {
    std::string path;
    for (const auto& id : unit.path())
        path += "/" + id;
    return path;
}

bool may_write(const server::Peer& peer) {
    return std::ranges::find(peer.rights, Right::directory) != peer.rights.end();
}

bool has_names(const wire::StageDirectory& part) {
    return part.units_size() + part.officers_size() + part.removed_units_size() + part.removed_officers_size() > 0;
}

}  // namespace

Result<void> Keyserver::draft_unit(server::DirectoryChange& change, const wire::Unit& unit) const {
    MELDER_CHECK(UnitPath::from({unit.path().begin(), unit.path().end()}));
    if (unit.path_size() == 0 || unit.name().empty() || unit.name().size() > limits::display_name_bytes) {
        return Errc::bad_argument;
    }
    const auto key = config_.directory_key.lookup("unit", joined(unit));
    change.units.push_back(
        {key, config_.directory_key.seal("unit", key.view(), view(unit.SerializeAsString()), random_)});
    return ok();
}

Result<void> Keyserver::draft_officer(server::DirectoryChange& change, const wire::Officer& officer) const {
    MELDER_TRY(const auto id, OfficerId::from(std::string_view(officer.officer_id())));
    MELDER_CHECK(UnitPath::from({officer.unit().begin(), officer.unit().end()}));
    if (officer.display_name().empty() || officer.display_name().size() > limits::display_name_bytes ||
        officer.service_number().size() > limits::service_number_bytes) {
        return Errc::bad_argument;
    }
    change.officers.push_back(
        {id, config_.directory_key.seal("officer", id.view(), view(officer.SerializeAsString()), random_)});
    if (!officer.service_number().empty()) {
        change.numbers.push_back({config_.directory_key.lookup("service-number", officer.service_number()), id});
    }
    return ok();
}

Result<void> Keyserver::put_directory(const server::Peer& peer, const wire::PutDirectory& request) {
    if (!may_write(peer)) return Errc::missing_right;
    server::DirectoryChange change;
    for (const auto& unit : request.units())
        MELDER_CHECK(draft_unit(change, unit));
    for (const auto& officer : request.officers())
        MELDER_CHECK(draft_officer(change, officer));
    ++directory_version_;
    return commit_names(std::move(change));
}

Result<void> Keyserver::draft_names(server::DirectoryChange& change, const wire::StageDirectory& request) const {
    for (const auto& unit : request.removed_units()) {
        MELDER_CHECK(UnitPath::from({unit.path().begin(), unit.path().end()}));
        change.units.push_back({config_.directory_key.lookup("unit", joined(unit)), {}});
    }
    for (const auto& officer : request.removed_officers()) {
        MELDER_TRY(const auto officer_id, OfficerId::from(std::string_view(officer.officer_id())));
        if (officer.service_number().size() > limits::service_number_bytes) return Errc::bad_argument;
        change.officers.push_back({officer_id, {}});
        if (!officer.service_number().empty()) {
            change.numbers.push_back(
                {config_.directory_key.lookup("service-number", officer.service_number()), std::nullopt});
        }
    }
    for (const auto& unit : request.units())
        MELDER_CHECK(draft_unit(change, unit));
    for (const auto& officer : request.officers())
        MELDER_CHECK(draft_officer(change, officer));
    if (change.officers.size() > limits::import_officers || change.units.size() > limits::units_listed)
        return Errc::quota_exceeded;
    return ok();
}

Result<void> Keyserver::stage_directory(const server::Peer& peer, const wire::StageDirectory& request) {
    if (!may_sign(peer.rights) || (has_names(request) && !may_write(peer))) return Errc::missing_right;
    MELDER_TRY(const auto id, to_array<16>(view(request.import_id())));
    auto& import = imports_.open(peer.admin_key, id, clock_.boot());
    const auto take = [&]() -> Result<void> {
        import.bytes += request.ByteSizeLong();
        if (import.bytes > limits::import_bytes || ++import.parts > limits::import_parts) return Errc::quota_exceeded;
        MELDER_CHECK(draft_names(import.change, request));
        return stage_documents(import, request);
    };
    auto taken = take();
    if (taken.has_error()) {
        imports_.drop(peer.admin_key);  // half a part must never be committed
        log_.warn("import_refused", {{"admin", peer.admin_key}, {"code", taken.error().code()}});
        return taken;
    }
    imports_.make_room(peer.admin_key);
    return ok();
}

Result<wire::DirectoryCommitted> Keyserver::commit_directory(const server::Peer& peer,
                                                             const wire::CommitDirectory& request) {
    MELDER_TRY(const auto id, to_array<16>(view(request.import_id())));
    auto import = imports_.take(peer.admin_key, id);
    if (!import || import->parts != request.parts()) return Errc::out_of_order;
    const bool names = !import->change.officers.empty() || !import->change.units.empty();
    if (names && request.directory_version() != directory_version_) return Errc::out_of_order;
    const auto officers = import->change.officers.size();
    auto committed = commit_import(std::move(*import));
    if (committed.has_error()) {
        log_.warn("import_refused", {{"admin", peer.admin_key}, {"code", committed.error().code()}});
        return committed;
    }
    log_.info("directory_imported", {{"admin", peer.admin_key},
                                     {"officers", officers},
                                     {"orders", committed->orders()},
                                     {"grants", committed->grants()}});
    return committed;
}

}  // namespace melder::keyserver
