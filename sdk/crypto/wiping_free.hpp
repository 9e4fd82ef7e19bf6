#pragma once
// libsignal-protocol-c frees the results of its key agreements, and what it derives from them, without overwriting
// them. So an executable that contains the SDK gets `free` and `realloc` that wipe a block before the C library has it
// back; they bind first for everything in the process. The price is a memset per freed block.
//
// Sanitizers bring allocators of their own, which are left alone. Where a shared library contains the SDK these do not
// bind, and freed blocks hold what libsignal left there.

namespace melder::sdk {

/// Whether what libsignal frees is wiped. Found out once, by a buffer that it frees; thread-safe.
[[nodiscard]] bool library_frees_wiped();

}  // namespace melder::sdk
