#include "server/stores/rocksdb/mailbox_expiry_filter.hpp"

#include "server/stores/rocksdb/key_layout.hpp"
#include "server/stores/rocksdb/mailbox_row.hpp"

namespace melder::server {
namespace {

using Slice = rocksdb::Slice;

class EntryExpiryFilter final : public rocksdb::CompactionFilter {
public:
    explicit EntryExpiryFilter(const Clock& clock) : clock_(clock) {}
    const char* Name() const override { return "melder.mailbox.expiry"; }

    Decision FilterV2(int, const Slice& key, ValueType, const Slice& value, std::string* new_value,
                      std::string*) const override {
        MailboxRow::Kind kind{};
        UnixTime expires_at;
        if (key.size() != key_layout::mailbox_key_bytes) return Decision::kKeep;
        if (!MailboxRow::parse_expiry(value.ToStringView(), kind, expires_at)) return Decision::kKeep;
        const UnixTime now = clock_.wall();
        if (now < expires_at) return Decision::kKeep;
        const auto state = static_cast<EntryState>(key[EnrolmentId::size_bytes + 1]);
        if (state != EntryState::fresh || now > expires_at + marker_kept) return Decision::kRemove;
        if (kind == MailboxRow::Kind::marker) return Decision::kKeep;
        *new_value = MailboxRow::marker(expires_at);
        return Decision::kChangeValue;
    }

private:
    const Clock& clock_;
};

class BodyExpiryFilter final : public rocksdb::CompactionFilter {
public:
    explicit BodyExpiryFilter(const Clock& clock) : clock_(clock) {}
    const char* Name() const override { return "melder.body.expiry"; }

    Decision FilterV2(int, const Slice&, ValueType, const Slice& value, std::string*, std::string*) const override {
        const auto expires_at = body_expiry(value.ToStringView());
        if (expires_at.has_error() || clock_.wall() < *expires_at) return Decision::kKeep;
        return Decision::kRemove;
    }

private:
    const Clock& clock_;
};

}  // namespace

std::unique_ptr<rocksdb::CompactionFilter> make_entry_expiry_filter(const Clock& clock) {
    return std::make_unique<EntryExpiryFilter>(clock);
}
std::unique_ptr<rocksdb::CompactionFilter> make_body_expiry_filter(const Clock& clock) {
    return std::make_unique<BodyExpiryFilter>(clock);
}

}  // namespace melder::server
