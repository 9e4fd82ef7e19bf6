#pragma once
// The single values of the boot compartment: readable without lease, network or vault key. No name among them.

#include "sdk/vault/vault.hpp"

namespace melder::sdk {

/// Persisted numbers: never changed, only extended.
enum class BootValue : std::uint8_t {
    enrolment_id = 1,
    credential_hash = 2,
    login_key = 3,
    trust_list = 4,        ///< encoded wire::Signed
    trust_floor = 5,       ///< u64
    order_book = 6,        ///< OrderBook::encode
    newest_statement = 7,  ///< encoded wire::Signed
    confirmed_head = 8,    ///< time of the last statement over an own nonce that confirmed our log head
    clock = 9,             ///< GuardedClock::State
    store_epoch = 10,
    fork_evidence = 11,
    lease_share = 12,   ///< reserved: the share as wrapped by the platform for this lease
    generation = 13,    ///< u64, reserved for the rollback check
    send_counter = 14,  ///< u64, counts send commits
    own_binding_conflict = 15,
    root_set = 16,
};

[[nodiscard]] Result<std::optional<SecretBuffer>> find_boot(const VaultTransaction& transaction, BootValue which);
[[nodiscard]] Result<void> put_boot(VaultTransaction& transaction, BootValue which, BytesView value);
/// 0 if there is none.
[[nodiscard]] Result<std::uint64_t> load_boot_number(const VaultTransaction& transaction, BootValue which);
[[nodiscard]] Result<void> put_boot_number(VaultTransaction& transaction, BootValue which, std::uint64_t value);

}  // namespace melder::sdk
