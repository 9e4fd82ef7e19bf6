// Grants and bindings.

#include "keyserver/keyserver.hpp"
#include "keyserver/log_draft.hpp"
#include "keyserver/store_calls.hpp"

namespace melder::keyserver {
namespace {

bool names_device(const server::DirectoryChange& change, const EnrolmentId& device) {
    return std::ranges::find(change.devices, device, &server::DeviceRow::device) != change.devices.end();
}

Result<SignedBinding> binding_from(const wire::SignedBinding& message) {
    SignedBinding binding;
    binding.body = to_bytes(view(message.body()));
    MELDER_TRY(binding.enrolment_signature, to_array<64>(view(message.enrolment_signature())));
    MELDER_TRY(binding.identity_signature, to_array<64>(view(message.identity_signature())));
    return binding;
}

}  // namespace

Result<server::DeviceRow> Keyserver::load_device(const EnrolmentId& device) const {
    using Rows = std::vector<std::optional<server::DeviceRow>>;
    MELDER_TRY(auto rows,
               wait_for<Rows>([&](auto executor, auto done) { store_.load_devices({device}, executor, done); }));
    if (rows.empty() || !rows.front()) return Errc::unknown_device;
    return std::move(*rows.front());
}

Result<std::vector<std::optional<server::DeviceRow>>> Keyserver::load_devices(
    const std::vector<EnrolmentId>& devices) const {
    using Rows = std::vector<std::optional<server::DeviceRow>>;
    return wait_for<Rows>([&](auto executor, auto done) { store_.load_devices(devices, executor, done); });
}

Result<SignedBytes> Keyserver::open_grant(const server::DeviceRow& row) const {
    MELDER_TRY(const auto opened, config_.directory_key.open("grant", row.device.view(), row.sealed_grant));
    return SignedBytes::parse(opened.expose());
}

Bytes Keyserver::seal_grant(const EnrolmentId& device, const SignedBytes& document) const {
    return config_.directory_key.seal("grant", device.view(), document.encode(), random_);
}

Result<wire::Credential> Keyserver::credential_of(const server::DeviceRow& row) const {
    MELDER_TRY(const auto grant, open_grant(row));
    wire::Credential credential;
    *credential.mutable_grant() = grant.to_wire();
    if (!row.bound) return credential;
    const auto read = [](const Bytes& bytes, google::protobuf::MessageLite& message) {
        return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    };
    if (!read(row.bound->binding, *credential.mutable_binding()) ||
        !read(row.bound->date, *credential.mutable_date())) {
        return Error(Errc::store_corrupt, "a stored binding cannot be read");
    }
    if (row.grant_version > 1) credential.set_first_grant_sha256(row.first_grant.string());
    return credential;
}

Result<std::pair<server::DeviceRow, std::optional<server::NumberRow>>> Keyserver::judge_one(
    const SignedBytes& document, const TrustList& trust, const SignerWindow& window,
    Result<server::DeviceRow> present) {
    std::optional<SignedBytes> previous_document;
    std::optional<Grant> previous;
    if (present.has_value()) {
        MELDER_TRY(previous_document, open_grant(*present));
        MELDER_TRY(previous, Grant::parse(previous_document->body));
    } else if (present.error().code() != Errc::unknown_device) {
        return present.error();
    }
    MELDER_TRY(const auto verdict, judge_grant(document, trust, previous_document ? &*previous_document : nullptr,
                                               previous ? &*previous : nullptr, window, clock_.wall()));
    const auto& grant = verdict.grant;
    if (verdict.repeated) return std::pair(std::move(*present), std::optional<server::NumberRow>());

    auto row = present.has_value() ? std::move(*present) : server::DeviceRow{};
    if (row.revision == 0) {
        for (const auto& replaced : grant.replaces) {
            MELDER_TRY(const auto old, load_device(replaced));
            if (old.officer != grant.officer_id || old.app != grant.app) {
                return Error(Errc::credential_invalid, "a grant replaces devices of its own officer and app only");
            }
        }
        row.device = grant.enrolment_id;
        row.officer = grant.officer_id;
        row.app = grant.app;
        row.enrolment_key = grant.enrolment_key;
        row.bind_before = grant.bind_before;
        row.first_grant = document.body_hash();
    }
    row.sealed_former_grant.clear();
    set_grant(row, grant, document);
    std::optional<server::NumberRow> number;
    const bool numbered_before = previous && previous->service_number == grant.service_number;
    if (!grant.service_number.empty() && !numbered_before) {
        number = {config_.directory_key.lookup("service-number", grant.service_number), grant.officer_id};
    }
    return std::pair(std::move(row), number);
}

Result<wire::GrantsReply> Keyserver::put_grants(const server::Peer& peer, const wire::PutGrants& request) {
    if (!may_grant(peer.rights)) return Errc::missing_right;
    if (request.grants_size() == 0) return Errc::malformed;
    wire::GrantsReply reply;
    server::DirectoryChange change;
    bool refused = false;
    const auto window = grants_signed_;
    const auto trust = trust_->remembering();
    for (const auto& message : request.grants()) {
        auto& result = *reply.add_results();
        MELDER_TRY(const auto document, SignedBytes::from(message));
        const auto claimed = Grant::parse(document.body);
        if (claimed.has_value()) result.set_enrolment_id(claimed->enrolment_id.string());
        auto judged = claimed.has_error()
                          ? Result<std::pair<server::DeviceRow, std::optional<server::NumberRow>>>(claimed.error())
                          : judge_one(document, trust, grants_signed_, load_device(claimed->enrolment_id));
        if (judged.has_value() && names_device(change, judged->first.device)) judged = Errc::malformed;
        if (judged.has_error()) {
            result.set_code(static_cast<std::uint32_t>(judged.error().code()));
            refused = true;
            continue;
        }
        for (const auto& key : signers_of(document, *trust_))
            grants_signed_.add(key, clock_.wall());
        change.devices.push_back(std::move(judged->first));
        if (judged->second) change.numbers.push_back(*judged->second);
    }
    if (!refused) {
        change.grants_signed = grants_signed_.counts(clock_.wall());
        auto committed = commit_change(std::move(change));
        if (committed.has_value()) {
            log_.info("grants_accepted", {{"admin", peer.admin_key}, {"count", request.grants_size()}});
            return reply;
        }
        grants_signed_ = window;
        return committed.error();
    }
    grants_signed_ = window;
    log_.warn("grants_refused", {{"admin", peer.admin_key}, {"count", request.grants_size()}});
    return reply;
}

void Keyserver::note_refused_enrolment(BytesView enrol_body, Errc why) {
    wire::EnrolBody body;
    if (!body.ParseFromArray(enrol_body.data(), static_cast<int>(enrol_body.size()))) return;
    const auto id = EnrolmentId::from(std::string_view(body.enrolment_id()));
    if (id.has_value()) tries_.note(*id, why);
}

Result<wire::Enrolled> Keyserver::enrol(BytesView enrol_body) {
    wire::EnrolBody body;
    if (!body.ParseFromArray(enrol_body.data(), static_cast<int>(enrol_body.size()))) return Errc::malformed;
    MELDER_TRY(const auto id, EnrolmentId::from(std::string_view(body.enrolment_id())));
    MELDER_TRY(const auto signed_binding, binding_from(body.binding()));
    auto row = load_device(id);
    if (row.has_error() && row.error().code() != Errc::unknown_device) return row.error();

    std::optional<EnrolmentState> state;
    if (row.has_value()) {
        state = EnrolmentState{.bind_before = row->bind_before,
                               .not_after = row->not_after,
                               .standing = row->standing,
                               .binding = std::nullopt,
                               .enrolment_key = row->enrolment_key};
        if (row->bound) {
            wire::SignedBinding bound;
            if (!bound.ParseFromArray(row->bound->binding.data(), static_cast<int>(row->bound->binding.size()))) {
                return Error(Errc::store_corrupt, "a stored binding cannot be read");
            }
            state->binding = sha256(view(bound.body()));
        }
    }
    const auto now = clock_.wall();
    const auto verdict = judge_enrolment(state ? &*state : nullptr, signed_binding, *trust_, now);
    if (verdict.has_error()) {
        if (state) tries_.note(id, verdict.error().code());
        log_.warn(verdict.error() == Errc::already_bound ? "second_binding_refused" : "enrolment_refused",
                  {{"device", id}, {"code", verdict.error().code()}});
        return verdict.error();
    }
    wire::Enrolled reply;
    if (*verdict == EnrolmentVerdict::same_binding) {
        MELDER_TRY(*reply.mutable_credential(), credential_of(*row));
        return reply;
    }

    MELDER_TRY(const auto binding, Binding::parse(signed_binding.body));
    if (binding.enrolment_id != id) return Errc::credential_invalid;
    SignedBytes date;
    {
        const std::shared_lock lock(mutex_);
        date = date_binding(row->first_grant, sha256(signed_binding.body), now, statement_seed_);
    }
    row->bound = server::BoundRow{.identity_key = binding.identity_key,
                                  .login_key = binding.login_key,
                                  .registration_id = binding.registration_id,
                                  .bound_at = now,
                                  .binding = to_bytes(view(body.binding().SerializeAsString())),
                                  .date = date.encode()};
    MELDER_TRY(*reply.mutable_credential(), credential_of(*row));
    // What is handed out must convince the peers: the same check as theirs.
    MELDER_TRY(const auto credential, Credential::verify(reply.credential(), *trust_));
    if (credential.grant().replaces.empty()) {
        server::DirectoryChange change;
        change.devices.push_back(std::move(*row));
        MELDER_CHECK(commit_change(std::move(change)));
    } else {
        LogDraft draft(book_);
        draft.add(std::move(*row));
        wire::LogEntry entry;
        entry.set_index(draft.book.size());
        entry.set_time_s(static_cast<std::uint64_t>(now.seconds()));
        *entry.mutable_replacing() = reply.credential();
        MELDER_CHECK(draft_entry(draft, entry, *trust_));
        MELDER_CHECK(commit(std::move(draft)));
    }
    log_.info("device_enrolled", {{"device", id}});
    MELDER_CHECK(shown_in_view());  // it may log in on the same connection; after `busy` the same answer comes again
    return reply;
}

Result<wire::OwnGrant> Keyserver::fetch_own_grant(const server::Peer& peer) const {
    MELDER_TRY(const auto row, load_device(peer.device));
    wire::OwnGrant reply;
    MELDER_TRY(*reply.mutable_credential(), credential_of(row));
    return reply;
}

Result<wire::GrantReply> Keyserver::fetch_grant(const server::Peer& peer, const wire::FetchGrant& request) const {
    if (!may_grant(peer.rights)) return Errc::missing_right;
    MELDER_TRY(const auto device, EnrolmentId::from(std::string_view(request.enrolment_id())));
    MELDER_TRY(const auto row, load_device(device));
    MELDER_TRY(const auto grant, open_grant(row));
    wire::GrantReply reply;
    *reply.mutable_grant() = grant.to_wire();
    return reply;
}

Result<void> Keyserver::upload_receipt(const server::Peer& peer, const wire::UploadReceipt& request) {
    wire::OrderReceiptBody body;
    if (!body.ParseFromString(request.receipt().body())) return Errc::malformed;
    MELDER_TRY(const auto device, EnrolmentId::from(std::string_view(body.enrolment_id())));
    MELDER_TRY(const auto order, Hash::from(std::string_view(body.order_sha256())));
    if (device != peer.device) return Errc::not_allowed;
    MELDER_TRY(const auto row, load_device(device));
    if (!row.bound) return Errc::unknown_device;
    MELDER_CHECK(verify_p256(row.bound->login_key, signing_input(Context::receipt, view(request.receipt().body())),
                             view(request.receipt().signature())));
    server::DirectoryChange change;
    change.receipts.push_back({device, order, to_bytes(view(request.receipt().SerializeAsString()))});
    MELDER_CHECK(commit_change(std::move(change)));
    return ok();
}

}  // namespace melder::keyserver
