#pragma once
// The rows of sequence_values.hpp.

#include "sdk/vault/sequence_values.hpp"
#include "sdk/vault/vault.hpp"

namespace melder::sdk {

[[nodiscard]] Result<void> put_stream(VaultTransaction& transaction, const StreamRow& row);
[[nodiscard]] Result<std::vector<StreamRow>> load_streams(const VaultTransaction& transaction);

[[nodiscard]] Result<void> put_sent(VaultTransaction& transaction, const SentRow& row);
/// `highest` 0 where nothing was sent yet.
[[nodiscard]] Result<SentRow> load_sent(const VaultTransaction& transaction, const OfficerId& conversation, Lane lane);

}  // namespace melder::sdk
