#include "server/stores/directory_rows.hpp"

namespace melder::server::directory_rows {
namespace {

constexpr Byte row_version = 1;

class Writer {
public:
    Writer() { out_.push_back(static_cast<char>(row_version)); }
    template <std::unsigned_integral T>
    Writer& number(T value) {
        return raw(big_endian(value));
    }
    Writer& time(UnixTime t) { return number(static_cast<std::uint64_t>(t.ms)); }
    Writer& raw(BytesView bytes) {
        out_.append(as_chars(bytes));
        return *this;
    }
    Writer& text(BytesView bytes) { return number(static_cast<std::uint32_t>(bytes.size())).raw(bytes); }
    [[nodiscard]] std::string take() { return std::move(out_); }

private:
    std::string out_;
};

/// Sticky failure: a reader that ran out hands out zeroes and says so at the end.
class Reader {
public:
    explicit Reader(BytesView bytes) : rest_(bytes) {
        if (number<std::uint8_t>() != row_version) failed_ = true;
    }
    template <std::unsigned_integral T>
    [[nodiscard]] T number() {
        const auto bytes = take(sizeof(T));
        return bytes.empty() ? T{} : from_big_endian<T>(bytes.first<sizeof(T)>());
    }
    [[nodiscard]] UnixTime time() { return {static_cast<std::int64_t>(number<std::uint64_t>())}; }
    template <class IdType>
    [[nodiscard]] IdType id() {
        return IdType(array<IdType::size_bytes>());
    }
    template <std::size_t N>
    [[nodiscard]] ByteArray<N> array() {
        ByteArray<N> out{};
        const auto bytes = take(N);
        std::ranges::copy(bytes, out.begin());
        return out;
    }
    [[nodiscard]] BytesView text() { return take(number<std::uint32_t>()); }
    [[nodiscard]] bool has_more() const { return !failed_ && !rest_.empty(); }
    [[nodiscard]] bool finished() const { return !failed_ && rest_.empty(); }

private:
    [[nodiscard]] BytesView take(std::size_t size) {
        if (size > rest_.size()) {
            failed_ = true;
            rest_ = {};
            return {};
        }
        const auto out = rest_.first(size);
        rest_ = rest_.subspan(size);
        return out;
    }

