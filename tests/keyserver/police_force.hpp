#pragma once
// A small force around a keyserver on the memory store, in virtual time, everything inline.

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <unistd.h>

#include "keyserver/keyserver_core.hpp"
#include "keyserver/login_authority.hpp"
#include "server/stores/memory/directory_store.hpp"

namespace melder::keyserver::testing {

inline const server::Executor inline_executor = [](const std::function<void()>& work) { work(); };

struct Phone {
    EnrolmentId id;
    Ed25519Seed enrolment_seed;
    X25519KeyPair identity;
    P256KeyPair login;
    OfficerId officer;
};

class PoliceForce : public ::testing::Test {
protected:
    PoliceForce() {
        static int count = 0;
        copy_file_ = std::filesystem::temp_directory_path() /
                     ("melder-order-log-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
        list_ = sign_list(1);
        start();
    }
    ~PoliceForce() override {
        stop();
        std::filesystem::remove(copy_file_);
    }

    [[nodiscard]] SignedBytes sign_list(std::uint64_t version, KeyState chief = KeyState::active) {
        TrustList::Fields fields;
        fields.version = version;
        fields.issued_at = clock_.wall();
        fields.not_after = clock_.wall() + std::chrono::hours(24 * 300);
        const auto admin = [](const Ed25519Seed& seed, std::vector<Right> rights) {
            return AdminKey{.key = ed25519_public_of(seed), .rights = std::move(rights)};
        };
        fields.admin_keys = {
            admin(chief_, {Right::enrol, Right::directory, Right::leaders, Right::revoke}),
            admin(deputy_, {Right::enrol, Right::revoke}),
            admin(clerk_, {Right::enrol}),
        };
        fields.admin_keys[0].state = chief;
        fields.statement_keys = {ed25519_public_of(statement_)};
        for (const auto role : {ServerRole::relay, ServerRole::keyserver}) {
            fields.pins.push_back({random_.id<Hash>(), role});
            fields.pins.push_back({random_.id<Hash>(), role});
        }
        fields.longest_retention_s = 14 * 86400;
        fields.longest_lease_s = 86400;
        fields.longest_history_s = 0;
        fields.longest_code_validity_s = 30 * 86400;
        SignedBytes document{.body = TrustList::encode(fields).value(), .signatures = {}};
        sign(document, Context::trust_list, root_);
        return document;
    }

    [[nodiscard]] Result<void> try_start(bool restored = false) {
        stop();
        store_ = std::make_unique<server::MemoryDirectoryStore>(rows_, epoch_);
        view_ = std::make_unique<server::DirectoryView>(clock_);
        RootSet roots;
        roots.keys = {ed25519_public_of(root_)};
        KeyserverConfig config{.roots = roots,
                               .trust_list = list_,
                               .statement_seed = statement_.clone(),
                               .directory_key = DirectoryKey(master_),
                               .order_log_copy_file = copy_file_,
                               .restored = restored,
                               .server_version = "test",
                               .take_limits = take_limits_};
        auto opened = Keyserver::open(std::move(config), *store_, *view_, clock_, random_, server::Log::none());
        if (opened.has_error()) return opened.error();
        keyserver_ = std::move(*opened);
        feed_ = view_->follow(*store_, inline_executor);
        authority_ = std::make_unique<KeyserverAuthority>(*keyserver_, *view_, lanes_, clock_,
                                                          std::vector{wire::SERVICE_RELAY, wire::SERVICE_KEYSERVER});
        return ok();
    }
    void start(bool restored = false) {
        const auto started = try_start(restored);
        ASSERT_FALSE(started.has_error()) << started.error();
    }
    void stop() {
        authority_.reset();
        feed_.reset();
        keyserver_.reset();
        view_.reset();
        store_.reset();
    }

    [[nodiscard]] server::Peer admin(const Ed25519Seed& seed) const {
        server::Peer peer;
        peer.kind = server::Peer::Kind::admin;
        peer.admin_key = key_id_of(ed25519_public_of(seed));
        peer.rights = keyserver_->trust()->find_admin(peer.admin_key)->rights;
        return peer;
    }
    [[nodiscard]] static server::Peer peer_of(const Phone& phone) {
        server::Peer peer;
        peer.device = phone.id;
        peer.officer = phone.officer;
        peer.app = std::string(default_app);
        return peer;
    }

    [[nodiscard]] Phone new_phone(OfficerId officer) {
        return {random_.id<EnrolmentId>(), random_.secret<Ed25519Seed>(), generate_x25519(random_), generate_p256(),
                officer};
    }
    [[nodiscard]] Grant grant_for(const Phone& phone) const {
        Grant grant;
        grant.enrolment_id = phone.id;
        grant.bind_before = clock_.wall() + std::chrono::hours(24);
        grant.officer_id = phone.officer;
        grant.display_name = "POK Meier";
        grant.service_number = "4711-" + phone.officer.hex().substr(0, 4);
        grant.unit = UnitPath::parse("LKA/K5").value();
        grant.roles = {Role::member};
        grant.enrolment_key = ed25519_public_of(phone.enrolment_seed);
        grant.not_before = clock_.wall() - std::chrono::hours(1);
        grant.not_after = clock_.wall() + std::chrono::hours(24 * 100);
        return grant;
    }
    [[nodiscard]] static SignedBytes signed_grant(const Grant& grant, std::initializer_list<const Ed25519Seed*> seeds) {
        SignedBytes document{.body = grant.encode().value(), .signatures = {}};
        for (const auto* seed : seeds)
            sign(document, Context::grant, *seed);
        return document;
    }
    [[nodiscard]] Errc put_grant(const SignedBytes& document) {
        wire::PutGrants request;
        *request.add_grants() = document.to_wire();
        const auto reply = keyserver_->put_grants(admin(chief_), request);
        return reply.has_error() ? reply.error().code() : static_cast<Errc>(reply->results(0).code());
    }
    [[nodiscard]] Bytes enrol_body(const Phone& phone) {
        const Binding binding{.enrolment_id = phone.id,
                              .identity_key = phone.identity.public_key,
                              .login_key = phone.login.public_key,
                              .registration_id = 77};
        const auto bound = sign_binding(binding, phone.enrolment_seed, phone.identity.private_key, random_);
        wire::EnrolBody body;
        body.set_enrolment_id(phone.id.string());
        body.set_version(1);
        body.mutable_binding()->set_body(to_string(bound.body));
        body.mutable_binding()->set_enrolment_signature(to_string(bound.enrolment_signature));
        body.mutable_binding()->set_identity_signature(to_string(bound.identity_signature));
        return to_bytes(view(body.SerializeAsString()));
    }
    /// A phone in service.
    [[nodiscard]] Phone enrolled(OfficerId officer) {
        auto phone = new_phone(officer);
        EXPECT_EQ(put_grant(signed_grant(grant_for(phone), {&chief_})), Errc{});
        const auto reply = keyserver_->enrol(enrol_body(phone));
        EXPECT_FALSE(reply.has_error()) << reply.error();
        return phone;
    }
    [[nodiscard]] SignedBytes order(OrderKind kind, const EnrolmentId& target,
                                    std::initializer_list<const Ed25519Seed*> seeds, Bytes detail = {}) {
        wire::FetchOrderState query;
        query.set_target(target.string());
        const auto state = keyserver_->fetch_order_state(query).value();
        Order order;
        order.kind = kind;
        order.target = target;
        order.counter = state.counter() + 1;
        if (!state.last_sha256().empty()) order.previous = Hash::from(std::string_view(state.last_sha256())).value();
        order.issued_at = clock_.wall();
        order.reason = random_.id<Hash>();
        order.detail = std::move(detail);
        SignedBytes document{.body = order.encode(), .signatures = {}};
        for (const auto* seed : seeds)
            sign(document, Context::order, *seed);
        return document;
    }
    [[nodiscard]] Errc put_orders(std::initializer_list<SignedBytes> orders) {
        wire::PutOrders request;
        for (const auto& document : orders)
            *request.add_orders() = document.to_wire();
        const auto result = keyserver_->put_orders(admin(chief_), request);
        return result.has_error() ? result.error().code() : Errc{};
    }
    [[nodiscard]] std::uint64_t log_size() const { return keyserver_->fetch_log({}).value().log_size(); }

    [[nodiscard]] Errc upload(const Phone& phone, std::uint32_t first, std::uint32_t count,
                              std::uint32_t signed_id = 1) {
        wire::UploadPrekeys request;
        auto& prekey = *request.mutable_upload()->mutable_signed_prekey();
        const auto key = to_djb_key(generate_x25519(random_).public_key);
        prekey.set_id(signed_id);
        prekey.set_public_key(to_string(key));
        prekey.set_signature(to_string(sign_xeddsa(phone.identity.private_key, key, random_)));
        for (std::uint32_t i = 0; i < count; ++i) {
            auto& one = *request.mutable_upload()->add_one_time();
            one.set_id(first + i);
            one.set_public_key(to_string(to_djb_key(generate_x25519(random_).public_key)));
        }
        const auto result = keyserver_->upload_prekeys(peer_of(phone), request);
        return result.has_error() ? result.error().code() : Errc{};
    }
    [[nodiscard]] wire::BundleResult take(const Phone& source, const Phone& target) {
        wire::TakeBundles request;
        request.add_devices(target.id.string());
        return keyserver_->take_bundles(peer_of(source), request).value().at(0).results(0);
    }

    ManualClock clock_;
    SeededRandom random_{1};
    Ed25519Seed root_ = random_.secret<Ed25519Seed>(), statement_ = random_.secret<Ed25519Seed>();
    Ed25519Seed chief_ = random_.secret<Ed25519Seed>(), deputy_ = random_.secret<Ed25519Seed>();
    Ed25519Seed clerk_ = random_.secret<Ed25519Seed>();
    DirectoryKey::Master master_ = random_.secret<DirectoryKey::Master>();
    StoreEpoch epoch_ = random_.id<StoreEpoch>();
    OfficerId meier_ = random_.id<OfficerId>(), schulz_ = random_.id<OfficerId>();
    SignedBytes list_;
    std::filesystem::path copy_file_;
    server::MemoryRows rows_;
    TakeLimits take_limits_;
    KeyserverLanes lanes_{inline_executor, inline_executor};
    std::unique_ptr<server::MemoryDirectoryStore> store_;
    std::unique_ptr<server::DirectoryView> view_;
    std::unique_ptr<Keyserver> keyserver_;
    std::unique_ptr<KeyserverAuthority> authority_;
    std::shared_ptr<void> feed_;
};

}  // namespace melder::keyserver::testing
