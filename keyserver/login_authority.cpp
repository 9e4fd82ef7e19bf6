#include "keyserver/login_authority.hpp"

#include "core/limits.hpp"

namespace melder::keyserver {
namespace {

constexpr std::uint32_t stale_view_retry_ms = 2000;

bool speaks(std::uint32_t version) {
    return version >= limits::lowest_protocol && version <= limits::highest_protocol;
}

template <class Message>
Result<Message> parse(BytesView bytes) {
    Message message;
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return Errc::malformed;
    if (!speaks(message.version())) return Errc::version_mismatch;
    return message;
}

/// Printable ASCII, at most 64 bytes: it ends up on a help desk's screen.
std::string cleaned(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, limits::client_version_bytes)) {
        if (c >= ' ' && c <= '~') out.push_back(c);
    }
    return out;
}

}  // namespace

KeyserverAuthority::KeyserverAuthority(Keyserver& keyserver, const server::DirectoryView& view, KeyserverLanes& lanes,
                                       const Clock& clock, std::vector<wire::Service> services)
    : keyserver_(keyserver), view_(view), lanes_(lanes), clock_(clock), services_(std::move(services)) {}

std::string KeyserverAuthority::hello(const ByteArray<32>& nonce) {
    wire::Hello hello;
    hello.set_lowest_version(limits::lowest_protocol);
    hello.set_highest_version(limits::highest_protocol);
    hello.set_nonce(to_string(nonce));
    *hello.mutable_trust_list() = keyserver_.trust()->document().to_wire();
    *hello.mutable_statement() = keyserver_.newest_statement().to_wire();
    return hello.SerializeAsString();
}

Result<server::LoginAuthority::DeviceLogin> KeyserverAuthority::find_device(BytesView login_body) {
    MELDER_TRY(const auto body, parse<wire::LoginBody>(login_body));
    MELDER_TRY(const auto id, EnrolmentId::from(std::string_view(body.enrolment_id())));
    if (!view_.fresh()) return Error(Errc::busy, stale_view_retry_ms);
    const auto device = view_.find(id);
    if (!device || !device->bound) return judge_presented(body, id);
    DeviceLogin login;
    login.login_key = device->login_key;
    login.peer.kind = device->active_at(clock_.wall()) ? server::Peer::Kind::device : server::Peer::Kind::restricted;
    login.peer.device = id;
    login.peer.officer = device->officer;
    login.peer.app = device->app;
    login.peer.client_version = cleaned(body.client_version());
    login.peer.protocol = body.version();
    return login;
}

/// The store does not know it, or only its grant: what it shows must convince by itself.
Result<server::LoginAuthority::DeviceLogin> KeyserverAuthority::judge_presented(const wire::LoginBody& body,
                                                                                const EnrolmentId& id) const {
    if (!body.has_credential()) return Errc::unknown_device;
    MELDER_TRY(const auto credential, Credential::verify(body.credential(), *keyserver_.trust()));
    if (credential.device() != id) return Errc::credential_invalid;
    const bool active = keyserver_.standing(id) == DeviceStanding::active && credential.valid_at(clock_.wall());
    DeviceLogin login;
    login.login_key = credential.binding().login_key;
    login.unknown = true;
    login.peer.kind = active ? server::Peer::Kind::device : server::Peer::Kind::restricted;
    login.peer.device = id;
    login.peer.officer = credential.officer();
    login.peer.app = credential.grant().app;
    login.peer.client_version = cleaned(body.client_version());
    login.peer.protocol = body.version();
    return login;
}

void KeyserverAuthority::on_device_proved(BytesView login_body) {
    const auto body = parse<wire::LoginBody>(login_body);
    if (body.has_value()) keyserver_.judge_login(*body, lanes_.writes);
}

void KeyserverAuthority::admit(Bytes login_body, std::function<void(Result<void>)> done) {
    lanes_.writes([this, bytes = std::move(login_body), done = std::move(done)] {
        const auto body = parse<wire::LoginBody>(bytes);
        if (body.has_error()) return done(body.error());
        done(keyserver_.admit(body->credential()));
    });
}

Result<server::LoginAuthority::AdminLoginInfo> KeyserverAuthority::find_admin(BytesView admin_login_body) {
    MELDER_TRY(const auto body, parse<wire::AdminLoginBody>(admin_login_body));
    MELDER_TRY(const auto id, KeyId::from(std::string_view(body.key_id())));
    const auto trust = keyserver_.trust();
    const auto* admin = trust->find_admin(id);
    if (admin == nullptr || admin->state != KeyState::active) return Errc::unknown_signer;
    AdminLoginInfo login;
    login.key = admin->key;
    login.peer.kind = server::Peer::Kind::admin;
    login.peer.admin_key = id;
    login.peer.rights = admin->rights;
    return login;
}

Result<Ed25519Public> KeyserverAuthority::find_enrolment_key(BytesView enrol_body) {
    MELDER_TRY(const auto body, parse<wire::EnrolBody>(enrol_body));
    MELDER_TRY(const auto id, EnrolmentId::from(std::string_view(body.enrolment_id())));
    if (!view_.fresh()) return Error(Errc::busy, stale_view_retry_ms);
    const auto device = view_.find(id);
    if (!device) return Errc::unknown_code;
    return device->enrolment_key;
}

void KeyserverAuthority::on_enrolment_refused(BytesView enrol_body, Errc why) {
    keyserver_.note_refused_enrolment(enrol_body, why);
}

void KeyserverAuthority::enrol(Bytes enrol_body, std::function<void(Result<std::string>)> done) {
    // Phones wait 10 s for the answer: who could not have it by then is told at once.
    if (enrolments_waiting_.fetch_add(1) >= limits::enrolments_waiting) {
        --enrolments_waiting_;
        return done(Error(Errc::busy, static_cast<std::uint32_t>(Millis(limits::enrolment_retry).count())));
    }
    lanes_.writes([this, body = std::move(enrol_body), done = std::move(done)] {
        --enrolments_waiting_;
        auto enrolled = keyserver_.enrol(body);
        if (enrolled.has_error()) return done(enrolled.error());
        done(enrolled->SerializeAsString());
    });
}

void KeyserverAuthority::offer_trust_list(SignedBytes list, std::function<void(Result<void>)> done) {
    lanes_.writes([this, list = std::move(list), done = std::move(done)] { done(keyserver_.put_trust_list(list)); });
}

void KeyserverAuthority::fill_welcome(const server::Peer& peer, wire::Welcome& welcome) {
    for (const auto service : services_)
        welcome.add_services(service);
    *welcome.mutable_statement() = keyserver_.newest_statement().to_wire();
    welcome.set_store_epoch(keyserver_.epoch().string());
    welcome.set_restored(keyserver_.restored());
    if (const auto device = view_.find(peer.device)) welcome.set_own_grant_version(device->grant_version);
}

}  // namespace melder::keyserver