    BytesView rest_;
    bool failed_ = false;
};

Error corrupt() {
    return {Errc::store_corrupt, "a row of the directory cannot be read; restore the last backup"};
}

}  // namespace

std::string key(char prefix, std::initializer_list<BytesView> parts) {
    std::string out(1, prefix);
    for (const auto part : parts)
        out.append(as_chars(part));
    return out;
}

std::string encode(const HeadRow& row) {
    return Writer().number(row.cursor).number(row.log_size).number(row.officers).take();
}

Result<HeadRow> decode_head(BytesView bytes) {
    Reader in(bytes);
    HeadRow row;
    row.cursor = in.number<std::uint64_t>();
    row.log_size = in.number<std::uint64_t>();
    row.officers = in.number<std::uint64_t>();
    if (!in.finished()) return corrupt();
    return row;
}

std::string encode(const DeviceRow& row) {
    Writer out;
    out.raw(row.device.view()).number(row.revision).raw(row.officer.view()).text(view(row.app));
    out.raw(row.enrolment_key.view()).time(row.bind_before).time(row.not_before).time(row.not_after);
    out.number(row.grant_version).raw(row.first_grant.view()).number(static_cast<std::uint8_t>(row.standing));
    out.text(row.sealed_grant).number(static_cast<std::uint8_t>(row.bound.has_value()));
    if (row.bound) {
        out.raw(row.bound->identity_key.view()).raw(row.bound->login_key.view()).number(row.bound->registration_id);
        out.time(row.bound->bound_at).text(row.bound->binding).text(row.bound->date);
    }
    // Rows that never had one stay as the first version wrote them.
    if (!row.sealed_former_grant.empty()) out.text(row.sealed_former_grant);
    return out.take();
}

Result<DeviceRow> decode_device(BytesView bytes) {
    Reader in(bytes);
    DeviceRow row;
    row.device = in.id<EnrolmentId>();
    row.revision = in.number<std::uint64_t>();
    row.officer = in.id<OfficerId>();
    row.app = to_string(in.text());
    row.enrolment_key = in.id<Ed25519Public>();
    row.bind_before = in.time();
    row.not_before = in.time();
    row.not_after = in.time();
    row.grant_version = in.number<std::uint32_t>();
    row.first_grant = in.id<Hash>();
    const auto standing = in.number<std::uint8_t>();
    if (standing > static_cast<std::uint8_t>(DeviceStanding::replaced)) return corrupt();
    row.standing = static_cast<DeviceStanding>(standing);
    row.sealed_grant = to_bytes(in.text());
    if (in.number<std::uint8_t>() != 0) {
        auto& bound = row.bound.emplace();
        bound.identity_key = in.id<X25519Public>();
        bound.login_key = in.id<P256Public>();
        bound.registration_id = in.number<std::uint32_t>();
        bound.bound_at = in.time();
        bound.binding = to_bytes(in.text());
        bound.date = to_bytes(in.text());
    }
    if (in.has_more()) row.sealed_former_grant = to_bytes(in.text());
    if (!in.finished()) return corrupt();
    return row;
}

std::string encode(const StockRow& row) {
    Writer out;
    out.raw(row.epoch.view()).number(row.count).number(row.highest).number(row.highest_signed);
    out.number(static_cast<std::uint8_t>(row.signed_prekey.has_value()));
    if (row.signed_prekey) {
        out.number(row.signed_prekey->id).raw(row.signed_prekey->public_key).raw(row.signed_prekey->signature);
    }
    return out.take();
}

Result<StockRow> decode_stock(BytesView bytes) {
    Reader in(bytes);
    StockRow row;
    row.epoch = in.id<StoreEpoch>();
    row.count = in.number<std::uint32_t>();
    row.highest = in.number<std::uint32_t>();
    row.highest_signed = in.number<std::uint32_t>();
    if (in.number<std::uint8_t>() != 0) {
        auto& prekey = row.signed_prekey.emplace();
        prekey.id = in.number<std::uint32_t>();
        prekey.public_key = in.array<33>();
        prekey.signature = in.array<64>();
    }
    if (!in.finished()) return corrupt();
    return row;
}

std::string encode(const LoginRow& row) {
    return Writer().number(row.day).number(row.protocol).text(view(row.client_version)).take();
}

Result<LoginRow> decode_login(const EnrolmentId& device, BytesView bytes) {
    Reader in(bytes);
    LoginRow row;
    row.device = device;
    row.day = in.number<std::uint32_t>();
    row.protocol = in.number<std::uint32_t>();
    row.client_version = to_string(in.text());
    if (!in.finished()) return corrupt();
    return row;
}

std::string encode(const RestoreRow& row) {
    Writer out;
    out.time(row.declared_at).number(row.accepted_log_size);
    out.number(static_cast<std::uint8_t>(row.loss.has_value()));
    if (row.loss) out.number(row.loss->kind).time(row.loss->met_at).number(row.loss->log_size);
    return out.take();
}

Result<RestoreRow> decode_restore(BytesView bytes) {
    Reader in(bytes);
    RestoreRow row;
    row.declared_at = in.time();
    row.accepted_log_size = in.number<std::uint64_t>();
    if (in.number<std::uint8_t>() != 0) {
        auto& loss = row.loss.emplace();
        loss.kind = in.number<std::uint8_t>();
        loss.met_at = in.time();
        loss.log_size = in.number<std::uint64_t>();
    }
    if (!in.finished()) return corrupt();
    return row;
}

std::string encode(const std::vector<SignerCount>& rows) {
    Writer out;
    for (const auto& row : rows)
        out.raw(row.key.view()).number(static_cast<std::uint64_t>(row.minute)).number(row.count);
    return out.take();
}

Result<std::vector<SignerCount>> decode_signed(BytesView bytes) {
    Reader in(bytes);
    std::vector<SignerCount> rows;
    while (in.has_more()) {
        auto& row = rows.emplace_back();
        row.key = in.id<KeyId>();
        row.minute = static_cast<std::int64_t>(in.number<std::uint64_t>());
        row.count = in.number<std::uint32_t>();
    }
    if (!in.finished()) return corrupt();
    return rows;
}

}  // namespace melder::server::directory_rows
