#include "sdk/vault/vault.hpp"

#include "sdk/vault/store.hpp"

namespace melder::sdk {

VaultTransaction::VaultTransaction(VaultStore& store, VaultTransaction* parent, UnixTime now)
    : store_(&store), parent_(parent), now_(now) {}
VaultTransaction::VaultTransaction(VaultTransaction&&) noexcept = default;
VaultTransaction& VaultTransaction::operator=(VaultTransaction&&) noexcept = default;
VaultTransaction::~VaultTransaction() = default;

const VaultTransaction::Staged* VaultTransaction::staged(const StagedKey& key) const {
    for (const auto* level = this; level; level = level->parent_) {
        if (const auto found = level->staged_.find(key); found != level->staged_.end()) return &found->second;
    }
    return nullptr;
}

Result<std::optional<SecretBuffer>> VaultTransaction::find(Table table, BytesView key) const {
    MELDER_TRY(const auto* keys, store_->ring(table));
    const Lookup lookup = keys->lookup(table, key);
    if (const auto* write = staged({table, lookup})) {
        if (!write->value || (write->expires && *write->expires <= now_)) return std::optional<SecretBuffer>();
        return std::optional<SecretBuffer>(write->value->clone());
    }
    MELDER_TRY(const auto cell, store_->find(table, lookup, now_));
    if (!cell) return std::optional<SecretBuffer>();
    if (!equal(cell->key(), key)) return Errc::vault_unreadable;
    return std::optional<SecretBuffer>(SecretBuffer(cell->value()));
}

Result<bool> VaultTransaction::contains(Table table, BytesView key) const {
    MELDER_TRY(const auto found, find(table, key));
    return found.has_value();
}

Result<void> VaultTransaction::put(Table table, BytesView key, SecretBuffer value, CellOptions options) {
    MELDER_TRY(const auto* keys, store_->ring(table));
    if (key.size() > 0xffff || (options.expires && options.expires->ms <= 0)) return Errc::bad_argument;
    staged_.insert_or_assign(StagedKey{table, keys->lookup(table, key)},
                             Staged{table, to_bytes(key), std::move(value), options.expires, to_bytes(options.group)});
    return ok();
}

Result<void> VaultTransaction::erase(Table table, BytesView key) {
    MELDER_TRY(const auto* keys, store_->ring(table));
    staged_.insert_or_assign(StagedKey{table, keys->lookup(table, key)}, Staged{table, {}, {}, {}, {}});
    return ok();
}

Result<void> VaultTransaction::erase_group(Table table, BytesView group) {
    std::vector<Bytes> keys;
    MELDER_CHECK(for_each_in(table, group, [&](BytesView key, BytesView) {
        keys.push_back(to_bytes(key));
        return ok();
    }));
    for (const auto& key : keys)
        MELDER_CHECK(erase(table, key));
    return ok();
}

Result<void> VaultTransaction::visit(Table table, const BytesView* group, const Visitor& visitor) const {
    MELDER_CHECK(store_->for_each(table, group, now_, [&](const Lookup& lookup, const KeyRing::Cell& cell) {
        if (staged({table, lookup})) return ok();
        return visitor(cell.key(), cell.value());
    }));
    for (const auto* level = this; level; level = level->parent_) {
        for (const auto& [key, write] : level->staged_) {
            if (write.table != table || !write.value || staged(key) != &write) continue;
            if (write.expires && *write.expires <= now_) continue;
            if (group && !equal(write.group, *group)) continue;
            MELDER_CHECK(visitor(write.key, write.value->expose()));
        }
    }
    return ok();
}

Result<void> VaultTransaction::for_each(Table table, const Visitor& visitor) const {
    return visit(table, nullptr, visitor);
}

Result<void> VaultTransaction::for_each_in(Table table, BytesView group, const Visitor& visitor) const {
    return visit(table, &group, visitor);
}

VaultTransaction VaultTransaction::nested() {
    return {*store_, this, now_};
}

void VaultTransaction::keep() {
    for (auto& [key, write] : staged_)
        parent_->staged_.insert_or_assign(key, std::move(write));
    staged_.clear();
}

Result<void> VaultTransaction::commit(Sync sync) {
    if (parent_) return Errc::bad_argument;
    MELDER_CHECK(store_->commit(staged_, sync));
    staged_.clear();
    return ok();
}

bool VaultTransaction::empty() const noexcept {
    return staged_.empty();
}

Vault::Vault(std::unique_ptr<VaultStore> store) : store_(std::move(store)) {}
Vault::~Vault() = default;

Result<std::unique_ptr<Vault>> Vault::open(Options options) {
    MELDER_TRY(auto store, VaultStore::open(std::move(options)));
    return std::unique_ptr<Vault>(new Vault(std::move(store)));
}

VaultTransaction Vault::begin(UnixTime now) {
    return {*store_, nullptr, now};
}
bool Vault::main_is_open() const {
    return store_->ring(Compartment::main).has_value();
}
void Vault::close_main() {
    store_->close_compartment(Compartment::main);
}
Result<void> Vault::open_main(const LeaseShare& share) {
    return store_->open_compartment(Compartment::main, share);
}
Result<std::size_t> Vault::erase_expired(UnixTime now) {
    return store_->erase_expired(now);
}

Result<void> Vault::begin_data_key_change(Compartment compartment) {
    return store_->begin_data_key_change(compartment);
}
Result<bool> Vault::step_data_key_change(Compartment compartment, std::size_t cells) {
    return store_->step_data_key_change(compartment, cells);
}
Result<bool> Vault::data_key_change_pending(Compartment compartment) const {
    MELDER_TRY(const auto* keys, store_->ring(compartment));
    return keys->data_keys() > 1;
}

Result<ByteArray<32>> Vault::blind(std::initializer_list<BytesView> parts) const {
    MELDER_TRY(const auto* keys, store_->ring(Compartment::main));
    return keys->blind(parts);
}

std::uint64_t Vault::opening() const {
    return store_->opening();
}

}  // namespace melder::sdk
