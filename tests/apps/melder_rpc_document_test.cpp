// docs/JSONRPC.md and the code say the same: methods with their parameters, events with their fields.

#include <fstream>
#include <map>
#include <regex>
#include <set>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "apps/melder/rpc_bridge.hpp"
#include "apps/melder/rpc_events.hpp"

namespace melder::testing {
namespace {

namespace json = boost::json;

/// The rows of the table below a heading of the document, cell by cell.
std::vector<std::vector<std::string>> table_below(const std::string& heading) {
    std::ifstream file(MELDER_SOURCE_DIR "/docs/JSONRPC.md");
    std::vector<std::vector<std::string>> rows;
    bool here = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("## ")) here = line == "## " + heading;
        if (!here || !line.starts_with("| `")) continue;
        std::vector<std::string> cells;
        std::istringstream in(line.substr(1));
        for (std::string cell; std::getline(in, cell, '|');)
            cells.push_back(cell);
        rows.push_back(std::move(cells));
    }
    return rows;
}

/// `name` or `name`? of a cell, in order: the name and whether it may be missing.
std::vector<std::pair<std::string, bool>> names_in(const std::string& cell) {
    static const std::regex name("`([a-z_0-9]+)`(\\?)?");
    std::vector<std::pair<std::string, bool>> out;
    for (auto each = std::sregex_iterator(cell.begin(), cell.end(), name); each != std::sregex_iterator(); ++each)
        out.emplace_back((*each)[1], (*each)[2].matched);
    return out;
}

TEST(RpcDocument, lists_every_method_with_its_parameters_and_no_other) {
    std::map<std::string, std::vector<std::pair<std::string, bool>>> documented, there;
    for (const auto& row : table_below("Methods"))
        documented[names_in(row[0]).at(0).first] = names_in(row[1]);
    for (const auto& method : apps::RpcBridge::methods()) {
        auto& params = there[std::string(method.name)];
        for (const auto& param : method.params)
            params.emplace_back(param, params.size() >= method.required);
    }
    EXPECT_EQ(documented, there);
}

TEST(RpcDocument, lists_every_event_with_its_fields_and_no_other) {
    const auto text = std::make_shared<const std::vector<std::uint8_t>>(1, 'x');
    const std::vector<decltype(sdk::Event::what)> kinds = {
        sdk::TextReceived{.from = {},
                          .conversation = {},
                          .own = false,
                          .content_id = {},
                          .text = sdk::ReceivedText(text),
                          .sent_at = {},
                          .expires_at = UnixTime{1}},
        sdk::UnknownReceived{},
        sdk::SendProgress{.content_id = {}, .state = sdk::SendState::failed, .device = EnrolmentId{}},
        sdk::GapNoticed{},
        sdk::MessageLost{.from = EnrolmentId{}},
        sdk::ExpiredUnread{},
        sdk::ConnectionChanged{sdk::ConnectionState::offline, Error(Errc::network), Millis(1)},
        sdk::TrustNotice{}};
    ASSERT_EQ(kinds.size(), std::variant_size_v<decltype(sdk::Event::what)>);
    std::map<std::string, std::set<std::string>> documented, there;
    for (const auto& row : table_below("Events")) {
        // What stands in brackets explains the field before it.
        const auto fields = std::regex_replace(row[1].substr(0, row[1].find(':')), std::regex("\\([^)]*\\)"), "");
        for (const auto& [name, optional] : names_in(fields))
            documented[names_in(row[0]).at(0).first].insert(name);
    }
    for (const auto& kind : kinds) {
        const auto event = apps::rpc_event({{1}, kind});
        auto& fields = there[std::string(event.at("kind").as_string())];
        for (const auto& [name, value] : event)
            if (name != "kind" && name != "event") fields.insert(std::string(name));
    }
    EXPECT_EQ(documented, there);
}

}  // namespace
}  // namespace melder::testing
