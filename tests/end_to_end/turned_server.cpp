#include "tests/end_to_end/turned_server.hpp"

#include <fstream>
#include <iterator>

namespace melder::testing {
namespace {

Bytes read(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    return Bytes(std::istreambuf_iterator<char>(in), {});
}

}  // namespace

TurnedServer::TurnedServer(const World& world, const Clock& clock, Statement last,
                           const std::vector<Credential>& may_log_in)
    : clock_(clock), statement_(std::move(last)) {
    const auto config = world.config();
    statement_seed_ = Ed25519Seed::from(read(config.statement_key_file)).value();
    trust_list_ = SignedBytes::parse(read(config.trust_list_file)).value();
    for (const auto& credential : may_log_in) {
        DeviceLogin login;
        login.peer.kind = server::Peer::Kind::device;
        login.peer.device = credential.device();
        login.peer.officer = credential.officer();
        login.login_key = credential.binding().login_key;
        devices_.emplace(credential.device(), login);
    }
    server::LinkConfig link;
    link.listen = config.listen;
    link.certificate_file = config.certificate_file;
    link.private_key_file = config.private_key_file;
    link_ = std::make_unique<server::LinkServer>(link, loops_, *this, std::vector<server::SessionHandler*>{this},
                                                 server::Log::none());
    const auto started = link_->start();
    if (started.has_error()) throw std::runtime_error(started.error().message());
}

TurnedServer::~TurnedServer() {
    link_->shutdown();
    loops_.stop();
}

void TurnedServer::state(std::uint64_t log_size, const Hash& head) {
    const std::scoped_lock lock(mutex_);
    statement_.log_size = log_size;
    statement_.log_head = head;
}
void TurnedServer::say(std::function<void(Statement&)> change) {
    const std::scoped_lock lock(mutex_);
    change_ = std::move(change);
}
void TurnedServer::set_log(std::vector<Bytes> entries) {
    const std::scoped_lock lock(mutex_);
    log_ = std::move(entries);
}
void TurnedServer::answer(wire::Frame::BodyCase kind, wire::Frame frame) {
    const std::scoped_lock lock(mutex_);
    answers_.insert_or_assign(kind, std::move(frame));
}
void TurnedServer::sign_with(const Ed25519Seed& seed) {
    const std::scoped_lock lock(mutex_);
    statement_seed_ = seed.clone();
}
void TurnedServer::greet_with(wire::Frame frame) {
    const std::scoped_lock lock(mutex_);
    greeting_ = std::move(frame);
}
void TurnedServer::on_ready(server::Session& session) {
    const std::scoped_lock lock(mutex_);
    if (greeting_) static_cast<void>(session.send(*greeting_));
}
int TurnedServer::count(wire::Frame::BodyCase kind) const {
    const std::scoped_lock lock(mutex_);
    const auto found = counts_.find(kind);
    return found == counts_.end() ? 0 : found->second;
}

wire::LoginBody TurnedServer::last_login() const {
    const std::scoped_lock lock(mutex_);
    return last_login_;
}

SignedBytes TurnedServer::statement(const std::optional<ByteArray<16>>& nonce) const {
    const std::scoped_lock lock(mutex_);
    auto out = statement_;
    out.time = clock_.wall();
    out.client_nonce = nonce;
    if (change_) change_(out);
    return sign_statement(out, statement_seed_);
}

std::string TurnedServer::hello(const ByteArray<32>& nonce) {
    wire::Hello hello;
    hello.set_lowest_version(limits::lowest_protocol);
    hello.set_highest_version(limits::highest_protocol);
    hello.set_nonce(to_string(nonce));
    *hello.mutable_trust_list() = trust_list_.to_wire();
    *hello.mutable_statement() = statement(std::nullopt).to_wire();
    return hello.SerializeAsString();
}

Result<server::LoginAuthority::DeviceLogin> TurnedServer::find_device(BytesView login_body) {
    wire::LoginBody body;
    if (!body.ParseFromArray(login_body.data(), static_cast<int>(login_body.size()))) return Errc::malformed;
    MELDER_TRY(const auto id, EnrolmentId::from(body.enrolment_id()));
    {
        const std::scoped_lock lock(mutex_);
        last_login_ = body;
    }
    const auto found = devices_.find(id);
    if (found == devices_.end()) return Errc::unknown_device;
    return found->second;
}
Result<server::LoginAuthority::AdminLoginInfo> TurnedServer::find_admin(BytesView) {
    return Errc::unknown_signer;
}
Result<Ed25519Public> TurnedServer::find_enrolment_key(BytesView) {
    return Errc::unknown_code;
}
void TurnedServer::enrol(Bytes, std::function<void(Result<std::string>)> done) {
    done(Errc::unknown_code);
}
void TurnedServer::offer_trust_list(SignedBytes, std::function<void(Result<void>)> done) {
    done(ok());
}
void TurnedServer::fill_welcome(const server::Peer&, wire::Welcome& welcome) {
    welcome.add_services(wire::SERVICE_RELAY);
    welcome.add_services(wire::SERVICE_KEYSERVER);
    *welcome.mutable_statement() = statement(std::nullopt).to_wire();
    welcome.set_store_epoch(statement_.store_epoch.string());
}

wire::Frame TurnedServer::reply_to(const wire::Frame& frame) {
    wire::Frame reply;
    if (frame.has_fetch_statement()) {
        const auto nonce = to_array<16>(view(frame.fetch_statement().client_nonce())).value();
        *reply.mutable_statement()->mutable_statement() = statement(nonce).to_wire();
        return reply;
    }
    const std::scoped_lock lock(mutex_);
    if (frame.has_fetch_log()) {
        for (auto i = frame.fetch_log().from_index(); i < log_.size(); ++i)
            reply.mutable_log_page()->add_entries(to_string(log_[i]));
        reply.mutable_log_page()->set_log_size(log_.size());
        return reply;
    }
    if (const auto found = answers_.find(frame.body_case()); found != answers_.end()) return found->second;
    reply.mutable_error()->set_code(static_cast<std::uint32_t>(Errc::unsupported));
    return reply;
}

void TurnedServer::on_frame(server::Session& session, wire::Frame& frame) {
    {
        const std::scoped_lock lock(mutex_);
        ++counts_[frame.body_case()];
    }
    if (frame.request() == 0) return;
    auto reply = reply_to(frame);
    reply.set_request(frame.request());
    static_cast<void>(session.send(reply));
}

}  // namespace melder::testing
