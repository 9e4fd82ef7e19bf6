#include "tests/end_to_end/account_fixture.hpp"

#include "core/enrolment_code.hpp"

namespace melder::testing {

AccountsAtServer::AccountsAtServer() {
    world.clock = &time;
}

void AccountsAtServer::SetUp() {
    ASSERT_TRUE(world.start().has_value());
    anna = enrol("anna", anna_id, "0815");
    bert = enrol("bert", bert_id, "0816");
    ASSERT_TRUE(anna && bert);
}

std::string AccountsAtServer::issue_code(const OfficerId& whose, const std::string& number,
                                         const std::function<void(Grant&)>& change) {
    const auto code = EnrolmentCode::generate(system_random(), 1);
    const auto now = time.wall();
    Grant grant;
    grant.enrolment_id = code.enrolment_id();
    grant.officer_id = whose;
    grant.display_name = "Officer " + number;
    grant.service_number = number;
    grant.unit = UnitPath::parse("LKA/K5").value();
    grant.roles = {Role::member};
    grant.enrolment_key = ed25519_public_of(code.enrolment_seed().value());
    grant.bind_before = now + 24h;
    grant.not_before = now - 2h;
    grant.not_after = grant.not_before + limits::grant_longest;
    if (change) change(grant);
    EXPECT_TRUE(world.put_grant(grant, {&world.chief}).has_value());
    const auto text = code.text();
    last_code = to_string(text.expose());
    return last_code;
}

sdk::AccountOptions AccountsAtServer::options(const std::string& name) const {
    sdk::AccountOptions out;
    out.vault_directory = world.directory() / name;
    out.servers = {{"127.0.0.1", world.port()}};
    out.root_set = world.roots.encode();
    out.clock = &phone_clock;
    out.boot_name = [boot = boot_name] { return boot; };
    return out;
}

std::unique_ptr<Account> AccountsAtServer::open(const std::string& name) const {
    auto account = Account::open(options(name));
    if (account.has_error()) {
        ADD_FAILURE() << account.error().message();
        return nullptr;
    }
    return std::move(account).value();
}

std::unique_ptr<Account> AccountsAtServer::enrol(const std::string& name, const OfficerId& whose,
                                                 const std::string& number, const std::function<void(Grant&)>& change) {
    auto account = open(name);
    const auto self = wait(account->enrol({.code = issue_code(whose, number, change), .second_part = ""}), 30s);
    if (self.has_error()) {
        ADD_FAILURE() << self.error().message();
        return nullptr;
    }
    connect(*account);
    EXPECT_TRUE(eventually([&] { return stock(self->device) > 0; }));
    return account;
}

std::uint32_t AccountsAtServer::stock(const EnrolmentId& device) const {
    wire::Frame frame;
    frame.mutable_show_device()->set_enrolment_id(device.string());
    const auto reply = world.admin()->request(std::move(frame));
    return reply.has_value() ? reply->device_status().one_time_prekeys() : 0;
}

AccountsAtServer::Mailbox AccountsAtServer::mailbox(const EnrolmentId& device, std::optional<Lane> only) const {
    wire::Frame frame;
    frame.mutable_show_device()->set_enrolment_id(device.string());
    const auto reply = world.admin()->request(std::move(frame));
    Mailbox out;
    for (const auto& lane : reply->device_status().lanes()) {
        if (only && static_cast<int>(lane.lane()) != static_cast<int>(*only)) continue;
        out.waiting += lane.waiting();
        out.aside += lane.aside();
    }
    return out;
}

void AccountsAtServer::connect(Account& account) {
    account.connect();
    EXPECT_TRUE(
        await<ConnectionChanged>(account, [](const auto& change) { return change.state == ConnectionState::online; }));
}

void AccountsAtServer::disconnect(Account& account) {
    account.disconnect();
    EXPECT_TRUE(eventually([&] { return account.state().connection == ConnectionState::offline; }));
}

bool AccountsAtServer::has_notice(Account& account, TrustNotice::Kind kind) {
    for (;;) {
        const auto event = wait(account.next_event(), 200ms);
        if (event.has_error()) return false;
        const auto* notice = std::get_if<TrustNotice>(&event->what);
        EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
        if (notice != nullptr && notice->kind == kind) return true;
    }
}

bool AccountsAtServer::has_text(Account& account) {
    for (;;) {
        const auto event = wait(account.next_event(), 200ms);
        if (event.has_error()) return false;
        if (std::holds_alternative<TextReceived>(event->what)) return true;
        EXPECT_TRUE(wait(account.acknowledge(event->id)).has_value());
    }
}

std::optional<TextReceived> AccountsAtServer::read(Account& account) {
    const auto found = find<TextReceived>(account, [](const auto&) { return true; });
    if (!found) return std::nullopt;
    EXPECT_TRUE(wait(account.acknowledge(found->first)).has_value());
    return found->second;
}

void AccountsAtServer::exchange(Account& from, const OfficerId& to_id, Account& to) {
    const auto sent = write(from, to_id, "Verbindungsprobe");
    ASSERT_TRUE(sent.has_value()) << sent.error().message();
    ASSERT_TRUE(read(to));
    ASSERT_TRUE(await_state(from, *sent, SendState::delivered));
}

Result<ContentId> AccountsAtServer::write(Account& account, const OfficerId& to, const std::string& text,
                                          sdk::Urgency urgency, std::optional<Millis> time_to_live) {
    return wait(account.send({.content_id = account.new_content_id(),
                              .to = to,
                              .text = text,
                              .urgency = urgency,
                              .time_to_live = time_to_live,
                              .expire_after_display = {}}),
                10s);
}

}  // namespace melder::testing
