#include "sdk/crypto/session_layer.hpp"

#include "core/limits.hpp"
#include "sdk/crypto/curve_interposition.hpp"
#include "sdk/crypto/message_shape.hpp"
#include "sdk/crypto/signal_provider.hpp"
#include "sdk/crypto/signal_stores.hpp"

namespace melder::sdk {
namespace {

constexpr int device_id = 1;  // the enrolment id is the address; Signal's device number is always 1
constexpr std::uint32_t signal_version = 3;

/// libsignal's messages name peers, and nobody reads them: dropped.
void drop_log(int, const char*, std::size_t, void*) {}

signal_protocol_address address_of(const EnrolmentId& device) {
    return {device.chars().data(), EnrolmentId::size_bytes, device_id};
}

Errc error_of(int code) {
    switch (code) {
        case SG_ERR_NOMEM:
            return Errc::out_of_memory;
        case SG_ERR_DUPLICATE_MESSAGE:
            return Errc::replayed;
        case SG_ERR_INVALID_KEY:
            return Errc::bad_key;
        case SG_ERR_INVALID_KEY_ID:
            return Errc::unknown_prekey;
        case SG_ERR_NO_SESSION:
            return Errc::no_session;
        case SG_ERR_UNTRUSTED_IDENTITY:
            return Errc::identity_changed;
        case SG_ERR_VRF_SIG_VERIF_FAILED:
            return Errc::bad_signature;
        default:
            return Errc::undecryptable;  // -1000 and -1100 too: the operation is over, its writes are dropped
    }
}

/// What a failed call means: the store's own error, if that was the cause.
Error error_of(const SignalStage& stage, int code) {
    return stage.failure ? *stage.failure : Error(error_of(code));
}

Result<SignalHandle<session_record>> parse_record(const SecretBuffer& bytes, signal_context* context) {
    SignalHandle<session_record> record;
    const auto data = bytes.expose();
    if (session_record_deserialize(out(record), data.data(), data.size(), context) != SG_SUCCESS) {
        return Error(Errc::vault_unreadable, "a session record");
    }
    return record;
}

/// Visits the present state and the archived ones until `found` says yes.
template <class Found>
bool any_state(session_record* record, Found found) {
    if (auto* present = session_record_get_state(record); present != nullptr && found(present)) return true;
    for (auto* node = session_record_get_previous_states_head(record); node != nullptr;
         node = session_record_get_previous_states_next(node)) {
        if (found(session_record_get_previous_states_element(node))) return true;
    }
    return false;
}

/// A forged message is tried on every archived state, so there are few. Newest first; the oldest go.
Result<void> prune_archived(SignalStage& stage) {
    if (!stage.writes.session_record) return ok();
    MELDER_TRY(const auto record, parse_record(*stage.writes.session_record, stage.context));
    std::uint32_t kept = 0;
    bool changed = false;
    auto* node = session_record_get_previous_states_head(record.get());
    while (node != nullptr) {
        if (kept < limits::archived_states) {
            ++kept;
            node = session_record_get_previous_states_next(node);
        } else {
            node = session_record_get_previous_states_remove(record.get(), node);
            changed = true;
        }
    }
    if (!changed) return ok();
    SignalHandle<signal_buffer> pruned;
    if (session_record_serialize(out(pruned), record.get()) < 0) return Errc::out_of_memory;
    stage.writes.session_record.emplace(view_of(pruned.get()));
    return ok();
}

/// How far the message lies ahead of the chain it belongs to; libsignal would refuse beyond 2,000 for good.
Result<void> check_jump(session_record* record, const SignalMessageShape& shape, signal_context* context) {
    const auto ratchet_key = make_public_key(shape.ratchet_key, context);
    if (!ratchet_key) return Errc::bad_key;
    std::uint32_t next = 0;
    if (record != nullptr) {
        any_state(record, [&](session_state* state) {
            auto* chain = session_state_get_receiver_chain_key(state, ratchet_key.get());
            if (chain != nullptr) next = ratchet_chain_key_get_index(chain);
            return chain != nullptr;
        });
    }
    if (shape.counter > next && shape.counter - next > limits::counter_jump) return Errc::gap_too_large;
    return ok();
}

}  // namespace

struct SessionLayer::Impl {
    Impl(SessionStore& store_of_account, Random& random) : store(store_of_account), provider(random) {
        // The definitions must be part of every program that has sessions; whether they bind only decides the speed.
        static_cast<void>(curve_is_interposed());
        const auto callbacks = provider.callbacks();
        const int created = signal_context_create(out(context), nullptr);
        if (created != SG_SUCCESS || signal_context_set_crypto_provider(context.get(), &callbacks) != SG_SUCCESS ||
            signal_context_set_log_function(context.get(), drop_log) != SG_SUCCESS) {
            throw std::bad_alloc();
        }
    }

