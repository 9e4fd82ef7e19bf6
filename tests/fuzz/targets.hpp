#pragma once
// The fuzz targets: each takes any bytes and must neither crash nor break what it promises; a broken promise aborts.
// tests/fuzz/CMakeLists.txt makes of each a libFuzzer program, and of its corpus a plain test.
//
// A new decoder of outside bytes takes a line in MELDER_FUZZ_TARGETS, a file, and seeds in make_corpus.cpp.

#include <cstdlib>
#include <span>

#include "core/bytes.hpp"

namespace melder::fuzz {

#define MELDER_FUZZ_TARGETS(X) \
    X(websocket_codec)         \
    X(http_upgrade)            \
    X(frame_codec)             \
    X(server_hello)            \
    X(relay_upload)            \
    X(keyserver_request)       \
    X(envelope_outer)          \
    X(sealed_body)             \
    X(content)                 \
    X(signal_message)          \
    X(prekey_bundle)           \
    X(trust_documents)         \
    X(credential)              \
    X(order_log)               \
    X(enrolment_code)          \
    X(server_config)           \
    X(force_file)              \
    X(rpc_request)

#define MELDER_FUZZ_DECLARE(name) void name(BytesView input);
MELDER_FUZZ_TARGETS(MELDER_FUZZ_DECLARE)
#undef MELDER_FUZZ_DECLARE

struct Target {
    std::string_view name;
    void (*run)(BytesView);
};
[[nodiscard]] std::span<const Target> targets();

inline void require(bool holds) {
    if (!holds) std::abort();
}

/// The first byte, which chooses between variants of a target, and the rest.
struct Chosen {
    unsigned choice;
    BytesView rest;
};
[[nodiscard]] inline Chosen chosen(BytesView input, unsigned variants) {
    if (input.empty()) return {0, {}};
    return {input[0] % variants, input.subspan(1)};
}

}  // namespace melder::fuzz
