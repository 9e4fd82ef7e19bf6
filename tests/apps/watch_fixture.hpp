#pragma once
// A force whose server is a process that is watched: scrapes, health, and what a running server is given to reload.

#include <algorithm>
#include <fstream>

#include <gtest/gtest.h>
#include <boost/json.hpp>

#include "server/link/tls_identity.hpp"
#include "tests/apps/scrape.hpp"
#include "tests/apps/watched_server.hpp"
#include "tests/end_to_end/world.hpp"

namespace melder::testing {

namespace fs = std::filesystem;
namespace json = boost::json;

class MelderWatch : public ::testing::Test {
protected:
    MelderWatch() : server(world.directory()) { replace_in_config("[watch]\nlisten = \"\"", watch); }

    void replace_in_config(const std::string& from, const std::string& to) {
        auto text = read_file(config_file());
        const auto at = text.find(from);
        ASSERT_NE(at, std::string::npos) << from;
        text.replace(at, from.size(), to);
        std::ofstream(config_file()) << text;
    }
    [[nodiscard]] fs::path config_file() const { return world.directory() / "melder.toml"; }
    [[nodiscard]] fs::path key(const std::string& name) const { return world.directory() / "keys" / name; }
    void start(bool restored = false) {
        ASSERT_TRUE(server.start(restored)) << server.log();
        world.use_port(server.port());
    }
    [[nodiscard]] Scrape scrape() const {
        const auto reply = server.get("/metrics");
        EXPECT_EQ(reply.status, 200U);
        EXPECT_NE(reply.header.find("Content-Type: text/plain; version=0.0.4"), std::string::npos);
        return parse_scrape(reply.body);
    }
    [[nodiscard]] json::object health(unsigned status) const {
        const auto reply = server.get("/health");
        EXPECT_EQ(reply.status, status) << reply.body;
        EXPECT_NE(reply.header.find("Content-Type: application/json"), std::string::npos);
        return json::parse(reply.body).as_object();
    }
    [[nodiscard]] Hash pin_of(const std::string& name) const {
        return server::spki_sha256_of(read_file(key(name))).value();
    }
    /// As `keys next` does: the next key takes the place of the one in use.
    void put_next_key_in_place() {
        for (const std::string end : {".crt", ".key"})
            fs::copy_file(key("tls-next" + end), key("tls" + end), fs::copy_options::overwrite_existing);
    }
    Result<wire::Frame> submit(Link& link, Lane lane, const EnrolmentId& recipient) {
        wire::Frame frame;
        *frame.mutable_submit() = make_submit(system_random().id<EnvelopeId>(), lane, {recipient},
                                              system_clock().wall() + std::chrono::hours(1));
        return link.request(std::move(frame));
    }

    const std::string watch = "[watch]\nlisten = \"127.0.0.1:0\"";
    World world;
    WatchedServer server;
};

}  // namespace melder::testing
