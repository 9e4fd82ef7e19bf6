#pragma once
// How the directory's rows look on disk: keys and values. Never changed, only extended: a server of a later version
// opens this store. Integers are big-endian; variable-length values are length-prefixed (4 bytes).

#include <string>
#include <string_view>

#include "core/endian.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::server::directory_rows {

// Keys: one letter, then fixed-length parts.
inline constexpr char head_prefix = 'a';        ///< -> cursor, log size, officers
inline constexpr char trust_prefix = 'b';       ///< -> change number, encoded Signed
inline constexpr char check_prefix = 'c';       ///< -> the directory key's check value
inline constexpr char device_prefix = 'd';      ///< enrolment id -> DeviceRow
inline constexpr char by_officer_prefix = 'e';  ///< officer id ‖ enrolment id -> nothing
inline constexpr char officer_prefix = 'f';     ///< officer id -> sealed
inline constexpr char unit_prefix = 'g';        ///< keyed hash -> sealed
inline constexpr char number_prefix = 'h';      ///< keyed hash -> officer id
inline constexpr char log_prefix = 'i';         ///< index -> change number, entry
inline constexpr char receipt_prefix = 'j';     ///< enrolment id ‖ order hash -> receipt
inline constexpr char changed_prefix = 'k';     ///< change number ‖ enrolment id -> nothing: the device's newest change
inline constexpr char signed_prefix = 'l';      ///< -> grants signed within the last hour
inline constexpr char restore_prefix = 'm';     ///< -> RestoreRow
inline constexpr char login_prefix = 'n';       ///< enrolment id -> LoginRow without it
inline constexpr char stock_prefix = 'p';       ///< enrolment id -> StockRow
inline constexpr char one_time_prefix = 'q';    ///< enrolment id ‖ prekey id -> public key, 33 bytes
inline constexpr char spent_prefix = 'r';       ///< enrolment id ‖ prekey id -> first 16 bytes of the key's SHA-256

[[nodiscard]] std::string key(char prefix, std::initializer_list<BytesView> parts);

struct HeadRow {
    Cursor cursor = 0;
    std::uint64_t log_size = 0;
    std::uint64_t officers = 0;
};
/// What is known of a device's prekeys.
struct StockRow {
    StoreEpoch epoch;           ///< of everything in it
    std::uint32_t count = 0;    ///< one-time prekeys held
    std::uint32_t highest = 0;  ///< one-time id ever seen
    std::uint32_t highest_signed = 0;
    std::optional<StoredSignedPrekey> signed_prekey;
};

[[nodiscard]] std::string encode(const HeadRow& row);
[[nodiscard]] std::string encode(const DeviceRow& row);
[[nodiscard]] std::string encode(const StockRow& row);
[[nodiscard]] std::string encode(const LoginRow& row);
[[nodiscard]] std::string encode(const RestoreRow& row);
[[nodiscard]] std::string encode(const std::vector<SignerCount>& rows);
/// `store_corrupt` for bytes that no `encode` made.
[[nodiscard]] Result<HeadRow> decode_head(BytesView bytes);
[[nodiscard]] Result<DeviceRow> decode_device(BytesView bytes);
[[nodiscard]] Result<StockRow> decode_stock(BytesView bytes);
[[nodiscard]] Result<LoginRow> decode_login(const EnrolmentId& device, BytesView bytes);
[[nodiscard]] Result<RestoreRow> decode_restore(BytesView bytes);
[[nodiscard]] Result<std::vector<SignerCount>> decode_signed(BytesView bytes);

}  // namespace melder::server::directory_rows
