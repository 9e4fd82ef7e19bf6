#pragma once
// libsignal calls its own curve25519 code (donna, 184 µs a DH) through the PLT, so definitions of the same three names
// in the executable bind first: ours, over OpenSSL and libsodium (42 µs). Where they don't bind (libsignal was loaded
// globally before us) everything is slower but right: every low-order and all-zero check is made before the library is
// called.
//
// A shared library that contains the SDK must export exactly these three beside its own names.

namespace melder::sdk {

/// Whether the library's calls reach our definitions. Found out once, by a key agreement; thread-safe.
[[nodiscard]] bool curve_is_interposed();

/// The self-test at start, the same bound or not: the library's key agreement gives RFC 7748's result (section 6.1) and
/// its signatures verify in core and only for their message. Run once; thread-safe.
[[nodiscard]] bool curve_is_right();

}  // namespace melder::sdk