    /// Certified once, certified for good: a device never changes its identity key.
    Result<void> check_identity(const CertifiedPeer& peer) {
        if (is_low_order(peer.identity_key)) return Errc::bad_key;
        MELDER_TRY(const auto known, store.load_trusted_identity(peer.device));
        if (known && *known != peer.identity_key) return Errc::identity_changed;
        return ok();
    }

    struct Ciphers {
        SignalHandle<signal_protocol_store_context> stores;
        SignalHandle<session_cipher> cipher;
    };
    Result<Ciphers> make_cipher(SignalStage& stage, const signal_protocol_address& address) {
        Ciphers out_ciphers;
        out_ciphers.stores = make_store_context(stage);
        if (!out_ciphers.stores || session_cipher_create(out(out_ciphers.cipher), out_ciphers.stores.get(), &address,
                                                         context.get()) != SG_SUCCESS) {
            return Errc::out_of_memory;
        }
        return out_ciphers;
    }

    Result<DecryptedInner> finish(SignalStage& stage, int code, const SignalHandle<signal_buffer>& plaintext) {
        auto message_key = provider.take_message_key();
        if (code != SG_SUCCESS) return error_of(stage, code);
        if (stage.failure) return *stage.failure;
        if (!message_key || !plaintext) return Errc::internal;
        return DecryptedInner{SecretBuffer(view_of(plaintext.get())), std::move(*message_key), std::move(stage.writes)};
    }

    Result<DecryptedInner> decrypt_signal(const CertifiedPeer& peer, BytesView message);
    Result<DecryptedInner> decrypt_prekey(const CertifiedPeer& peer, BytesView message);
    Result<bool> creates_session(const PrekeyMessageShape& shape, session_record* record);

