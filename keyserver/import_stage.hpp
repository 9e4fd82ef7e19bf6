#pragma once
// Parts of directory imports that wait for their commit. In memory only, bounded; not thread-safe. Decides nothing
// about rights or content.

#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/clock.hpp"
#include "core/order_log.hpp"
#include "keyserver/signer_window.hpp"
#include "server/stores/directory_store.hpp"

namespace melder::keyserver {

class ImportStage {
public:
    /// An order or a grant version, judged, and its device as it will be.
    struct Document {
        std::optional<CheckedOrder> order;  ///< without: `grant`
        SignedBytes grant;
        std::vector<KeyId> signers;
        bool has_second_key = false;
        bool repeated = false;  ///< a grant that the store holds already: nothing to do
        server::DeviceRow row;
        std::optional<server::NumberRow> number;
    };
    struct Import {
        KeyId admin;
        ByteArray<16> id{};
        server::DirectoryChange change;  ///< units, officers, numbers
        std::size_t parts = 0;
        std::size_t bytes = 0;  ///< of the parts as they came
        BootTime touched;
        std::shared_ptr<const TrustList> trust;  ///< under which the documents were judged; null: there are none
        std::vector<Document> documents;
        std::unordered_map<EnrolmentId, std::size_t> places;  ///< of their devices in `documents`
        std::unordered_set<EnrolmentId> stale;                ///< devices to be judged again before the commit
        SignerWindow orders_signed, grants_signed;            ///< as if it had been committed
    };
    /// The administrator's import under this id; another one of his is dropped, and so is the oldest of all beyond
    /// limits::imports_open. Valid until the next call.
    [[nodiscard]] Import& open(const KeyId& admin, const ByteArray<16>& id, BootTime now);
    /// Out of the stage; nothing if there is none.
    [[nodiscard]] std::optional<Import> take(const KeyId& admin, const ByteArray<16>& id);
    void drop(const KeyId& admin);
    /// The oldest ones but this administrator's, until all together fit into limits::imports_bytes.
    void make_room(const KeyId& admin);
    /// Those that nothing was heard of for limits::import_idle.
    void drop_idle(BootTime now);
    /// Somebody else writes these devices.
    void note_changed(const std::vector<server::DeviceRow>& devices);

private:
    std::vector<Import> imports_;  ///< the oldest first
};

}  // namespace melder::keyserver
