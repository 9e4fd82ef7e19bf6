#include "apps/melder-admin/directory.hpp"

#include "core/limits.hpp"

namespace melder::admin {

using wire::Frame;

namespace {

Result<KnownOfficer> known_from(const wire::Officer& officer) {
    KnownOfficer out;
    MELDER_TRY(out.id, OfficerId::from(officer.officer_id()));
    out.officer.service_number = officer.service_number();
    out.officer.display_name = officer.display_name();
    MELDER_TRY(out.officer.unit, UnitPath::from({officer.unit().begin(), officer.unit().end()}));
    for (const int role : officer.roles())
        out.officer.roles.push_back(static_cast<Role>(role));
    if (officer.absent_since_s() != 0)
        out.absent_since = UnixTime::from_seconds(static_cast<std::int64_t>(officer.absent_since_s()));
    return out;
}

}  // namespace

Result<std::vector<wire::Officer>> fetch_officers(AdminLink& link, const std::string& prefix) {
    std::vector<wire::Officer> officers;
    std::string after;
    for (bool more = true; more;) {
        Frame request;
        request.mutable_find_officers()->set_prefix(prefix);
        request.mutable_find_officers()->set_after(after);
        request.mutable_find_officers()->set_limit(limits::list_page);
        MELDER_TRY(auto reply, link.ask(std::move(request), Frame::kOfficerList));
        auto& page = *reply.mutable_officer_list();
        more = page.more() && page.officers_size() > 0;
        for (auto& officer : *page.mutable_officers())
            officers.push_back(std::move(officer));
        if (more) after = officers.back().officer_id();
    }
    return officers;
}

Result<FetchedDirectory> fetch_directory(AdminLink& link) {
    FetchedDirectory out;
    Frame ask;
    ask.mutable_status();
    MELDER_TRY(const auto status, link.ask(std::move(ask), Frame::kStatusReply));
    out.version = status.status_reply().directory_version();
    for (bool more = true; more;) {
        Frame request;
        request.mutable_list_units()->set_skip(static_cast<std::uint32_t>(out.force.units.size()));
        MELDER_TRY(const auto reply, link.ask(std::move(request), Frame::kUnitList));
        const auto& page = reply.unit_list();
        more = page.more() && page.units_size() > 0;
        for (const auto& unit : page.units()) {
            MELDER_TRY(auto path, UnitPath::from({unit.path().begin(), unit.path().end()}));
            out.force.units.push_back({std::move(path), unit.name()});
        }
    }
    MELDER_TRY(const auto officers, fetch_officers(link, ""));
    for (const auto& officer : officers) {
        MELDER_TRY(auto known, known_from(officer));
        out.force.officers.push_back(std::move(known));
    }
    return out;
}

}  // namespace melder::admin
