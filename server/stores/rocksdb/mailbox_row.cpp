#include "server/stores/rocksdb/mailbox_row.hpp"

#include "core/endian.hpp"

namespace melder::server {
namespace {

constexpr std::size_t start_bytes = 1 + 8;
constexpr std::size_t body_key_bytes = 16;
constexpr std::size_t fixed_bytes = start_bytes + 16 + 32 + 8 + 1 + 2 + 8 + body_key_bytes + 4;
constexpr std::size_t body_start_bytes = 1 + 8;
constexpr char body_kind = 1;

template <std::unsigned_integral T>
void append(std::string& out, T value) {
    out.append(as_chars(big_endian(value)));
}

/// Takes fixed fields off the front; the caller has checked the length.
class Reader {
public:
    explicit Reader(std::string_view rest) : rest_(rest) {}
    template <std::unsigned_integral T>
    T number() {
        return from_big_endian<T>(view(take(sizeof(T))).template first<sizeof(T)>());
    }
    UnixTime time() { return {static_cast<std::int64_t>(number<std::uint64_t>())}; }
    std::string_view take(std::size_t bytes) {
        const auto out = rest_.substr(0, bytes);
        rest_.remove_prefix(bytes);
        return out;
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

std::string start(MailboxRow::Kind kind, UnixTime expires_at) {
    std::string out(1, static_cast<char>(kind));
    append(out, static_cast<std::uint64_t>(expires_at.ms));
    return out;
}

}  // namespace

std::string MailboxRow::encode() const {
    std::string out = start(kind, expires_at);
    if (kind == Kind::marker) return out;
    out.append(id.chars()).append(hash.chars());
    append(out, static_cast<std::uint64_t>(stored_at.ms));
    append(out, marks.refusals);
    append(out, marks.refusal_code);
    append(out, static_cast<std::uint64_t>(marks.deferred_since.value_or(UnixTime{}).ms));
    out.append(body_key);
    append(out, body_bytes);
    out.append(header);
    return out;
}

std::string MailboxRow::marker(UnixTime expires_at) {
    return start(Kind::marker, expires_at);
}

bool MailboxRow::parse_expiry(std::string_view value, Kind& kind, UnixTime& expires_at) noexcept {
    if (value.size() < start_bytes || (value[0] != 1 && value[0] != 2)) return false;
    Reader reader(value);
    kind = static_cast<Kind>(reader.number<std::uint8_t>());
    expires_at = reader.time();
    return true;
}

Result<MailboxRow> MailboxRow::parse(std::string_view value) {
    MailboxRow row;
    if (!parse_expiry(value, row.kind, row.expires_at)) return Errc::store_corrupt;
    if (row.kind == Kind::marker) return row;
    if (value.size() < fixed_bytes) return Errc::store_corrupt;
    Reader reader(value.substr(start_bytes));
    row.id = EnvelopeId::from(reader.take(EnvelopeId::size_bytes)).value();
    row.hash = Hash::from(reader.take(Hash::size_bytes)).value();
    row.stored_at = reader.time();
    row.marks.refusals = reader.number<std::uint8_t>();
    row.marks.refusal_code = reader.number<std::uint16_t>();
    if (const auto since = reader.time(); since.ms != 0) row.marks.deferred_since = since;
    row.body_key = reader.take(body_key_bytes);
    row.body_bytes = reader.number<std::uint32_t>();
    row.header = reader.rest();
    return row;
}

std::string encode_body(UnixTime expires_at, std::string_view body) {
    std::string out(1, body_kind);
    append(out, static_cast<std::uint64_t>(expires_at.ms));
    out.append(body);
    return out;
}

Result<UnixTime> body_expiry(std::string_view value) {
    if (value.size() < body_start_bytes || value[0] != body_kind) return Errc::store_corrupt;
    return Reader(value.substr(1)).time();
}

std::string_view body_of(std::string_view value) {
    return value.substr(body_start_bytes);
}

}  // namespace melder::server
