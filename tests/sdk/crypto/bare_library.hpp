#pragma once
// A device that uses libsignal-protocol-c as the library's own examples do: nothing is checked before it is called,
// whatever identity it is told to store is stored at once, and its record rests as the library wrote it.

#include "sdk/crypto/signal_provider.hpp"
#include "sdk/crypto/signal_stores.hpp"
#include "tests/sdk/crypto/session_device.hpp"

namespace melder::sdk::testing {

class BareLibrary {
public:
    /// Keys and prekeys of `device`; a session only once it processed a bundle or a first message.
    BareLibrary(Device& device, const CertifiedPeer& peer)
        : store_(device.store),
          peer_(peer),
          provider_(device.random),
          context_(make_context()),
          stage_(store_, peer_, context_.get()),
          stores_(make_store_context(stage_)),
          name_(peer_.device.hex()),
          address_{name_.c_str(), name_.size(), 1} {
        const signal_protocol_identity_key_store identities{own_identity, own_registration_id, save, trust, nothing,
                                                            this};
        const signal_protocol_session_store sessions{load, no_devices, put, contains, remove, remove, nothing, this};
        signal_protocol_store_context_set_identity_key_store(stores_.get(), &identities);
        signal_protocol_store_context_set_session_store(stores_.get(), &sessions);
        session_cipher_create(out(cipher_), stores_.get(), &address_, context_.get());
    }

    int process(const ReceivedBundle& bundle) {
        const auto key_of = [this](BytesView encoded) {
            SignalHandle<ec_public_key> key;
            curve_decode_point(out(key), encoded.data(), encoded.size(), context_.get());
            return key;
        };
        const auto one_time = key_of(bundle.one_time_prekey);
        const auto signed_prekey = key_of(bundle.signed_prekey);
        const auto identity = make_public_key(peer_.identity_key, context_.get());
        SignalHandle<session_pre_key_bundle> parsed;
        session_pre_key_bundle_create(out(parsed), peer_.registration_id, 1, bundle.one_time_prekey_id.value_or(0),
                                      one_time.get(), bundle.signed_prekey_id, signed_prekey.get(),
                                      bundle.signed_prekey_signature.data(), bundle.signed_prekey_signature.size(),
                                      identity.get());
        SignalHandle<session_builder> builder;
        session_builder_create(out(builder), stores_.get(), &address_, context_.get());
        return session_builder_process_pre_key_bundle(builder.get(), parsed.get());
    }

    int decrypt(const Device::Sent& sent) {
        SignalHandle<signal_buffer> plaintext;
        if (sent.type == InnerType::signal) {
            SignalHandle<signal_message> parsed;
            const int code =
                signal_message_deserialize(out(parsed), sent.message.data(), sent.message.size(), context_.get());
            if (code != SG_SUCCESS) return code;
            return session_cipher_decrypt_signal_message(cipher_.get(), parsed.get(), nullptr, out(plaintext));
        }
        SignalHandle<pre_key_signal_message> parsed;
        const int code =
            pre_key_signal_message_deserialize(out(parsed), sent.message.data(), sent.message.size(), context_.get());
        if (code != SG_SUCCESS) return code;
        return session_cipher_decrypt_pre_key_signal_message(cipher_.get(), parsed.get(), nullptr, out(plaintext));
    }

    Device::Sent send(std::string_view text) {
        SignalHandle<ciphertext_message> message;
        const auto bytes = view(text);
        session_cipher_encrypt(cipher_.get(), bytes.data(), bytes.size(), out(message));
        const bool first = ciphertext_message_get_type(message.get()) == CIPHERTEXT_PREKEY_TYPE;
        return {first ? InnerType::prekey : InnerType::signal,
                to_bytes(view_of(ciphertext_message_get_serialized(message.get())))};
    }

    std::optional<Bytes> record;
    int identities_saved = 0;
    std::string log;

private:
    SignalHandle<signal_context> make_context() {
        SignalHandle<signal_context> context;
        signal_context_create(out(context), this);
        const auto callbacks = provider_.callbacks();
        signal_context_set_crypto_provider(context.get(), &callbacks);
        signal_context_set_log_function(context.get(), append_log);
        return context;
    }
    static void append_log(int, const char* text, std::size_t size, void* user) { of(user).log.append(text, size); }
    static BareLibrary& of(void* user) { return *static_cast<BareLibrary*>(user); }
    static int own_identity(signal_buffer** public_key, signal_buffer** private_key, void* user) {
        const auto& identity = of(user).store_.identity;
        const auto encoded = to_djb_key(identity.public_key);
        const auto secret = identity.private_key.expose();
        *public_key = signal_buffer_create(encoded.data(), encoded.size());
        *private_key = signal_buffer_create(secret.data(), secret.size());
        return SG_SUCCESS;
    }
    static int own_registration_id(void* user, std::uint32_t* id) {
        *id = of(user).store_.registration_id;
        return SG_SUCCESS;
    }
    static int save(const signal_protocol_address*, std::uint8_t*, std::size_t, void* user) {
        ++of(user).identities_saved;
        return SG_SUCCESS;
    }
    static int trust(const signal_protocol_address*, std::uint8_t*, std::size_t, void*) { return 1; }
    static int load(signal_buffer** out_record, signal_buffer** user_record, const signal_protocol_address*,
                    void* user) {
        *user_record = nullptr;
        if (!of(user).record) return 0;
        *out_record = signal_buffer_create(of(user).record->data(), of(user).record->size());
        return 1;
    }
    static int put(const signal_protocol_address*, std::uint8_t* bytes, std::size_t size, std::uint8_t*, std::size_t,
                   void* user) {
        of(user).record = Bytes(bytes, bytes + size);
        return SG_SUCCESS;
    }
    static int contains(const signal_protocol_address*, void* user) { return of(user).record ? 1 : 0; }
    static int no_devices(signal_int_list** sessions, const char*, std::size_t, void*) {
        *sessions = signal_int_list_alloc();
        return 0;
    }
    static int remove(const signal_protocol_address*, void*) { return 0; }
    static int remove(const char*, std::size_t, void*) { return 0; }
    static void nothing(void*) {}

    MemorySessionStore& store_;
    CertifiedPeer peer_;
    SignalProvider provider_;
    SignalHandle<signal_context> context_;
    SignalStage stage_;
    SignalHandle<signal_protocol_store_context> stores_;
    std::string name_;
    signal_protocol_address address_;
    SignalHandle<session_cipher> cipher_;
};

}  // namespace melder::sdk::testing
