#pragma once
// Whether somebody proves that this store was put back from a backup. Decisions only.
//
// Proof is what one of our own statement keys signed in a life of the store that ours has forgotten: a statement, or
// the date of a binding. A number or a hash without a signature proves nothing. What the present life of the store can
// know nothing of, because an operator declared the restore that ended the former one, is no proof either: a statement
// of a lower epoch (but for a longer log than he was told of), a binding dated before the declaration.

#include <optional>
#include <string_view>

#include "core/order_log.hpp"
#include "core/statement.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

/// Numbers as stored: never reused.
enum class LossKind : std::uint8_t {
    epoch = 1,   ///< the store had a later life
    log = 2,     ///< the order log held entries that this one lacks
    device = 3,  ///< a device was bound that the store does not know
};
[[nodiscard]] std::string_view name_of(LossKind kind) noexcept;

/// The part of an epoch that grows from life to life.
[[nodiscard]] std::uint64_t number_of(const StoreEpoch& epoch) noexcept;

/// `statement` is signed by one of our keys, or is asked about before that is looked at. Empty: it proves nothing.
[[nodiscard]] std::optional<LossKind> judge_statement(const Statement& statement, const StoreEpoch& own_epoch,
                                                      const OrderBook& book, const server::RestoreRow& restore);
/// A device that the store does not know shows a binding that one of our keys dated.
[[nodiscard]] std::optional<LossKind> judge_unknown_binding(UnixTime bound_at, const server::RestoreRow& restore);

/// What a start with --restored leaves: the proven loss is accepted, and what comes from before is proof no more.
[[nodiscard]] server::RestoreRow declare_restored(const server::RestoreRow& before, UnixTime now);

}  // namespace melder::keyserver
