#pragma once
// Orders and grants on their way to a second administrator, as a file. Text, so that it can be looked at:
//
//     melder-sign-request 1
//     order <hex of the signed order>
//     salt <32 hex digits>                 with the reason: their hash stands in the order
//     reason lost on patrol
//     about Anna Berger, 10001             what the first administrator says the device is; nothing proves it
//     grant <hex of the signed grant>
//
// A directory import stands before its documents. Nobody signs it: whoever submits it answers for it.
//
//     import <64 hex digits>               the directory it was planned against (import_parts.hpp)
//     part <hex of a wire::StageDirectory without import id>
//
// Nothing in it is a secret of the cryptography, but it names people: mode 0600. No I/O here.

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/order_log.hpp"
#include "proto/link.pb.h"

namespace melder::admin {

struct SignItem {
    Context context = Context::order;  ///< order or grant
    SignedBytes document;
    ByteArray<16> reason_salt{};
    std::string reason{}, about{};
};

struct SignRequest {
    struct Import {
        Hash planned_against;
        std::vector<wire::StageDirectory> parts;
    };
    std::optional<Import> import{};
    std::vector<SignItem> items{};

    [[nodiscard]] std::string encode() const;
    /// `malformed` with the line. Every document must parse as what it claims to be.
    [[nodiscard]] static Result<SignRequest> parse(std::string_view text);
};

/// What a signature on it would say, one thought a line, out of the signed bytes; what only the file says is marked so.
[[nodiscard]] Result<std::vector<std::string>> words_of(const SignItem& item);
/// `already_exists` if this key has signed it.
[[nodiscard]] Result<void> add_signature(SignItem& item, const Ed25519Seed& key);

}  // namespace melder::admin
