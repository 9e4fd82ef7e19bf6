#include "tests/end_to_end/world.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include "apps/melder-server/init.hpp"
#include "core/setup_request.hpp"
#include "proto/link.pb.h"

namespace melder::testing {
namespace {

namespace fs = std::filesystem;

fs::path make_temporary_directory() {
    std::string name = (fs::temp_directory_path() / "melder-test-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
    return name;
}

std::string read(const fs::path& file) {
    std::ifstream in(file, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

void write(const fs::path& file, BytesView content) {
    std::ofstream out(file, std::ios::binary);
    out << as_chars(content);
}

}  // namespace

World::World()
    : root(system_random().secret<Ed25519Seed>()),
      chief(system_random().secret<Ed25519Seed>()),
      deputy(system_random().secret<Ed25519Seed>()),
      directory_(make_temporary_directory() / "server") {
    apps::InitOptions init;
    init.directory = directory_.string();
    init.listen = "127.0.0.1:0";
    const auto made = apps::init_server(init, system_random());
    if (made.has_error()) throw std::runtime_error(made.error().message());

    const auto request = SetupRequest::parse(read(directory_ / "setup-request")).value();
    roots = {1, 1, {ed25519_public_of(root), ed25519_public_of(system_random().secret<Ed25519Seed>())}, std::nullopt};
    const std::vector all{Right::enrol, Right::directory, Right::leaders, Right::revoke, Right::wipe};
    TrustList::Fields fields;
    fields.version = 1;
    fields.issued_at = system_clock().wall();
    fields.not_after = system_clock().wall() + std::chrono::hours(24 * 365);
    auto with_help_desk = all;
    with_help_desk.push_back(Right::helpdesk);
    fields.admin_keys = {{ed25519_public_of(chief), with_help_desk, KeyState::active, 0},
                         {ed25519_public_of(deputy), all, KeyState::active, 0}};
    fields.longest_retention_s = 30 * 86400;
    fields.longest_code_validity_s = 30 * 86400;
    fields.statement_keys = request.statement_keys;
    fields.pins = request.pins;
    SignedBytes list{TrustList::encode(fields).value(), {}};
    sign(list, Context::trust_list, root);
    write(directory_ / "root-set", roots.encode());
    write(directory_ / "trust-list", list.encode());
}

World::~World() {
    stop();
    // Handlers that wait hold timers and sockets of this loop, so they go before it does.
    io.restart();
    io.run_for(patience);
    std::error_code ignored;
    fs::remove_all(directory_.parent_path(), ignored);
}

server::ServerConfig World::config() const {
    auto config = server::ServerConfig::load((directory_ / "melder.toml").string()).value();
    config.cores = 2;
    config.listen.front().port = port_;
    return config;
}

Result<void> World::start(apps::StartOptions options) {
    MELDER_TRY(server_, apps::ServerProcess::start(config(), options, *clock, system_random(), server::Log::none()));
    port_ = server_->port();
    return ok();
}

void World::stop() {
    server_.reset();
}

std::unique_ptr<Link> World::connect() const {
    auto link = std::make_unique<Link>(io);
    const auto hello = link->connect(port_, trust());
    if (hello.has_error()) ADD_FAILURE() << hello.error().message();
    return link;
}

std::unique_ptr<Link> World::admin() const {
    auto link = connect();
    const auto welcome = link->admin_login(chief);
    if (welcome.has_error()) ADD_FAILURE() << welcome.error().message();
    return link;
}

World::Phone World::issue(const OfficerId& officer, std::vector<EnrolmentId> replaces, Millis valid) {
    auto& random = system_random();
    const auto now = system_clock().wall();
    Phone phone;
    phone.enrolment = random.secret<Ed25519Seed>();
    phone.identity = generate_x25519(random);
    phone.login = generate_p256();
    phone.grant.enrolment_id = random.id<EnrolmentId>();
    phone.grant.replaces = std::move(replaces);
    phone.grant.officer_id = officer;
    phone.grant.display_name = "Jürgen Groß";
    phone.grant.service_number = "4711-" + officer.hex().substr(0, 6);
    phone.grant.unit = UnitPath::parse("LKA/K5").value();
    phone.grant.roles = {Role::member};
    phone.grant.enrolment_key = ed25519_public_of(phone.enrolment);
    phone.grant.bind_before = now + valid;
    phone.grant.not_before = now - std::chrono::hours(2);
    phone.grant.not_after = now + std::chrono::hours(24 * 365);
    phone.binding = sign_binding({phone.id(), phone.identity.public_key, phone.login.public_key, 77}, phone.enrolment,
                                 phone.identity.private_key, random);
    const auto put = put_grant(phone.grant, {&chief});
    if (put.has_error()) ADD_FAILURE() << put.error().message();
    return phone;
}

Result<void> World::put_grant(const Grant& grant, std::initializer_list<const Ed25519Seed*> signers) const {
    MELDER_TRY(auto body, grant.encode());
    SignedBytes document{std::move(body), {}};
    for (const auto* signer : signers)
        sign(document, Context::grant, *signer);
    wire::Frame frame;
    *frame.mutable_put_grants()->add_grants() = document.to_wire();
    MELDER_TRY(const auto reply, admin()->request(std::move(frame)));
    if (reply.grants_reply().results_size() != 1) return Errc::internal;
    if (const auto code = reply.grants_reply().results(0).code(); code != 0) return static_cast<Errc>(code);
    return ok();
}

Result<void> World::put_officer(const OfficerId& officer, const std::string& name, const std::string& number,
                                const std::vector<std::string>& unit) const {
    wire::Frame frame;
    auto& entry = *frame.mutable_put_directory()->add_officers();
    entry.set_officer_id(officer.string());
    entry.set_display_name(name);
    entry.set_service_number(number);
    *entry.mutable_unit() = {unit.begin(), unit.end()};
    MELDER_CHECK(admin()->request(std::move(frame)));
    return ok();
}

Result<wire::Credential> World::enrol(const Phone& phone) const {
    return connect()->enrol(phone.id(), phone.binding, phone.enrolment);
}

World::Phone World::phone(const OfficerId& officer) {
    auto phone = issue(officer);
    const auto credential = enrol(phone);
    if (credential.has_error()) ADD_FAILURE() << credential.error().message();
    return phone;
}

Result<std::unique_ptr<Link>> World::login(const Phone& phone, wire::Welcome* welcome) const {
    auto link = connect();
    MELDER_TRY(auto answer, link->login(phone.id(), phone.login.private_key));
    if (welcome != nullptr) *welcome = std::move(answer);
    return link;
}

Result<void> World::order(OrderKind kind, const EnrolmentId& target,
                          std::initializer_list<const Ed25519Seed*> signers) const {
    const auto link = admin();
    wire::Frame ask;
    ask.mutable_fetch_order_state()->set_target(target.string());
    MELDER_TRY(const auto state, link->request(std::move(ask)));

    Order order;
    order.kind = kind;
    order.target = target;
    order.counter = state.order_state().counter() + 1;
    if (!state.order_state().last_sha256().empty()) {
        MELDER_TRY(order.previous, Hash::from(state.order_state().last_sha256()));
    }
    order.issued_at = system_clock().wall();
    order.reason = sha256(view("reason"));
    SignedBytes document{order.encode(), {}};
    for (const auto* signer : signers)
        sign(document, Context::order, *signer);
    wire::Frame put;
    *put.mutable_put_orders()->add_orders() = document.to_wire();
    MELDER_CHECK(link->request(std::move(put)));
    return ok();
}

wire::Submit make_submit(const EnvelopeId& id, Lane lane, std::initializer_list<EnrolmentId> recipients,
                         UnixTime expires_at) {
    auto& random = system_random();
    const auto filled = [&](std::size_t size) {
        std::string out(size, '\0');
        random.fill({reinterpret_cast<Byte*>(out.data()), out.size()});
        return out;
    };
    SharedHeader header;
    header.lane = lane;
    header.expires_at = expires_at;
    header.bucket = 0;
    wire::Submit submit;
    submit.set_envelope_id(id.string());
    submit.mutable_body()->set_header(to_string(header.encode()));
    submit.mutable_body()->set_ephemeral(filled(32));
    submit.mutable_body()->set_commitment(filled(32));
    submit.mutable_body()->set_sealed(filled(limits::buckets_bytes[0]));
    for (const auto& recipient : recipients) {
        auto& device = *submit.add_headers();
        device.set_recipient(recipient.string());
        device.set_wrapped_key(filled(32));
        device.set_tag(filled(16));
    }
    submit.set_total_headers(static_cast<std::uint32_t>(recipients.size()));
    return submit;
}

}  // namespace melder::testing
