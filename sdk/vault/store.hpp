#pragma once
// Behind Vault: the open file, its statements and the key rings. One thread at a time.

#include <array>
#include <set>

#include "sdk/vault/file_lock.hpp"
#include "sdk/vault/key_ring.hpp"
#include "sdk/vault/sqlite.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

class VaultStore {
public:
    [[nodiscard]] static Result<std::unique_ptr<VaultStore>> open(Vault::Options options);
    ~VaultStore();

    [[nodiscard]] Result<const KeyRing*> ring(Table table) const { return ring(compartment_of(table)); }
    [[nodiscard]] Result<const KeyRing*> ring(Compartment compartment) const;

    /// The cell in the file, whatever is staged; nothing if it expired at or before `now`.
    [[nodiscard]] Result<std::optional<KeyRing::Cell>> find(Table table, const Lookup& lookup, UnixTime now);
    /// `visit` may not touch the store.
    using Visitor = std::function<Result<void>(const Lookup& lookup, const KeyRing::Cell& cell)>;
    [[nodiscard]] Result<void> for_each(Table table, const BytesView* group, UnixTime now, const Visitor& visit);
    [[nodiscard]] Result<void> commit(const std::map<VaultTransaction::StagedKey, VaultTransaction::Staged>& staged,
                                      Sync sync);
    [[nodiscard]] Result<std::size_t> erase_expired(UnixTime now);

    [[nodiscard]] Result<void> open_compartment(Compartment compartment, const LeaseShare& share);
    void close_compartment(Compartment compartment);

    [[nodiscard]] Result<void> begin_data_key_change(Compartment compartment);
    [[nodiscard]] Result<bool> step_data_key_change(Compartment compartment, std::size_t cells);

    [[nodiscard]] std::uint64_t opening() const noexcept { return opening_; }

private:
    struct Meta {
        VaultSalt salt{};
        std::array<KeyCheck, 2> checks{};
        [[nodiscard]] Bytes encode() const;
        [[nodiscard]] static Result<Meta> decode(BytesView bytes);
    };

    VaultStore(PlatformKeys& keys, Random& random) : keys_(keys), random_(random) {}
    [[nodiscard]] static Result<void> create(const Vault::Options& options);
    [[nodiscard]] Result<void> open_file(const std::filesystem::path& path);
    [[nodiscard]] Result<void> count_opening();
    [[nodiscard]] Result<void> prepare_statements();
    /// BEGIN … COMMIT round `body`, rolled back if it fails.
    [[nodiscard]] Result<void> in_transaction(Sync sync, const std::function<Result<void>()>& body);
    [[nodiscard]] Result<void> write_cell(const KeyRing& ring, CellPlace place, BytesView key, BytesView value);
    [[nodiscard]] Result<void> finish_data_key_change(Compartment compartment);
    [[nodiscard]] std::uint64_t next_version() noexcept { return opening_ << 32 | ++writes_; }

    PlatformKeys& keys_;
    Random& random_;
    FileLock lock_;
    SqliteDatabase database_;
    SqliteStatement find_, scan_, scan_group_, put_, erase_, erase_expired_, cells_of_older_key_;
    Meta meta_;
    std::array<std::optional<KeyRing>, 2> rings_;
    std::array<std::optional<VaultKey>, 2> vault_keys_;  ///< needed to wrap the next data key
    std::array<std::int64_t, 2> resealed_to_{};  ///< how far a data-key change has walked; a hint, 0 after opening
    std::optional<Sync> sync_;
    std::uint64_t opening_ = 0;
    std::uint64_t writes_ = 0;
};

}  // namespace melder::sdk
