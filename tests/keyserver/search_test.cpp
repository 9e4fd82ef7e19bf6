// SearchOfficers at the keyserver: names out of sealed rows, kept current, and only officers one can write to.

#include "tests/keyserver/police_force.hpp"

namespace melder::keyserver::testing {
namespace {

using Officers = std::vector<OfficerId>;

class SearchAtTheServer : public PoliceForce {
protected:
    void SetUp() override {
        put_unit({"LKA"}, "Landeskriminalamt");
        put_officer(meier_, "Anna Meier", "4711", {"LKA", "K5"});
        put_officer(schulz_, "Bela Müller", "4712", {"LKA"});
        meiers_ = enrolled(meier_);
        schulzes_ = enrolled(schulz_);
    }
    void put_officer(const OfficerId& id, const std::string& name, const std::string& number,
                     const std::vector<std::string>& unit) {
        wire::PutDirectory put;
        describe(*put.add_officers(), id, name, number, unit);
        ASSERT_TRUE(keyserver_->put_directory(admin(chief_), put).has_value());
    }
    void put_unit(const std::vector<std::string>& path, const std::string& name) {
        wire::PutDirectory put;
        auto& unit = *put.add_units();
        *unit.mutable_path() = {path.begin(), path.end()};
        unit.set_name(name);
        ASSERT_TRUE(keyserver_->put_directory(admin(chief_), put).has_value());
    }
    static void describe(wire::Officer& officer, const OfficerId& id, const std::string& name,
                         const std::string& number, const std::vector<std::string>& unit) {
        officer.set_officer_id(id.string());
        officer.set_display_name(name);
        officer.set_service_number(number);
        *officer.mutable_unit() = {unit.begin(), unit.end()};
    }
    [[nodiscard]] Result<wire::OfficersFound> search(const server::Peer& peer, const std::string& text,
                                                     const std::string& after = "", std::uint32_t limit = 0) {
        wire::SearchOfficers request;
        request.set_text(text);
        request.set_after(after);
        request.set_limit(limit);
        return keyserver_->search_officers(peer, request);
    }
    /// Whom the server named, by verified credentials.
    [[nodiscard]] Officers officers_of(const Result<wire::OfficersFound>& reply) {
        EXPECT_TRUE(reply.has_value()) << reply.error();
        Officers out;
        for (const auto& credential : reply->credentials()) {
            const auto verified = Credential::verify(credential, *keyserver_->trust());
            EXPECT_TRUE(verified.has_value()) << verified.error();
            out.push_back(verified->officer());
        }
        return out;
    }
    [[nodiscard]] Officers found(const std::string& text) {
        clock_.advance(Millis(limits::searches_interval));
        return officers_of(search(peer_of(meiers_), text));
    }

