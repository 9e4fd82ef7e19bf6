#include "bench/enrolment_phone.hpp"

#include <ctime>
#include <filesystem>
#include <stdexcept>

#include <stdlib.h>

#include "client/login_key.hpp"
#include "sdk/account/prekey_stock.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::bench {
namespace {

constexpr auto reply_deadline = std::chrono::seconds(30);  // the SDK's

double thread_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

class Place {
public:
    Place() {
        auto name = (std::filesystem::temp_directory_path() / "melder-phone-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
        folder_ = name;
    }
    ~Place() { std::filesystem::remove_all(folder_); }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    [[nodiscard]] std::filesystem::path file(const char* name) const { return folder_ / name; }

private:
    std::filesystem::path folder_;
};

Result<Phone> make(const EnrolmentId& device, Ed25519Seed seed) {
    auto& random = system_random();
    const auto now = system_clock().wall();
    const Place place;
    sdk::FilePlatformKeys keys(place.file("device-key"));
    MELDER_TRY(const auto vault, sdk::Vault::open({place.file("vault"), keys, random, true}));
    Phone phone{std::move(seed), {}, {}};
    phone.own = sdk::OwnDevice::make(device, phone.enrolment, random);
    auto transaction = vault->begin(now);
    MELDER_CHECK(sdk::save_own_device(transaction, phone.own));
    MELDER_CHECK(transaction.commit(sdk::Sync::durable));
    auto second = vault->begin(now);
    MELDER_TRY(phone.prekeys,
               sdk::make_prekeys(second, phone.own, {.rotate = true, .one_time = limits::one_time_prekeys}, random));
    MELDER_CHECK(second.commit(sdk::Sync::durable));
    return phone;
}

}  // namespace

Result<Phone> prepare(const PrintedCode& printed, PreparationTimes& times) {
    const auto begun = thread_seconds();
    MELDER_TRY(const auto code, EnrolmentCode::parse(printed.code));
    MELDER_TRY(auto seed, code.enrolment_seed(printed.second_part));
    const auto derived = thread_seconds();
    auto phone = make(code.enrolment_id(), std::move(seed));
    times.code += derived - begun;
    times.keys += thread_seconds() - derived;
    return phone;
}

Enrolling::Enrolling(const boost::asio::any_io_executor& executor, const Phone& phone)
    : phone_(phone), key_(phone.own.login.private_key.clone()), link_(executor, client::make_socket_stream, {}) {}

void Enrolling::start(std::uint16_t port, const client::ServerTrust& trust, Done done) {
    done_ = std::move(done);
    link_.on_closed([this](const Error& why) { end(why); });
    link_.connect({.host = "127.0.0.1", .port = port}, trust, [this](Result<client::ServerHello> hello) {
        if (hello.has_error()) return end(hello.error());
        on_hello(*hello);
    });
}

void Enrolling::on_hello(const client::ServerHello& hello) {
    const auto binding = phone_.own.signed_binding(phone_.enrolment);
    if (binding.has_error()) return end(binding.error());
    link_.enrol(phone_.own.id(), *binding, phone_.enrolment, [this, hello](Result<wire::Credential> credential) {
        if (credential.has_error()) return end(credential.error());
        on_credential(hello, *credential);
    });
}

void Enrolling::on_credential(const client::ServerHello& hello, const wire::Credential& credential) {
    const auto verified = Credential::verify(credential, *hello.trust);
    if (verified.has_error()) return end(verified.error());
    if (!phone_.own.is_certified_by(*verified)) return end(Errc::credential_invalid);
    log_in();
}

void Enrolling::log_in() {
    client::DeviceLogin login;
    login.device = phone_.own.id();
    login.client_version = "melder bench";
    link_.login(std::move(login), key_, [this](Result<wire::Welcome> welcome) {
        if (welcome.has_error()) return end(welcome.error());
        upload();
    });
}

void Enrolling::upload() {
    wire::Frame frame;
    *frame.mutable_upload_prekeys()->mutable_upload() = phone_.prekeys;
    link_.request(std::move(frame), reply_deadline,
                  [this](Result<wire::Frame> reply) { end(reply.has_error() ? Result<void>(reply.error()) : ok()); });
}

/// Once: what closes the connection afterwards is not news.
void Enrolling::end(const Result<void>& outcome) {
    if (const auto done = std::exchange(done_, nullptr)) done(outcome);
}

}  // namespace melder::bench
