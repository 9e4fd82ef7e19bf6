#pragma once
// Owners for libsignal's counted objects and buffers.

#include <memory>

#include <signal/curve.h>
#include <signal/protocol.h>
#include <signal/session_builder.h>
#include <signal/session_cipher.h>
#include <signal/session_pre_key.h>
#include <signal/session_record.h>
#include <signal/session_state.h>
#include <signal/signal_protocol.h>

#include "core/bytes.hpp"

namespace melder::sdk {

struct Unref {
    // libsignal's counted types begin with signal_type_base; its own macro casts the same way.
    template <class T>
    void operator()(T* object) const {
        signal_type_unref(reinterpret_cast<signal_type_base*>(object));
    }
    void operator()(session_builder* builder) const { session_builder_free(builder); }
    void operator()(session_cipher* cipher) const { session_cipher_free(cipher); }
    void operator()(signal_protocol_store_context* context) const { signal_protocol_store_context_destroy(context); }
    void operator()(signal_context* context) const { signal_context_destroy(context); }
    void operator()(signal_buffer* buffer) const { signal_buffer_bzero_free(buffer); }
};
template <class T>
using SignalHandle = std::unique_ptr<T, Unref>;

/// `out(handle)`: for functions that return an object through a pointer argument. The handle holds it from the end of
/// the full expression on, so the call is a statement of its own where the handle is used next.
template <class T>
class Out {
public:
    explicit Out(SignalHandle<T>& handle) : handle_(handle) {}
    ~Out() { handle_.reset(raw_); }
    Out(const Out&) = delete;
    Out& operator=(const Out&) = delete;
    operator T**() { return &raw_; }  // NOLINT(google-explicit-constructor)

private:
    SignalHandle<T>& handle_;
    T* raw_ = nullptr;
};
template <class T>
[[nodiscard]] Out<T> out(SignalHandle<T>& handle) {
    return Out<T>(handle);
}

[[nodiscard]] inline BytesView view_of(const signal_buffer* buffer) {
    return {signal_buffer_const_data(buffer), signal_buffer_len(buffer)};
}

}  // namespace melder::sdk