    Phone meiers_, schulzes_;
};

TEST_F(SearchAtTheServer, names_numbers_and_units_find_the_officers_certified_devices) {
    EXPECT_EQ(found("mueller"), Officers{schulz_});
    EXPECT_EQ(found("4711"), Officers{meier_});
    EXPECT_EQ(found("k5"), Officers{meier_});
    EXPECT_EQ(found("landes"), (Officers{meier_, schulz_}));
    EXPECT_EQ(found("niemand"), Officers{});
}

TEST_F(SearchAtTheServer, a_start_reads_the_names_out_of_the_sealed_rows) {
    start();
    EXPECT_EQ(found("mueller"), Officers{schulz_});
    EXPECT_EQ(found("landes"), (Officers{meier_, schulz_}));
}

TEST_F(SearchAtTheServer, a_change_is_found_at_once_and_what_was_is_not) {
    EXPECT_EQ(found("mueller"), Officers{schulz_});
    put_officer(schulz_, "Bela Okafor", "4712", {"PD"});
    EXPECT_EQ(found("mueller"), Officers{});
    EXPECT_EQ(found("oka"), Officers{schulz_});
    EXPECT_EQ(found("landes"), Officers{meier_});
    put_unit({"PD"}, "Polizeidirektion");
    EXPECT_EQ(found("polizeidir"), Officers{schulz_});
}

TEST_F(SearchAtTheServer, an_import_changes_the_search_when_it_is_committed) {
    wire::StageDirectory part;
    part.set_import_id(std::string(16, 'i'));
    describe(*part.add_officers(), meier_, "Anna Winter", "4711", {"LKA"});
    describe(*part.add_removed_officers(), schulz_, "", "4712", {});
    part.add_removed_units()->add_path("LKA");
    ASSERT_TRUE(keyserver_->stage_directory(admin(chief_), part).has_value());
    EXPECT_EQ(found("mueller"), Officers{schulz_});
    wire::CommitDirectory commit;
    commit.set_import_id(std::string(16, 'i'));
    commit.set_parts(1);
    commit.set_directory_version(keyserver_->status()->directory_version());
    ASSERT_TRUE(keyserver_->commit_directory(admin(chief_), commit).has_value());
    EXPECT_EQ(found("winter"), Officers{meier_});
    EXPECT_EQ(found("mueller"), Officers{});
    EXPECT_EQ(found("landes"), Officers{}) << "the unit's name is gone";
    EXPECT_EQ(found("lka"), Officers{meier_}) << "its id stands in her path";
}

TEST_F(SearchAtTheServer, who_has_no_active_device_of_the_askers_app_is_not_found) {
    put_officer(random_.id<OfficerId>(), "Carla Meier", "4713", {"LKA"});
    EXPECT_EQ(found("meier"), Officers{meier_});
    auto peer = peer_of(meiers_);
    peer.app = "scanner";
    EXPECT_EQ(officers_of(search(peer, "meier")), Officers{});
    ASSERT_EQ(put_orders({order(OrderKind::suspend, schulzes_.id, {&chief_})}), Errc{});
    EXPECT_EQ(found("bela"), Officers{});
}

TEST_F(SearchAtTheServer, pages_lead_on_by_what_the_reply_names) {
    const auto peer = peer_of(meiers_);
    const auto first = search(peer, "lka", "", 1);
    EXPECT_EQ(officers_of(first), Officers{meier_});
    EXPECT_EQ(first->next(), meier_.string());
    const auto second = search(peer, "lka", first->next(), 1);
    EXPECT_EQ(officers_of(second), Officers{schulz_});
    EXPECT_TRUE(second->next().empty());
    EXPECT_EQ(search(peer, "lka", random_.id<OfficerId>().string()).error(), Errc::out_of_order);
    EXPECT_EQ(search(peer, "lka", "short").error(), Errc::malformed);
    EXPECT_EQ(search(peer, " ").error(), Errc::bad_argument);
}

TEST_F(SearchAtTheServer, a_page_has_no_more_than_its_officers_however_many_are_asked_for) {
    for (std::size_t i = 0; i < limits::search_page + 3; ++i) {
        const auto id = random_.id<OfficerId>();
        put_officer(id, "Zoe Zander", "9" + std::to_string(i), {"LKA"});
        (void)enrolled(id);
        clock_.advance(std::chrono::hours(2));  // an administrator's key signs 50 grants an hour
    }
    const auto reply = search(peer_of(meiers_), "zander", "", 1000);
    EXPECT_EQ(officers_of(reply).size(), limits::search_page);
    EXPECT_EQ(officers_of(search(peer_of(meiers_), "zander", reply->next())).size(), 3u);
}

TEST_F(SearchAtTheServer, a_device_that_searches_too_often_is_told_how_long_to_wait) {
    const auto peer = peer_of(meiers_);
    for (std::uint32_t i = 0; i < limits::searches_burst; ++i)
        ASSERT_TRUE(search(peer, "meier").has_value());
    const auto refused = search(peer, "meier");
    ASSERT_TRUE(refused.has_error());
    EXPECT_EQ(refused.error(), Errc::busy);
    EXPECT_EQ(Millis(refused.error().retry_after_ms()), Millis(limits::searches_interval));
    EXPECT_TRUE(search(peer_of(schulzes_), "meier").has_value());
    clock_.advance(Millis(limits::searches_interval));
    EXPECT_TRUE(search(peer, "meier").has_value());
}

TEST_F(SearchAtTheServer, what_a_failed_change_left_behind_is_looked_up_in_the_store) {
    // Written by somebody else meanwhile, as after a commit whose outcome stayed unknown.
    DirectoryKey key(master_);
    wire::Officer officer;
    describe(officer, schulz_, "Bela Okafor", "4712", {"LKA"});
    server::DirectoryChange change;
    change.officers.push_back(
        {schulz_, key.seal("officer", schulz_.view(), view(officer.SerializeAsString()), random_)});
    store_->commit(std::move(change), inline_executor, [](const auto&) {});
    EXPECT_EQ(found("okafor"), Officers{});
    const auto head = std::exchange(rows_.at("a"), "unreadable");
    EXPECT_TRUE(keyserver_->put_directory(admin(chief_), {}).has_error());
    rows_.at("a") = head;
    EXPECT_EQ(found("okafor"), Officers{schulz_});
}

}  // namespace
}  // namespace melder::keyserver::testing
