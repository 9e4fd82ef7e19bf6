#pragma once
// A small police force with fixed keys: what every test of trust starts from and then breaks in one place.

#include "core/credential.hpp"
#include "core/order_log.hpp"
#include "proto/trust.pb.h"

namespace melder::testing {

struct PoliceForce {
    SeededRandom random{7};
    Ed25519Seed root = random.secret<Ed25519Seed>();
    Ed25519Seed reserve_root = random.secret<Ed25519Seed>();
    Ed25519Seed chief = random.secret<Ed25519Seed>();   // every right
    Ed25519Seed deputy = random.secret<Ed25519Seed>();  // every right
    Ed25519Seed clerk = random.secret<Ed25519Seed>();   // directory
    Ed25519Seed issuer = random.secret<Ed25519Seed>();  // enrol
    Ed25519Seed statements = random.secret<Ed25519Seed>();
    UnixTime now{1'800'000'000'000};
    RootSet roots{1, 1, {ed25519_public_of(root), ed25519_public_of(reserve_root)}, std::nullopt};

    [[nodiscard]] TrustList::Fields fields() {
        const std::vector all{Right::enrol, Right::directory, Right::leaders, Right::revoke, Right::wipe};
        TrustList::Fields f;
        f.version = 1;
        f.issued_at = now;
        f.not_after = now + std::chrono::hours(24 * 365);
        f.admin_keys = {{ed25519_public_of(chief), all, KeyState::active, 0},
                        {ed25519_public_of(deputy), all, KeyState::active, 0},
                        {ed25519_public_of(clerk), {Right::directory}, KeyState::active, 0},
                        {ed25519_public_of(issuer), {Right::enrol}, KeyState::active, 0}};
        f.statement_keys = {ed25519_public_of(statements)};
        f.pins = {{sha256(view("a")), ServerRole::relay},
                  {sha256(view("b")), ServerRole::relay},
                  {sha256(view("a")), ServerRole::keyserver},
                  {sha256(view("b")), ServerRole::keyserver}};
        return f;
    }
    [[nodiscard]] Result<TrustList> list(const TrustList::Fields& f) {
        MELDER_TRY(auto body, TrustList::encode(f));
        SignedBytes document{std::move(body), {}};
        sign(document, Context::trust_list, root);
        return TrustList::verify(document, roots);
    }
    TrustList trust = list(fields()).value();

    struct Phone {
        Ed25519Seed enrolment;
        X25519KeyPair identity;
        P256KeyPair login = generate_p256();
        Grant grant;
        SignedBytes signed_grant;
        SignedBinding binding;
        SignedBytes date;
        [[nodiscard]] wire::Credential credential() const {
            wire::Credential out;
            *out.mutable_grant() = signed_grant.to_wire();
            out.mutable_binding()->set_body(to_string(binding.body));
            out.mutable_binding()->set_enrolment_signature(to_string(binding.enrolment_signature));
            out.mutable_binding()->set_identity_signature(to_string(binding.identity_signature));
            *out.mutable_date() = date.to_wire();
            return out;
        }
    };
    [[nodiscard]] Grant grant_for(const Ed25519Seed& enrolment) {
        Grant g;
        g.enrolment_id = random.id<EnrolmentId>();
        g.officer_id = random.id<OfficerId>();
        g.display_name = "Jürgen Groß";
        g.service_number = "4711";
        g.unit = UnitPath::parse("LKA/K5").value();
        g.roles = {Role::member};
        g.enrolment_key = ed25519_public_of(enrolment);
        g.bind_before = now + std::chrono::hours(24);
        g.not_before = now;
        g.not_after = now + std::chrono::hours(24 * 365);
        return g;
    }
    [[nodiscard]] SignedBytes sign_grant(const Grant& g, std::initializer_list<const Ed25519Seed*> signers) {
        SignedBytes document{g.encode().value(), {}};
        for (const auto* signer : signers)
            sign(document, Context::grant, *signer);
        return document;
    }
    [[nodiscard]] Phone phone(std::vector<EnrolmentId> replaces = {}) {
        Phone p;
        p.enrolment = random.secret<Ed25519Seed>();
        p.identity = generate_x25519(random);
        p.grant = grant_for(p.enrolment);
        p.grant.replaces = std::move(replaces);
        p.signed_grant = sign_grant(p.grant, {&chief});
        bind(p, now);
        return p;
    }
    void bind(Phone& p, UnixTime at) {
        p.binding = sign_binding({p.grant.enrolment_id, p.identity.public_key, p.login.public_key, 77}, p.enrolment,
                                 p.identity.private_key, random);
        p.date = date_binding(p.signed_grant.body_hash(), sha256(p.binding.body), at, statements);
    }
    [[nodiscard]] SignedBytes order(const Order& o, std::initializer_list<const Ed25519Seed*> signers) {
        SignedBytes document{o.encode(), {}};
        for (const auto* signer : signers)
            sign(document, Context::order, *signer);
        return document;
    }
    [[nodiscard]] Bytes entry(std::uint64_t index, const SignedBytes& order) {
        wire::LogEntry e;
        e.set_index(index);
        *e.mutable_order() = order.to_wire();
        return to_bytes(view(e.SerializeAsString()));
    }
};

}  // namespace melder::testing
