#include "sdk/crypto/session_layer.hpp"

#include <stdexcept>

#include "core/limits.hpp"
#include "sdk/crypto/curve_interposition.hpp"
#include "sdk/crypto/message_shape.hpp"
#include "sdk/crypto/signal_provider.hpp"
#include "sdk/crypto/signal_stores.hpp"
#include "sdk/crypto/wiping_free.hpp"

namespace melder::sdk {
namespace {

constexpr int device_id = 1;  // every device is an enrolment of its own; Signal's device number is always 1

/// libsignal's messages name peers, and nobody reads them: dropped.
void drop_log(int, const char*, std::size_t, void*) {}

/// The library only hands it back to callbacks, which know their peer, and prints it into its log: no id needed.
constexpr std::string_view address_name = "peer";
constexpr signal_protocol_address address{address_name.data(), address_name.size(), device_id};

/// The exact shape was checked before and records come out of authenticated cells, so "unknown" and "invalid protocol
/// buffer" are no news about the message: they are how the library reports a want of memory.
Errc error_of(int code) {
    switch (code) {
        case SG_ERR_NOMEM:
        case SG_ERR_UNKNOWN:
        case SG_ERR_INVALID_PROTO_BUF:
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
        case SG_ERR_INVALID_MAC:
        case SG_ERR_INVALID_MESSAGE:
        case SG_ERR_INVALID_VERSION:
        case SG_ERR_LEGACY_MESSAGE:
            return Errc::undecryptable;
        default:
            return Errc::internal;
    }
}

/// What a failed call means: the store's own error, if that was the cause.
Error error_of(const SignalStage& stage, int code) {
    return stage.failure ? *stage.failure : Error(error_of(code));
}

/// Whether the message skips keys, and whether it does so further than libsignal follows: that chain would jam for
/// good.
Result<std::optional<SkippedNow>> check_jump(const SessionRecordView& record, const SignalMessageShape& shape) {
    const auto next = record.next_counter(shape.ratchet_key);
    if (shape.counter <= next) return std::optional<SkippedNow>();
    if (shape.counter - next > limits::counter_jump) return Errc::gap_too_large;
    return std::optional(SkippedNow{shape.ratchet_key, shape.counter});
}

}  // namespace

struct SessionLayer::Impl {
    Impl(SessionStore& store_of_account, Random& random) : store(store_of_account), provider(random) {
        // Both definitions must be part of every program that has sessions. Whether they bind decides speed and what
        // freed memory holds, not whether results are right.
        static_cast<void>(curve_is_interposed());
        static_cast<void>(library_frees_wiped());
        if (!curve_is_right()) throw std::runtime_error("libsignal's curve computes wrong results here");
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
    Result<Ciphers> make_cipher(SignalStage& stage) {
        Ciphers out_ciphers;
        out_ciphers.stores = make_store_context(stage);
        if (!out_ciphers.stores || session_cipher_create(out(out_ciphers.cipher), out_ciphers.stores.get(), &address,
                                                         context.get()) != SG_SUCCESS) {
            return Errc::out_of_memory;
        }
        return out_ciphers;
    }

    Result<DecryptedInner> finish(SignalStage& stage, int code, const SignalHandle<signal_buffer>& plaintext,
                                  const std::optional<SkippedNow>& skipped) {
        auto message_key = provider.take_message_key();
        if (code != SG_SUCCESS) return error_of(stage, code);
        if (stage.failure) return *stage.failure;
        if (!message_key || !plaintext) return Errc::internal;
        MELDER_CHECK(stage.finish_record(skipped));
        return DecryptedInner{SecretBuffer(view_of(plaintext.get())), std::move(*message_key), std::move(stage.writes)};
    }

    Result<DecryptedInner> decrypt_signal(const CertifiedPeer& peer, BytesView message);
    Result<DecryptedInner> decrypt_prekey(const CertifiedPeer& peer, BytesView message);
    Result<bool> creates_session(const PrekeyMessageShape& shape, const SessionRecordView& record);

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
    if (stage.failure) return *stage.failure;
    // Keys and signature were judged above; under a want of memory the library calls them wrong.
    if (code != SG_SUCCESS) return Errc::out_of_memory;
    MELDER_CHECK(stage.finish_record({}));
    return std::move(stage.writes);
}

Result<EncryptedInner> SessionLayer::encrypt(const CertifiedPeer& peer, BytesView plaintext) {
    if (plaintext.size() > limits::body_bytes) return Errc::too_large;
    MELDER_CHECK(impl_->check_identity(peer));
    SignalStage stage(impl_->store, peer, impl_->context.get());
    MELDER_TRY(const auto* session, stage.session());
    if (session == nullptr) return Errc::no_session;
    MELDER_TRY(const auto ciphers, impl_->make_cipher(stage));
    impl_->provider.forget();
    SignalHandle<ciphertext_message> message;
    const int code = session_cipher_encrypt(ciphers.cipher.get(), plaintext.data(), plaintext.size(), out(message));
    auto message_key = impl_->provider.take_message_key();
    if (code != SG_SUCCESS) return error_of(stage, code);
    if (stage.failure) return *stage.failure;
    if (!message_key || !message) return Errc::internal;
    MELDER_CHECK(stage.finish_record({}));
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
    MELDER_TRY(const auto* session, stage.session());
    if (session == nullptr) return Errc::no_session;
    MELDER_TRY(const auto record, SessionRecordView::parse(session->expose()));
    MELDER_TRY(const auto skipped, check_jump(record, shape));

    MELDER_TRY(const auto ciphers, make_cipher(stage));
    SignalHandle<signal_message> parsed;
    if (const int code = signal_message_deserialize(out(parsed), message.data(), message.size(), context.get());
        code != SG_SUCCESS) {
        return error_of(code);
    }
    SignalHandle<signal_buffer> plaintext;
    const int code = session_cipher_decrypt_signal_message(ciphers.cipher.get(), parsed.get(), nullptr, out(plaintext));
    return finish(stage, code, plaintext, skipped);
}

/// Whether the message begins a new session; `replayed` if its base key did so before and that session is gone.
Result<bool> SessionLayer::Impl::creates_session(const PrekeyMessageShape& shape, const SessionRecordView& record) {
    if (record.has_base_key(shape.base_key)) return false;
    MELDER_TRY(const auto known, store.knows_base_key(shape.signed_prekey_id, shape.base_key));
    if (known) return Errc::replayed;
    return true;
}

Result<DecryptedInner> SessionLayer::Impl::decrypt_prekey(const CertifiedPeer& peer, BytesView message) {
    MELDER_TRY(const auto shape, check_prekey_message(message));
    if (shape.identity_key != peer.identity_key || shape.registration_id != peer.registration_id) {
        return Errc::identity_changed;
    }
    SignalStage stage(store, peer, context.get());
    MELDER_TRY(const auto* session, stage.session());
    MELDER_TRY(const auto record, SessionRecordView::parse(session != nullptr ? session->expose() : BytesView()));
    MELDER_TRY(const bool creates, creates_session(shape, record));
    MELDER_TRY(const auto skipped, check_jump(record, shape.inner));

    MELDER_TRY(const auto ciphers, make_cipher(stage));
    SignalHandle<pre_key_signal_message> parsed;
    if (const int code = pre_key_signal_message_deserialize(out(parsed), message.data(), message.size(), context.get());
        code != SG_SUCCESS) {
        return error_of(code);
    }
    SignalHandle<signal_buffer> plaintext;
    const int code =
        session_cipher_decrypt_pre_key_signal_message(ciphers.cipher.get(), parsed.get(), nullptr, out(plaintext));
    if (code == SG_SUCCESS && creates) {
        stage.writes.remembered_base_key = StagedWrites::BaseKey{shape.signed_prekey_id, shape.base_key};
    }
    return finish(stage, code, plaintext, skipped);
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
