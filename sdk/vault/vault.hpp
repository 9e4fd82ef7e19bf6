#pragma once
// The vault: everything a phone keeps, in one SQLite file whose every value is
// sealed (layout.hpp).
//
//   MELDER_TRY(auto vault, Vault::open({.path = path, .keys = keys, .random =
//   random, .create = true})); auto transaction = vault->begin(now);
//   MELDER_CHECK(transaction.put(Table::sessions, device.view(),
//   std::move(record))); MELDER_CHECK(transaction.commit(Sync::durable));
//
// Thread: all calls on one thread at a time (the account's lane). One vault
// object per file and machine: a second one, of this or another process, gets
// `vault_in_use`. Writes are staged in memory until `commit`; a transaction
// that is dropped changed nothing, and no file lock of SQLite is waited for in
// between.
//
// Errors of opening, none of which writes to the file: not_found (and no
// `create`), vault_in_use, vault_newer_version, vault_wrong_key,
// vault_unreadable, io_error. A cell that does not open later is
// vault_unreadable; a full disk storage_full. A table of the main compartment
// answers `locked` while that is closed.

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "core/clock.hpp"
#include "core/random.hpp"
#include "sdk/vault/layout.hpp"
#include "sdk/vault/platform_keys.hpp"

namespace melder::sdk {

class VaultStore;

/// `durable`: on stable storage when commit returns, and with it every earlier
/// commit; for sends and acks. `deferred`: survives the death of the process at
/// once and that of the machine with the next durable commit; for receives.
enum class Sync { deferred, durable };

struct CellOptions {
    std::optional<UnixTime> expires;  ///< from then on the cell is not found;
                                      ///< `erase_expired` removes it
    BytesView group;                  ///< what `for_each_in` and `erase_group` go by; empty: none
};

/// Staged reads and writes. Move-only; outlived by its Vault.
class VaultTransaction {
public:
    VaultTransaction(VaultTransaction&&) noexcept;
    VaultTransaction& operator=(VaultTransaction&&) noexcept;
    VaultTransaction(const VaultTransaction&) = delete;
    VaultTransaction& operator=(const VaultTransaction&) = delete;
    ~VaultTransaction();

    /// The value under a key, staged writes included; nothing if there is none or
    /// it has expired.
    [[nodiscard]] Result<std::optional<SecretBuffer>> find(Table table, BytesView key) const;
    [[nodiscard]] Result<bool> contains(Table table, BytesView key) const;
    [[nodiscard]] Result<void> put(Table table, BytesView key, SecretBuffer value, CellOptions options = {});
    [[nodiscard]] Result<void> erase(Table table, BytesView key);
    [[nodiscard]] Result<void> erase_group(Table table, BytesView group);

    using Visitor = std::function<Result<void>(BytesView key, BytesView value)>;
    /// Every live cell of the table, in no order; the visitor may not write to
    /// this transaction.
    [[nodiscard]] Result<void> for_each(Table table, const Visitor& visit) const;
    [[nodiscard]] Result<void> for_each_in(Table table, BytesView group, const Visitor& visit) const;

    /// A transaction inside this one: it sees what is staged here, and `keep`
    /// moves its writes here. Dropped, it leaves this one as it was. So several
    /// operations share one commit and each can fail alone. Outlived by this one,
    /// which must not move meanwhile.
    [[nodiscard]] VaultTransaction nested();
    void keep();

    /// All or nothing; empties this transaction. Not for nested ones. After an
    /// error nothing of it is in the file.
    [[nodiscard]] Result<void> commit(Sync sync);

    [[nodiscard]] bool empty() const noexcept;
    [[nodiscard]] UnixTime now() const noexcept { return now_; }

private:
    friend class Vault;
    friend class VaultStore;
    struct Staged {
        Table table;
        Bytes key;
        std::optional<SecretBuffer> value;  ///< nothing: erased
        std::optional<UnixTime> expires;
        Bytes group;
    };
    using StagedKey = std::pair<Table, Lookup>;

    VaultTransaction(VaultStore& store, VaultTransaction* parent, UnixTime now);
    [[nodiscard]] const Staged* staged(const StagedKey& key) const;
    [[nodiscard]] Result<void> visit(Table table, const BytesView* group, const Visitor& visitor) const;

    VaultStore* store_;
    VaultTransaction* parent_;
    UnixTime now_;
    std::map<StagedKey, Staged> staged_;
};

class Vault {
public:
    struct Options {
        std::filesystem::path path;
        PlatformKeys& keys;
        Random& random;
        bool create = false;  ///< make a new vault (and device keys) where there is none
        LeaseShare share{};
    };
    /// Opens the boot compartment, and the main one unless the platform says
    /// `locked`.
    [[nodiscard]] static Result<std::unique_ptr<Vault>> open(Options options);
    /// Folds the log into the file, wipes the keys, releases the file.
    ~Vault();

    [[nodiscard]] VaultTransaction begin(UnixTime now);

    [[nodiscard]] bool main_is_open() const;
    /// Wipes every key of the main compartment; staged transactions fail with
    /// `locked` from then on.
    void close_main();
    [[nodiscard]] Result<void> open_main(const LeaseShare& share = {});

    /// Erases cells that expired at or before `now`, durably. Returns how many.
    [[nodiscard]] Result<std::size_t> erase_expired(UnixTime now);

    /// Data-key change of one compartment: `begin` makes the new key (or goes on
    /// with an unfinished change), `step` re-seals up to `cells` cells and
    /// answers whether all are done; the step that finds nothing left destroys
    /// the old wraps and truncates the log. What was interrupted is found by
    /// `data_key_change_pending` after the next opening.
    [[nodiscard]] Result<void> begin_data_key_change(Compartment compartment);
    [[nodiscard]] Result<bool> step_data_key_change(Compartment compartment, std::size_t cells);
    [[nodiscard]] Result<bool> data_key_change_pending(Compartment compartment) const;

    /// HMAC-SHA-256 under a key of the main compartment that serves nothing else:
    /// how (sender device, content id) is remembered without being kept.
    [[nodiscard]] Result<ByteArray<32>> blind(std::initializer_list<BytesView> parts) const;

    /// How often this vault was opened, this time included: 1 at creation.
    [[nodiscard]] std::uint64_t opening() const;

private:
    explicit Vault(std::unique_ptr<VaultStore> store);
    std::unique_ptr<VaultStore> store_;
};

}  // namespace melder::sdk
