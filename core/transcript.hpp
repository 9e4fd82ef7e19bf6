#pragma once
// What a login, an administrator's login and an enrolment sign:
//   context ‖ 0x00 ‖ exporter ‖ SHA-256(Hello bytes as received) ‖ SHA-256(body)
// exporter = TLS exporter "EXPORTER-Melder-login-v1", empty context, 32 bytes (RFC 8446 §7.5).

#include "core/signed.hpp"

namespace melder {

inline constexpr std::string_view exporter_label = "EXPORTER-Melder-login-v1";
using TlsExporter = ByteArray<32>;

/// `context` is login, admin_login or enrol.
[[nodiscard]] Bytes login_transcript(Context context, const TlsExporter& exporter, BytesView hello, BytesView body);

}  // namespace melder
