#include "sdk/vault/outbox_rows.hpp"

#include "core/crypto.hpp"
#include "core/limits.hpp"
#include "sdk/vault/boot_rows.hpp"
#include "sdk/vault/cell_codec.hpp"

namespace melder::sdk {
namespace {

// Two cells a row, so that a change of state does not write 62 KiB again.
constexpr Byte state_kind = 's';
constexpr Byte bytes_kind = 'b';

Bytes row_key(const EnvelopeId& envelope, Byte kind) {
    Bytes out = to_bytes(envelope.view());
    out.push_back(kind);
    return out;
}

void write(CellWriter& out, const std::vector<EnrolmentId>& devices) {
    out.number(static_cast<std::uint32_t>(devices.size()));
    for (const auto& device : devices)
        out.fixed(device.view());
}
Result<std::vector<EnrolmentId>> read_devices(CellReader& in) {
    MELDER_TRY(const auto count, in.number<std::uint32_t>());
    if (count > limits::headers_per_upload) return Errc::vault_unreadable;
    std::vector<EnrolmentId> out(count);
    for (auto& device : out) {
        MELDER_TRY(device, in.id<EnrolmentId>());
    }
    return out;
}

Result<OutboxState> decode(BytesView value) {
    CellReader in(value);
    OutboxState out;
    MELDER_TRY(out.envelope, in.id<EnvelopeId>());
    MELDER_TRY(out.content, in.id<ContentId>());
    MELDER_TRY(const auto lane, in.number<Byte>());
    out.lane = static_cast<Lane>(lane);
    MELDER_TRY(out.expires, in.time());
    MELDER_TRY(out.order, in.number<std::uint64_t>());
    MELDER_TRY(const auto reports, in.number<Byte>());
    out.reports = reports != 0;
    MELDER_TRY(out.recipients, read_devices(in));
    MELDER_TRY(out.own_devices, read_devices(in));
    MELDER_TRY(out.answered, read_devices(in));
    MELDER_TRY(const auto told, in.number<Byte>());
    out.told = told != 0;
    MELDER_CHECK(in.end());
    return out;
}

constexpr ByteArray<aead_nonce_bytes> single_use{};  // the key seals one content and nothing else

}  // namespace

Result<void> put_outbox(VaultTransaction& transaction, const OutboxState& state, BytesView sealed) {
    MELDER_CHECK(update_outbox(transaction, state));
    MELDER_CHECK(
        transaction.put(Table::outbox, row_key(state.envelope, bytes_kind), SecretBuffer(sealed), {state.expires, {}}));
    MELDER_TRY(const auto sent, load_boot_number(transaction, BootValue::send_counter));
    return put_boot_number(transaction, BootValue::send_counter, sent + 1);
}

Result<void> update_outbox(VaultTransaction& transaction, const OutboxState& state) {
    CellWriter out(96 + 16 * (state.recipients.size() + state.own_devices.size() + state.answered.size()));
    out.fixed(state.envelope.view()).fixed(state.content.view()).number(static_cast<Byte>(state.lane));
    out.time(state.expires).number(state.order).number(static_cast<Byte>(state.reports));
    write(out, state.recipients);
    write(out, state.own_devices);
    write(out, state.answered);
    out.number(static_cast<Byte>(state.told));
    // The state outlives the bytes by a day: the sender's SDK concludes `expired` from it.
    return transaction.put(Table::outbox, row_key(state.envelope, state_kind), out.take(),
                           {state.expires + limits::done_memory, {}});
}

Result<void> mark_outbox_told(VaultTransaction& transaction, const EnvelopeId& envelope) {
    MELDER_TRY(const auto value, transaction.find(Table::outbox, row_key(envelope, state_kind)));
    if (!value) return ok();
    MELDER_TRY(auto state, decode(value->expose()));
    state.told = true;
    return update_outbox(transaction, state);
}

Result<void> erase_outbox_bytes(VaultTransaction& transaction, const EnvelopeId& envelope) {
    return transaction.erase(Table::outbox, row_key(envelope, bytes_kind));
}

Result<void> erase_outbox(VaultTransaction& transaction, const EnvelopeId& envelope) {
    MELDER_CHECK(erase_outbox_bytes(transaction, envelope));
    return transaction.erase(Table::outbox, row_key(envelope, state_kind));
}

Result<std::optional<Bytes>> find_outbox_bytes(const VaultTransaction& transaction, const EnvelopeId& envelope) {
    MELDER_TRY(const auto value, transaction.find(Table::outbox, row_key(envelope, bytes_kind)));
    if (!value) return std::optional<Bytes>();
    return std::optional<Bytes>(to_bytes(value->expose()));
}

Result<std::vector<OutboxState>> load_outbox(const VaultTransaction& transaction) {
    std::vector<OutboxState> out;
    MELDER_CHECK(transaction.for_each(Table::outbox, [&](BytesView key, BytesView value) -> Result<void> {
        if (key.empty() || key.back() != state_kind) return ok();
        MELDER_TRY(auto state, decode(value));
        out.push_back(std::move(state));
        return ok();
    }));
    std::ranges::sort(out, {}, &OutboxState::order);
    return out;
}

Result<std::uint64_t> next_outbox_order(const VaultTransaction& transaction) {
    MELDER_TRY(const auto sent, load_boot_number(transaction, BootValue::send_counter));
    return sent + 1;
}

Result<void> put_outbox_content(VaultTransaction& transaction, const ContentId& content, BytesView plaintext,
                                UnixTime expires, Random& random) {
    const auto kept_until = std::min(expires, transaction.now() + limits::outbox_content_longest);
    const auto key = random.secret<AeadKey>();
    const Bytes sealed = aead_seal(key, single_use, content.view(), plaintext);
    MELDER_CHECK(
        transaction.put(Table::outbox_content_keys, content.view(), SecretBuffer(key.expose()), {kept_until, {}}));
    return transaction.put(Table::outbox_content, content.view(), SecretBuffer(sealed), {kept_until, {}});
}

Result<std::optional<SecretBuffer>> find_outbox_content(const VaultTransaction& transaction, const ContentId& content) {
    MELDER_TRY(const auto raw, transaction.find(Table::outbox_content_keys, content.view()));
    MELDER_TRY(const auto sealed, transaction.find(Table::outbox_content, content.view()));
    if (!raw || !sealed) return std::optional<SecretBuffer>();
    MELDER_TRY(const auto key, AeadKey::from(raw->expose()));
    auto opened = aead_open(key, single_use, content.view(), sealed->expose());
    if (opened.has_error()) return Errc::vault_unreadable;
    return std::optional<SecretBuffer>(std::move(*opened));
}

Result<void> erase_outbox_content(VaultTransaction& transaction, const ContentId& content) {
    MELDER_CHECK(transaction.erase(Table::outbox_content_keys, content.view()));
    return transaction.erase(Table::outbox_content, content.view());
}

}  // namespace melder::sdk
