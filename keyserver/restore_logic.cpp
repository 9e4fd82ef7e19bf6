#include "keyserver/restore_logic.hpp"

#include "core/endian.hpp"

namespace melder::keyserver {

std::string_view name_of(LossKind kind) noexcept {
    switch (kind) {
        case LossKind::epoch:
            return "epoch";
        case LossKind::log:
            return "log";
        case LossKind::device:
            return "device";
    }
    return "unknown";
}

std::uint64_t number_of(const StoreEpoch& epoch) noexcept {
    return from_big_endian<std::uint64_t>(epoch.view().first<8>());
}

std::optional<LossKind> judge_statement(const Statement& statement, const StoreEpoch& own_epoch, const OrderBook& book,
                                        const server::RestoreRow& restore) {
    const bool former = number_of(statement.store_epoch) < number_of(own_epoch);
    // The same number with other random bytes is the life of another copy of this store.
    if (!former && statement.store_epoch != own_epoch) return LossKind::epoch;
    const bool lacks = book.head_at(statement.log_size) != statement.log_head;
    const bool accepted = former && statement.log_size <= restore.accepted_log_size;
    if (lacks && !accepted) return LossKind::log;
    return std::nullopt;
}

std::optional<LossKind> judge_unknown_binding(UnixTime bound_at, const server::RestoreRow& restore) {
    if (bound_at > restore.declared_at) return LossKind::device;
    return std::nullopt;
}

server::RestoreRow declare_restored(const server::RestoreRow& before, UnixTime now) {
    server::RestoreRow after{.declared_at = now, .accepted_log_size = before.accepted_log_size, .loss = std::nullopt};
    if (before.loss) after.accepted_log_size = std::max(after.accepted_log_size, before.loss->log_size);
    return after;
}

}  // namespace melder::keyserver
