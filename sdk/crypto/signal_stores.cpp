#include "sdk/crypto/signal_stores.hpp"

namespace melder::sdk {
namespace {

SignalStage& of(void* user) {
    return *static_cast<SignalStage*>(user);
}

int fail(SignalStage& stage, const Error& error) {
    if (!stage.failure) stage.failure = error;
    return SG_ERR_UNKNOWN;
}

/// A buffer that libsignal will free.
int give(signal_buffer** output, BytesView bytes) {
    *output = signal_buffer_create(bytes.data(), bytes.size());
    return *output != nullptr ? SG_SUCCESS : SG_ERR_NOMEM;
}

// ---- sessions

int load_session(signal_buffer** record, signal_buffer** user_record, const signal_protocol_address*, void* user) {
    auto& stage = of(user);
    *user_record = nullptr;
    const auto found = stage.session();
    if (found.has_error()) return fail(stage, found.error());
    if (*found == nullptr) return 0;
    return give(record, (*found)->expose()) == SG_SUCCESS ? 1 : SG_ERR_NOMEM;
}
int get_sub_device_sessions(signal_int_list** sessions, const char*, std::size_t, void*) {
    *sessions = signal_int_list_alloc();
    return *sessions != nullptr ? 0 : SG_ERR_NOMEM;
}
int store_session(const signal_protocol_address*, std::uint8_t* record, std::size_t size, std::uint8_t*, std::size_t,
                  void* user) {
    of(user).stage_session({record, size});
    return SG_SUCCESS;
}
int contains_session(const signal_protocol_address*, void* user) {
    auto& stage = of(user);
    const auto found = stage.session();
    if (found.has_error()) return fail(stage, found.error());
    return *found != nullptr ? 1 : 0;
}
// The layer never deletes through libsignal.
int delete_session(const signal_protocol_address*, void*) {
    return 0;
}
int delete_all_sessions(const char*, std::size_t, void*) {
    return 0;
}

// ---- one-time prekeys

int load_pre_key(signal_buffer** record, std::uint32_t id, void* user) {
    auto& stage = of(user);
    const auto found = stage.store.load_one_time_prekey(id);
    if (found.has_error()) return fail(stage, found.error());
    if (!found->has_value() || stage.writes.removed_one_time_prekey == id) return SG_ERR_INVALID_KEY_ID;
    const auto pair = make_key_pair(**found, stage.context);
    SignalHandle<session_pre_key> pre_key;
    if (!pair || session_pre_key_create(out(pre_key), id, pair.get()) != SG_SUCCESS) return SG_ERR_NOMEM;
    return session_pre_key_serialize(record, pre_key.get());
}
int store_pre_key(std::uint32_t, std::uint8_t*, std::size_t, void*) {
    return SG_ERR_INVAL;
}
int contains_pre_key(std::uint32_t id, void* user) {
    auto& stage = of(user);
    const auto found = stage.store.load_one_time_prekey(id);
    if (found.has_error()) return fail(stage, found.error());
    return found->has_value() && stage.writes.removed_one_time_prekey != id ? 1 : 0;
}
int remove_pre_key(std::uint32_t id, void* user) {
    of(user).writes.removed_one_time_prekey = id;
    return SG_SUCCESS;
}

// ---- signed prekeys

int load_signed_pre_key(signal_buffer** record, std::uint32_t id, void* user) {
    auto& stage = of(user);
    const auto found = stage.store.load_signed_prekey(id);
    if (found.has_error()) return fail(stage, found.error());
    if (!found->has_value()) return SG_ERR_INVALID_KEY_ID;
    const auto& prekey = **found;
    const auto pair = make_key_pair(prekey.keys, stage.context);
    SignalHandle<session_signed_pre_key> pre_key;
    if (!pair || session_signed_pre_key_create(out(pre_key), id, prekey.created_ms, pair.get(), prekey.signature.data(),
                                               prekey.signature.size()) != SG_SUCCESS) {
        return SG_ERR_NOMEM;
    }
    return session_signed_pre_key_serialize(record, pre_key.get());
}
int store_signed_pre_key(std::uint32_t, std::uint8_t*, std::size_t, void*) {
    return SG_ERR_INVAL;
}
int contains_signed_pre_key(std::uint32_t id, void* user) {
    auto& stage = of(user);
    const auto found = stage.store.load_signed_prekey(id);
    if (found.has_error()) return fail(stage, found.error());
    return found->has_value() ? 1 : 0;
}
int remove_signed_pre_key(std::uint32_t, void*) {
    return SG_ERR_INVAL;
}

// ---- identities

int get_identity_key_pair(signal_buffer** public_data, signal_buffer** private_data, void* user) {
    auto& stage = of(user);
    const auto identity = stage.store.load_identity();
    if (identity.has_error()) return fail(stage, identity.error());
    if (const int given = give(public_data, to_djb_key(identity->public_key)); given != SG_SUCCESS) return given;
    return give(private_data, identity->private_key.expose());
}
int get_local_registration_id(void* user, std::uint32_t* id) {
    auto& stage = of(user);
    const auto found = stage.store.load_registration_id();
    if (found.has_error()) return fail(stage, found.error());
    *id = *found;
    return SG_SUCCESS;
}
bool is_certified(const SignalStage& stage, BytesView key) {
    return equal(key, to_djb_key(stage.peer.identity_key));
}
int save_identity(const signal_protocol_address*, std::uint8_t* key, std::size_t size, void* user) {
    auto& stage = of(user);
    if (!is_certified(stage, {key, size})) return fail(stage, Errc::identity_changed);
    stage.writes.trusted_identity = stage.peer.identity_key;
    return SG_SUCCESS;
}
int is_trusted_identity(const signal_protocol_address*, std::uint8_t* key, std::size_t size, void* user) {
    return is_certified(of(user), {key, size}) ? 1 : 0;
}

void nothing_to_destroy(void*) {}

}  // namespace

Result<const SecretBuffer*> SignalStage::session() {
    if (staged_) return &*staged_;
    if (!looked_) {
        MELDER_TRY(const auto kept, store.load_session(peer.device));
        if (kept) {
            MELDER_TRY(stored_, KeptRecord::split(kept->expose()));
        }
        looked_ = true;
    }
    return stored_ ? &stored_->record : nullptr;
}

Result<void> SignalStage::finish_record(const std::optional<SkippedNow>& skipped) {
    if (!staged_) return ok();
    MELDER_TRY(const auto now, store.now());
    auto marks = stored_ ? std::move(stored_->marks) : std::vector<SkippedMark>();
    MELDER_TRY(writes.session_record, keep_record({std::move(*staged_), std::move(marks)}, skipped, now));
    staged_.reset();
    return ok();
}

SignalHandle<signal_protocol_store_context> make_store_context(SignalStage& stage) {
    SignalHandle<signal_protocol_store_context> context;
    if (signal_protocol_store_context_create(out(context), stage.context) != SG_SUCCESS) return nullptr;
    const signal_protocol_session_store sessions{
        load_session,   get_sub_device_sessions, store_session,      contains_session,
        delete_session, delete_all_sessions,     nothing_to_destroy, &stage};
    const signal_protocol_pre_key_store pre_keys{load_pre_key,   store_pre_key,      contains_pre_key,
                                                 remove_pre_key, nothing_to_destroy, &stage};
    const signal_protocol_signed_pre_key_store signed_pre_keys{load_signed_pre_key,     store_signed_pre_key,
                                                               contains_signed_pre_key, remove_signed_pre_key,
                                                               nothing_to_destroy,      &stage};
    const signal_protocol_identity_key_store identities{get_identity_key_pair, get_local_registration_id, save_identity,
                                                        is_trusted_identity,   nothing_to_destroy,        &stage};
    if (signal_protocol_store_context_set_session_store(context.get(), &sessions) != SG_SUCCESS ||
        signal_protocol_store_context_set_pre_key_store(context.get(), &pre_keys) != SG_SUCCESS ||
        signal_protocol_store_context_set_signed_pre_key_store(context.get(), &signed_pre_keys) != SG_SUCCESS ||
        signal_protocol_store_context_set_identity_key_store(context.get(), &identities) != SG_SUCCESS) {
        return nullptr;
    }
    return context;
}

SignalHandle<ec_public_key> make_public_key(const X25519Public& key, signal_context* context) {
    const auto encoded = to_djb_key(key);
    SignalHandle<ec_public_key> point;
    static_cast<void>(curve_decode_point(out(point), encoded.data(), encoded.size(), context));
    return point;
}

SignalHandle<ec_key_pair> make_key_pair(const X25519KeyPair& keys, signal_context* context) {
    const auto public_key = make_public_key(keys.public_key, context);
    SignalHandle<ec_private_key> private_key;
    SignalHandle<ec_key_pair> pair;
    const auto secret = keys.private_key.expose();
    if (!public_key ||
        curve_decode_private_point(out(private_key), secret.data(), secret.size(), context) != SG_SUCCESS) {
        return nullptr;
    }
    static_cast<void>(ec_key_pair_create(out(pair), public_key.get(), private_key.get()));
    return pair;
}

}  // namespace melder::sdk