    SessionStore& store;
    SignalProvider provider;
    SignalHandle<signal_context> context;
};

SessionLayer::SessionLayer(SessionStore& store, Random& random) : impl_(std::make_unique<Impl>(store, random)) {}
SessionLayer::~SessionLayer() = default;

Result<StagedWrites> SessionLayer::process_bundle(const CertifiedPeer& peer, const ReceivedBundle& bundle) {
    // libsignal crashes on an empty signature and accepts low-order points: everything is checked before it is called.
    if (bundle.signed_prekey_signature.size() != 64) return Errc::bad_signature;
    MELDER_TRY(const auto signed_prekey, parse_djb_key(bundle.signed_prekey));
    MELDER_CHECK(impl_->check_identity(peer));
    MELDER_CHECK(verify_xeddsa(peer.identity_key, bundle.signed_prekey, bundle.signed_prekey_signature));
    SignalHandle<ec_public_key> one_time;
    if (bundle.one_time_prekey_id) {
        MELDER_TRY(const auto key, parse_djb_key(bundle.one_time_prekey));
        one_time = make_public_key(key, impl_->context.get());
        if (!one_time) return Errc::out_of_memory;
    }

    SignalStage stage(impl_->store, peer, impl_->context.get());
    const auto identity = make_public_key(peer.identity_key, impl_->context.get());
    const auto prekey = make_public_key(signed_prekey, impl_->context.get());
    const auto stores = make_store_context(stage);
    const auto address = address_of(peer.device);
    SignalHandle<session_pre_key_bundle> checked;
    SignalHandle<session_builder> builder;
    if (!identity || !prekey || !stores ||
        session_pre_key_bundle_create(out(checked), peer.registration_id, device_id,
                                      bundle.one_time_prekey_id.value_or(0), one_time.get(), bundle.signed_prekey_id,
                                      prekey.get(), bundle.signed_prekey_signature.data(),
                                      bundle.signed_prekey_signature.size(), identity.get()) != SG_SUCCESS ||
        session_builder_create(out(builder), stores.get(), &address, impl_->context.get()) != SG_SUCCESS) {
        return Errc::out_of_memory;
    }
    const int code = session_builder_process_pre_key_bundle(builder.get(), checked.get());
    if (code != SG_SUCCESS) return error_of(stage, code);
    if (stage.failure) return *stage.failure;
    MELDER_CHECK(prune_archived(stage));
    return std::move(stage.writes);
}

Result<EncryptedInner> SessionLayer::encrypt(const CertifiedPeer& peer, BytesView plaintext) {
    if (plaintext.size() > limits::body_bytes) return Errc::too_large;
    MELDER_CHECK(impl_->check_identity(peer));
    SignalStage stage(impl_->store, peer, impl_->context.get());
    MELDER_TRY(const auto session, stage.load_session());
    if (!session) return Errc::no_session;
    const auto address = address_of(peer.device);
    MELDER_TRY(const auto ciphers, impl_->make_cipher(stage, address));
    impl_->provider.forget();
    SignalHandle<ciphertext_message> message;
    const int code = session_cipher_encrypt(ciphers.cipher.get(), plaintext.data(), plaintext.size(), out(message));
    auto message_key = impl_->provider.take_message_key();
    if (code != SG_SUCCESS) return error_of(stage, code);
    if (stage.failure) return *stage.failure;
    if (!message_key || !message) return Errc::internal;
    const auto type =
        ciphertext_message_get_type(message.get()) == CIPHERTEXT_PREKEY_TYPE ? InnerType::prekey : InnerType::signal;
    return EncryptedInner{type, to_bytes(view_of(ciphertext_message_get_serialized(message.get()))),
                          std::move(*message_key), std::move(stage.writes)};
}

Result<DecryptedInner> SessionLayer::decrypt(const CertifiedPeer& peer, InnerType type, BytesView message) {
    MELDER_CHECK(impl_->check_identity(peer));
    impl_->provider.forget();
    return type == InnerType::prekey ? impl_->decrypt_prekey(peer, message) : impl_->decrypt_signal(peer, message);
}

Result<DecryptedInner> SessionLayer::Impl::decrypt_signal(const CertifiedPeer& peer, BytesView message) {
    MELDER_TRY(const auto shape, check_signal_message(message));
    SignalStage stage(store, peer, context.get());
    MELDER_TRY(const auto session, stage.load_session());
    if (!session) return Errc::no_session;
    MELDER_TRY(const auto record, parse_record(*session, context.get()));
    MELDER_CHECK(check_jump(record.get(), shape, context.get()));

    const auto address = address_of(peer.device);
    MELDER_TRY(const auto ciphers, make_cipher(stage, address));
    SignalHandle<signal_message> parsed;
    if (signal_message_deserialize(out(parsed), message.data(), message.size(), context.get()) != SG_SUCCESS) {
        return Errc::inner_malformed;
    }
    SignalHandle<signal_buffer> plaintext;
    const int code = session_cipher_decrypt_signal_message(ciphers.cipher.get(), parsed.get(), nullptr, out(plaintext));
    return finish(stage, code, plaintext);
}

/// Whether the message begins a new session; `replayed` if its base key did so before and that session is gone.
Result<bool> SessionLayer::Impl::creates_session(const PrekeyMessageShape& shape, session_record* record) {
    const auto base_key = make_public_key(shape.base_key, context.get());
    if (!base_key) return Errc::bad_key;
    if (record != nullptr && session_record_has_session_state(record, signal_version, base_key.get()) == 1)
        return false;
    MELDER_TRY(const auto known, store.knows_base_key(shape.signed_prekey_id, shape.base_key));
    if (known) return Errc::replayed;
    return true;
}

Result<DecryptedInner> SessionLayer::Impl::decrypt_prekey(const CertifiedPeer& peer, BytesView message) {
    MELDER_TRY(const auto shape, check_prekey_message(message));
    if (shape.identity_key != peer.identity_key) return Errc::identity_changed;
    SignalStage stage(store, peer, context.get());
    MELDER_TRY(const auto session, stage.load_session());
    SignalHandle<session_record> record;
    if (session) {
        MELDER_TRY(record, parse_record(*session, context.get()));
    }
    MELDER_TRY(const bool creates, creates_session(shape, record.get()));
    MELDER_CHECK(check_jump(record.get(), shape.inner, context.get()));

    const auto address = address_of(peer.device);
    MELDER_TRY(const auto ciphers, make_cipher(stage, address));
    SignalHandle<pre_key_signal_message> parsed;
    if (pre_key_signal_message_deserialize(out(parsed), message.data(), message.size(), context.get()) != SG_SUCCESS) {
        return Errc::inner_malformed;
    }
    SignalHandle<signal_buffer> plaintext;
    const int code =
        session_cipher_decrypt_pre_key_signal_message(ciphers.cipher.get(), parsed.get(), nullptr, out(plaintext));
    if (code == SG_SUCCESS && creates) {
        stage.writes.remembered_base_key = StagedWrites::BaseKey{shape.signed_prekey_id, shape.base_key};
        MELDER_CHECK(prune_archived(stage));
    }
    return finish(stage, code, plaintext);
}

Result<SecretBuffer> open_from_pending_row(const MessageKey& key, InnerType type, BytesView message) {
    if (type == InnerType::signal) {
        MELDER_TRY(const auto shape, check_signal_message(message));
        return open_cbc(key, shape.ciphertext);
    }
    MELDER_TRY(const auto shape, check_prekey_message(message));
    return open_cbc(key, shape.inner.ciphertext);
}

}  // namespace melder::sdk
