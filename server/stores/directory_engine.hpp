#pragma once
// What the directory's operations mean, over any ordered set of rows: the memory and the RocksDB store differ only in
// where the rows are. No thread of its own: one caller at a time, who makes what was written durable (or forgets all of
// it).

#include "server/stores/directory_rows.hpp"

namespace melder::server {

/// Rows by key, in byte order; a reader sees what was written before. A failing disk is remembered in `health`: reads
/// find nothing from then on, and the caller forgets what was written.
class DirectoryTable {
public:
    virtual ~DirectoryTable() = default;
    [[nodiscard]] virtual std::optional<std::string> get(const std::string& key) = 0;
    virtual void put(const std::string& key, std::string value) = 0;
    virtual void erase(const std::string& key) = 0;
    /// Keys that begin with `prefix`, from `from` on, until `visit` says false. `visit` does not write.
    virtual void scan(const std::string& prefix, const std::string& from,
                      const std::function<bool(std::string_view key, std::string_view value)>& visit) = 0;
    [[nodiscard]] virtual Result<void> health() const = 0;
};

class DirectoryEngine {
public:
    explicit DirectoryEngine(const StoreEpoch& epoch) : epoch_(epoch) {}

    [[nodiscard]] Result<DirectoryHead> load_head(DirectoryTable& table) const;
    /// The change as the feed shows it: revisions are the new ones.
    [[nodiscard]] Result<FeedBatch> commit(DirectoryTable& table, DirectoryChange change) const;
    [[nodiscard]] Result<std::vector<std::optional<DeviceRow>>> load_devices(DirectoryTable& table,
                                                                             const std::vector<EnrolmentId>& ids) const;
    [[nodiscard]] Result<std::vector<DeviceRow>> list_devices(DirectoryTable& table, std::optional<EnrolmentId> after,
                                                              std::optional<OfficerId> officer,
                                                              std::size_t limit) const;
    [[nodiscard]] Result<std::vector<OfficerRow>> list_officers(DirectoryTable& table, std::optional<OfficerId> after,
                                                                std::size_t limit) const;
    [[nodiscard]] Result<std::vector<UnitRow>> list_units(DirectoryTable& table, std::size_t limit) const;
    [[nodiscard]] Result<std::optional<OfficerId>> find_officer(DirectoryTable& table, const Hash& number_key) const;
    [[nodiscard]] Result<std::vector<Bytes>> load_log(DirectoryTable& table, std::uint64_t from,
                                                      std::size_t limit) const;
    [[nodiscard]] Result<std::optional<Bytes>> load_receipt(DirectoryTable& table, const EnrolmentId& device,
                                                            const Hash& order) const;

    [[nodiscard]] Result<void> note_logins(DirectoryTable& table, const std::vector<LoginRow>& rows) const;
    [[nodiscard]] Result<std::optional<LoginRow>> load_login(DirectoryTable& table, const EnrolmentId& device) const;

    [[nodiscard]] Result<std::uint32_t> put_prekeys(DirectoryTable& table, const PrekeyPut& put) const;
    [[nodiscard]] Result<std::vector<TakeResult>> take_prekeys(DirectoryTable& table,
                                                               const std::vector<TakeItem>& items,
                                                               std::uint32_t reserve) const;
    [[nodiscard]] Result<PrekeyStock> load_prekeys(DirectoryTable& table, const EnrolmentId& device) const;
    [[nodiscard]] Result<void> remove_prekeys(DirectoryTable& table, const std::vector<EnrolmentId>& devices) const;

    /// What changed after `cursor`, in batches of at most 500 devices; the last one has `caught_up`.
    [[nodiscard]] Result<std::vector<std::shared_ptr<const FeedBatch>>> changes_since(DirectoryTable& table,
                                                                                      Cursor cursor) const;

private:
    [[nodiscard]] Result<directory_rows::StockRow> load_stock(DirectoryTable& table, const EnrolmentId& device) const;
    [[nodiscard]] Result<TakeResult> take_one(DirectoryTable& table, const TakeItem& item, std::uint32_t reserve) const;

    StoreEpoch epoch_;
};

}  // namespace melder::server
