#pragma once
// The administrator's directory: root-set, trust-list (the newest seen), trust-list-signed (the newest signed here),
// admin.key, journal (reasons of orders), log-position (how far the order log was verified). Nothing in it is readable
// by others; keys stand under a passphrase.

#include <filesystem>
#include <map>
#include <memory>
#include <vector>

#include "core/order_log.hpp"
#include "core/trust_list.hpp"

namespace melder::admin {

class Home {
public:
    /// `directory` empty: $MELDER_ADMIN_HOME, else ~/.melder-admin.
    explicit Home(const std::string& directory);

    [[nodiscard]] std::filesystem::path file(const char* name) const { return directory_ / name; }
    [[nodiscard]] Result<void> create() const;
    [[nodiscard]] Result<RootSet> load_root_set() const;
    /// Null if none was seen yet.
    [[nodiscard]] Result<std::shared_ptr<const TrustList>> load_trust_list(const RootSet& roots) const;
    /// The newer one of what was seen and what was signed here; null if there is none.
    [[nodiscard]] Result<std::shared_ptr<const TrustList>> load_newest_signed(const RootSet& roots) const;
    [[nodiscard]] Result<void> save_trust_list(const TrustList& list) const;

    struct LogPosition {
        std::uint64_t size = 0;
        Hash head;
    };
    [[nodiscard]] Result<LogPosition> load_log_position() const;
    [[nodiscard]] Result<void> save_log_position(const LogPosition& position) const;
    /// One line: time, order, target, salt, reason. Written before the order is sent.
    [[nodiscard]] Result<void> note_order(const Order& order, BytesView salt, std::string_view reason) const;
    struct NotedOrder {
        Order order;
        ByteArray<16> salt{};
    };
    /// The same for many, written at once.
    [[nodiscard]] Result<void> note_orders(const std::vector<NotedOrder>& orders, std::string_view reason) const;
    /// The journal's reasons by the hash that stands in the order.
    using Reasons = std::map<Hash, std::string>;
    [[nodiscard]] Result<Reasons> load_reasons() const;

    /// Why an entry of the log came to be that carries no reason of its own: a trust list (`subject`: its hash), a
    /// replacement (the new device's id). One line; in the journal only.
    [[nodiscard]] Result<void> note_subject(std::string_view kind, const std::string& subject, UnixTime now,
                                            std::string_view reason) const;
    using Notes = std::map<std::string, std::string, std::less<>>;
    [[nodiscard]] Result<Notes> load_notes() const;

private:
    std::filesystem::path directory_;
};

}  // namespace melder::admin
