#include "tests/relay/relay_link.hpp"

#include <fstream>
#include <future>

#include "server/link/tls_identity.hpp"

namespace melder::relay::test {
namespace {

constexpr std::string_view app = "messenger";

}  // namespace

// ---- SlowStore ----------------------------------------------------------------------------------------------------

void SlowStore::put(std::vector<server::PutItem> items, server::Executor executor, PutDone done) {
    const std::lock_guard lock(mutex_);
    if (failure_) {
        std::vector<server::PutResult> results(items.size(), server::PutResult{*failure_, 0});
        return executor([done = std::move(done), results = std::move(results)] { done(results); });
    }
    if (!holds_) return store_.put(std::move(items), std::move(executor), std::move(done));
    held_.emplace_back([this, items = std::move(items), executor = std::move(executor), done = std::move(done)] {
        store_.put(items, executor, done);
    });
}
void SlowStore::release_puts() {
    const std::lock_guard lock(mutex_);
    holds_ = false;
    for (const auto& put : std::exchange(held_, {}))
        put();
}
void SlowStore::fail_puts(std::optional<server::PutOutcome> outcome) {
    const std::lock_guard lock(mutex_);
    failure_ = outcome;
}

// ---- Force --------------------------------------------------------------------------------------------------------

Phone Force::add(std::size_t core, std::optional<OfficerId> officer) {
    Phone phone;
    do {
        phone.id = system_random().id<EnrolmentId>();
    } while (server::home_core_of(phone.id, 2) != core);
    phone.officer = officer ? *officer : system_random().id<OfficerId>();
    phone.key = generate_p256();
    const std::lock_guard lock(mutex_);
    devices_[phone.id] = {phone.officer, phone.key.public_key, true};
    return phone;
}
void Force::revoke(const Phone& phone) {
    const std::lock_guard lock(mutex_);
    devices_.at(phone.id).active = false;
}
std::string Force::hello(const ByteArray<32>& nonce) {
    wire::Hello hello;
    hello.set_lowest_version(1);
    hello.set_highest_version(1);
    hello.set_nonce(to_string(nonce));
    return hello.SerializeAsString();
}
Result<server::LoginAuthority::DeviceLogin> Force::find_device(BytesView login_body) {
    wire::LoginBody body;
    if (!body.ParseFromArray(login_body.data(), static_cast<int>(login_body.size()))) return Errc::malformed;
    MELDER_TRY(const auto id, EnrolmentId::from(body.enrolment_id()));
    const std::lock_guard lock(mutex_);
    const auto found = devices_.find(id);
    if (found == devices_.end()) return Errc::unknown_device;
    DeviceLogin login;
    login.peer.device = id;
    login.peer.officer = found->second.officer;
    login.peer.app = app;
    login.login_key = found->second.key;
    return login;
}
std::optional<DeviceView::Device> Force::find_device(const EnrolmentId& device) const {
    const std::lock_guard lock(mutex_);
    const auto found = devices_.find(device);
    if (found == devices_.end()) return std::nullopt;
    return Device{found->second.officer, std::string(app), found->second.active};
}
std::vector<EnrolmentId> Force::find_active_devices(const OfficerId& officer, std::string_view wanted) const {
    std::vector<EnrolmentId> out;
    if (wanted != app) return out;
    const std::lock_guard lock(mutex_);
    for (const auto& [id, entry] : devices_) {
        if (entry.officer == officer && entry.active) out.push_back(id);
    }
    return out;
}

// ---- Line ---------------------------------------------------------------------------------------------------------

Line::Line(std::uint16_t port, const Phone& phone) : link(port) {
    EXPECT_TRUE(link.open());
    wire::LoginBody body;
    body.set_enrolment_id(phone.id.string());
    body.set_version(1);
    wire::Frame frame;
    frame.set_request(1);
    auto& login = *frame.mutable_login();
    login.set_body(body.SerializeAsString());
    const auto input =
        login_transcript(Context::login, link.exporter(), view(link.hello()), view(std::string_view(login.body())));
    login.set_signature(to_string(sign_p256(phone.key.private_key, input).value()));
    link.send(frame);
    welcome_ = take(wire::Frame::kWelcome).welcome();
}

wire::Frame Line::take(wire::Frame::BodyCase kind) {
    const auto kept = std::ranges::find_if(kept_, [kind](const auto& frame) { return frame.body_case() == kind; });
    if (kept != kept_.end()) {
        auto frame = std::move(*kept);
        kept_.erase(kept);
        return frame;
    }
    while (auto frame = link.read()) {
        if (frame->body_case() == kind) return *frame;
        kept_.push_back(std::move(*frame));
    }
    ADD_FAILURE() << "no frame of kind " << kind << " came";
    return {};
}

wire::Delivery Line::receive() {
    const auto frame = take(wire::Frame::kDeliver);
    EXPECT_EQ(frame.deliver().envelopes_size(), 1);
    return frame.deliver().envelopes_size() == 1 ? frame.deliver().envelopes(0) : wire::Delivery();
}

std::uint32_t Line::drain() {
    std::uint32_t expired = 0;
    for (std::size_t lane = 0; lane < std::size(drain_order); ++lane)
        expired += take(wire::Frame::kMailboxEmpty).mailbox_empty().expired_unread();
    return expired;
}

Errc Line::refused(wire::Frame frame) {
    const auto request = next_request();
    frame.set_request(request);
    link.send(frame);
    const auto error = take(wire::Frame::kError);
    EXPECT_EQ(error.request(), request);
    return static_cast<Errc>(error.error().code());
}

bool Line::quiet(wire::Frame::BodyCase kind) {
    wire::Frame frame;
    frame.mutable_fetch_held();
    EXPECT_EQ(refused(frame), Errc::unsupported);
    return std::ranges::none_of(kept_, [kind](const auto& kept) { return kept.body_case() == kind; });
}

// ---- Letter -------------------------------------------------------------------------------------------------------

wire::DeviceHeader device_header(const EnrolmentId& to) {
    wire::DeviceHeader header;
    header.set_recipient(to.string());
    header.set_wrapped_key(std::string(32, 'c'));
    header.set_tag(std::string(16, 't'));
    return header;
}
wire::Frame Letter::frame(std::uint32_t request) const {
    wire::Frame frame;
    frame.set_request(request);
    auto& submit = *frame.mutable_submit();
    submit.set_envelope_id(id.string());
    submit.set_partial(partial);
    auto& body = *submit.mutable_body();
    body.set_header(to_string(SharedHeader{suite_1, lane, expires_at, bucket}.encode()));
    body.set_ephemeral(std::string(32, 'e'));
    body.set_commitment(std::string(32, 'k'));
    body.set_sealed(std::string(limits::buckets_bytes[bucket], static_cast<char>(text)));
    for (const auto& device : to)
        *submit.add_headers() = device_header(device);
    return frame;
}
wire::EnvelopeRef ref_of(const wire::Delivery& delivery) {
    wire::EnvelopeRef ref;
    ref.set_lane(delivery.lane());
    ref.set_envelope_id(delivery.envelope_id());
    return ref;
}
wire::Frame ack_of(const wire::Delivery& delivery) {
    wire::Frame frame;
    *frame.mutable_ack()->add_envelopes() = ref_of(delivery);
    return frame;
}

// ---- RelayProcess -------------------------------------------------------------------------------------------------

void RelayOnly::on_frame(server::Session& session, wire::Frame& frame) {
    EXPECT_TRUE(core_.on_frame(session, frame)) << "not the relay's: " << frame.body_case();
}

RelayProcess::RelayProcess(const std::filesystem::path& folder, server::MailboxStore& store, Force& force,
                           const Clock& clock)
    : relay_({loops_, store, force, clock, server::Log::none()}) {
    server::LinkConfig config;
    config.listen = {{"127.0.0.1", 0}};
    config.certificate_file = folder / "cert.pem";
    config.private_key_file = folder / "key.pem";
    config.times.tick = Millis(5);
    config.times.closing = Millis(300);
    std::vector<server::SessionHandler*> handlers;
    for (std::size_t core = 0; core < loops_.size(); ++core) {
        handlers_.push_back(std::make_unique<RelayOnly>(relay_.core(core)));
        handlers.push_back(handlers_.back().get());
    }
    link_ = std::make_unique<server::LinkServer>(config, loops_, force, handlers, server::Log::none());
    EXPECT_TRUE(link_->start().has_value());
}
RelayProcess::~RelayProcess() {
    link_->shutdown();
    loops_.stop();
}

// ---- RelayLink ----------------------------------------------------------------------------------------------------

RelayLink::RelayLink()
    : folder(std::filesystem::temp_directory_path() / ("melder_relay_" + system_random().id<EnvelopeId>().hex())) {
    std::filesystem::create_directories(folder);
    const auto identity = server::make_tls_identity();
    std::ofstream(folder / "cert.pem") << identity.certificate_pem;
    std::ofstream(folder / "key.pem") << as_chars(identity.private_key_pem.expose());
    process = std::make_unique<RelayProcess>(folder, store, force, clock);
}
RelayLink::~RelayLink() {
    process.reset();
    std::filesystem::remove_all(folder);
}

std::unique_ptr<Line> RelayLink::online(const Phone& phone) {
    auto line = log_in(phone);
    EXPECT_EQ(line->drain(), 0U);
    return line;
}

wire::RecipientResult RelayLink::submit(Line& from, const Letter& letter) {
    const auto request = from.next_request();
    from.send(letter.frame(request));
    const auto answer = from.take(wire::Frame::kSubmitResult);
    EXPECT_EQ(answer.request(), request);
    EXPECT_EQ(answer.submit_result().envelope_id(), letter.id.string());
    EXPECT_EQ(answer.submit_result().results_size(), 1);
    return answer.submit_result().results_size() == 1 ? answer.submit_result().results(0) : wire::RecipientResult();
}

std::uint32_t RelayLink::stored(const Phone& phone, Lane lane) {
    std::promise<std::uint32_t> waiting;
    store.summarise(
        phone.id, [](const std::function<void()>& work) { work(); },
        [&](const Result<server::MailboxSummary>& summary) {
            waiting.set_value(summary->lanes[static_cast<std::size_t>(lane)].waiting);
        });
    return waiting.get_future().get();
}

}  // namespace melder::relay::test
