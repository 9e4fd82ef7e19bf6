#include "apps/melder-admin/directory.hpp"

#include <map>

#include "apps/melder-admin/commands.hpp"
#include "apps/melder-admin/files.hpp"
#include "apps/melder-admin/force_file.hpp"
#include "core/limits.hpp"

namespace melder::admin {

using wire::Frame;

namespace {

constexpr int entries_per_put = 100;  // of about 600 bytes at most: a page stays below a message

Result<void> put_page(AdminLink& link, wire::PutDirectory& page) {
    Frame request;
    request.mutable_put_directory()->Swap(&page);
    page.Clear();
    MELDER_CHECK(link.ask(std::move(request), Frame::kDone));
    return ok();
}

void add(wire::PutDirectory& page, const ForceUnit& unit) {
    auto& out = *page.add_units();
    for (const auto& id : unit.path.ids())
        out.add_path(id);
    out.set_name(unit.name);
}

void add(wire::PutDirectory& page, const ForceOfficer& officer, const OfficerId& id) {
    auto& out = *page.add_officers();
    out.set_officer_id(id.string());
    out.set_display_name(officer.display_name);
    out.set_service_number(officer.service_number);
    for (const auto& unit : officer.unit.ids())
        out.add_unit(unit);
    for (const auto role : officer.roles)
        out.add_roles(static_cast<wire::Role>(role));
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

Result<void> put_directory(Session& session, const std::string& file, std::ostream& out) {
    MELDER_TRY(const auto bytes, read_file(file));
    const auto force = Force::parse(as_chars(bytes.expose()));
    if (force.has_error()) return Error(force.error().code(), file + ", " + force.error().detail());
    // An officer keeps his id when the file is put again.
    MELDER_TRY(const auto known, fetch_officers(*session.link, ""));
    std::map<std::string, OfficerId> ids;
    for (const auto& officer : known) {
        MELDER_TRY(const auto id, OfficerId::from(officer.officer_id()));
        ids.emplace(officer.service_number(), id);
    }
    wire::PutDirectory page;
    for (const auto& unit : force->units) {
        add(page, unit);
        if (page.units_size() == entries_per_put) MELDER_CHECK(put_page(*session.link, page));
    }
    if (page.units_size() > 0) MELDER_CHECK(put_page(*session.link, page));
    for (const auto& officer : force->officers) {
        const auto found = ids.find(officer.service_number);
        add(page, officer, found == ids.end() ? system_random().id<OfficerId>() : found->second);
        if (page.officers_size() == entries_per_put) MELDER_CHECK(put_page(*session.link, page));
    }
    if (page.officers_size() > 0) MELDER_CHECK(put_page(*session.link, page));
    out << force->units.size() << " units and " << force->officers.size() << " officers are in the directory\n";
    return ok();
}

}  // namespace melder::admin
