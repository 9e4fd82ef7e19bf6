// SIGHUP and the real melder-server: TLS files, log level, log file; standing sessions, and files that are not as they
// should be.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>
#include <csignal>

#include "core/crypto.hpp"
#include "tests/apps/watch_fixture.hpp"

namespace melder::testing {
namespace {

/// The pin of the certificate that a new connection is shown; zeros if the handshake fails.
Hash shown_pin(std::uint16_t port) {
    const int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Hash pin;
    if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
        const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
        const std::unique_ptr<SSL, decltype(&SSL_free)> ssl(SSL_new(context.get()), SSL_free);
        SSL_set_fd(ssl.get(), descriptor);
        if (SSL_connect(ssl.get()) == 1) {
            unsigned char* der = nullptr;
            const auto size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(SSL_get0_peer_certificate(ssl.get())), &der);
            pin = sha256(BytesView(der, static_cast<std::size_t>(size)));
            OPENSSL_free(der);
        }
    }
    ::close(descriptor);
    return pin;
}

using MelderReload = MelderWatch;

TEST_F(MelderReload, SIGHUP_gives_new_handshakes_the_new_certificate_and_leaves_sessions_alone) {
    start();
    const auto phone = world.phone(system_random().id<OfficerId>());
    const auto link = world.login(phone).value();
    const auto former = pin_of("tls.crt");
    EXPECT_EQ(shown_pin(server.port()), former);
    put_next_key_in_place();
    EXPECT_EQ(shown_pin(server.port()), former);

    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reloaded log_level=\"info\"")) << server.log();
    ASSERT_NE(pin_of("tls-next.crt"), former);
    EXPECT_EQ(shown_pin(server.port()), pin_of("tls-next.crt"));
    wire::Frame check;
    check.mutable_check_prekeys();
    EXPECT_TRUE(link->request(std::move(check)).has_value());
    EXPECT_TRUE(world.login(world.phone(system_random().id<OfficerId>())).has_value());
    EXPECT_EQ(health(200)["status"], "ready");
}

TEST_F(MelderReload, a_broken_TLS_file_is_named_in_the_log_and_the_former_one_stays) {
    start();
    const auto former = shown_pin(server.port());
    const auto good = read_file(key("tls.crt"));
    std::ofstream(key("tls.crt")) << good.substr(0, good.size() / 2);
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reload_failed code=config_invalid")) << server.log();
    EXPECT_TRUE(server.has_logged("tls.crt: no readable certificate in PEM form"));
    EXPECT_EQ(shown_pin(server.port()), former);

    // Half of a rotation: certificate and key do not belong together.
    fs::copy_file(key("tls-next.crt"), key("tls.crt"), fs::copy_options::overwrite_existing);
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("tls.key: no readable private key in PEM form that belongs to the certificate"))
        << server.log();
    EXPECT_EQ(shown_pin(server.port()), former);
    put_next_key_in_place();
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reloaded log_level=\"info\"")) << server.log();
    EXPECT_EQ(shown_pin(server.port()), pin_of("tls-next.crt"));
}

TEST_F(MelderReload, a_key_that_no_phone_would_believe_is_not_taken_over) {
    start();
    const auto former = shown_pin(server.port());
    const auto foreign = server::make_tls_identity();
    std::ofstream(key("tls.crt")) << foreign.certificate_pem;
    std::ofstream(key("tls.key")) << as_chars(foreign.private_key_pem.expose());
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reload_failed code=wrong_server_key")) << server.log();
    EXPECT_EQ(shown_pin(server.port()), former);
}

TEST_F(MelderReload, SIGHUP_changes_the_log_level) {
    start();
    replace_in_config("level = \"info\"", "level = \"error\"");
    server.signal(SIGHUP);
    // The level is taken over first, so that this reload is silent already; the next one is not.
    replace_in_config("level = \"error\"", "level = \"debug\"");
    EXPECT_TRUE(soon([&] {
        server.signal(SIGHUP);
        return server.log().find("reloaded log_level=\"debug\"") != std::string::npos;
    })) << server.log();
    EXPECT_EQ(server.log().find("reloaded log_level=\"error\""), std::string::npos);
}

TEST_F(MelderReload, a_garbled_configuration_changes_nothing_and_what_waits_for_a_start_is_named) {
    start();
    replace_in_config("cores = 0", "cores = 0x");
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("reload_failed code=config_invalid")) << server.log();
    EXPECT_TRUE(server.has_logged("melder.toml, line ")) << server.log();
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["reload_failed"])");
    replace_in_config("cores = 0x", "cores = 1");
    server.signal(SIGHUP);
    ASSERT_TRUE(server.has_logged("change_needs_restart key=\"link.cores\"")) << server.log();
    EXPECT_TRUE(server.has_logged("reloaded"));
    EXPECT_EQ(health(200)["status"], "ready");
    EXPECT_EQ(server.log().find("change_needs_restart key=\"link.listen\""), std::string::npos);
}

TEST_F(MelderReload, SIGHUP_opens_the_log_anew_after_it_was_moved_away) {
    const auto log = world.directory() / "melder.log";
    const auto moved = world.directory() / "melder.log.1";
    replace_in_config("level = \"info\"", "level = \"info\"\nfile = \"melder.log\"");
    start();
    ASSERT_TRUE(soon([&] { return !read_file(log).empty(); }));
    fs::rename(log, moved);
    server.signal(SIGHUP);
    ASSERT_TRUE(soon([&] { return read_file(log).find("reloaded log_level") != std::string::npos; }))
        << read_file(moved);
    EXPECT_EQ(read_file(moved).find("reloaded"), std::string::npos);
    EXPECT_EQ(health(200)["status"], "ready");
}

TEST_F(MelderReload, a_log_that_cannot_be_opened_anew_goes_on_in_the_former_file_and_says_so) {
    const auto place = world.directory() / "logs";
    const auto moved = world.directory() / "logs.1";
    fs::create_directory(place);
    replace_in_config("level = \"info\"", "level = \"info\"\nfile = \"logs/melder.log\"");
    start();
    fs::rename(place, moved);
    server.signal(SIGHUP);
    ASSERT_TRUE(soon([&] {
        return read_file(moved / "melder.log").find("reload_failed code=io_error") != std::string::npos;
    })) << read_file(moved / "melder.log");
    EXPECT_EQ(json::serialize(health(200)["reasons"]), R"(["reload_failed"])");
    fs::rename(moved, place);
    server.signal(SIGHUP);
    EXPECT_TRUE(soon([&] { return health(200)["status"] == "ready"; }));
}

}  // namespace
}  // namespace melder::testing
