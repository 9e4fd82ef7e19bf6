#include "apps/melder-admin/trust_plan.hpp"

#include <algorithm>

#include "apps/melder-admin/ceremony.hpp"
#include "apps/melder-admin/words.hpp"
#include "core/limits.hpp"

namespace melder::admin {
namespace {

using Fields = TrustList::Fields;

std::string id_of(const AdminKey& admin) {
    return key_id_of(admin.key).hex();
}

const AdminKey* find(const Fields& list, const Ed25519Public& key) {
    const auto found = std::ranges::find(list.admin_keys, key, &AdminKey::key);
    return found == list.admin_keys.end() ? nullptr : &*found;
}

std::string state_text(const AdminKey& admin) {
    switch (admin.state) {
        case KeyState::active:
            return "active";
        case KeyState::retired:
            return "retired: what it signs from log entry " + std::to_string(admin.retired_at_log_size) +
                   " on does not count";
        case KeyState::distrusted:
            return "distrusted: nothing that it ever signed counts";
    }
    return "unknown";
}

std::string_view change_of(KeyState state) {
    switch (state) {
        case KeyState::active:
            return "admin_active";
        case KeyState::retired:
            return "admin_retired";
        case KeyState::distrusted:
            return "admin_distrusted";
    }
    return "admin_active";
}

class Plan {
public:
    Plan(const Fields* before, const Fields& after) : before_(before), after_(after) {}

    std::vector<PlanLine> write() {
        add("version", "",
            before_ == nullptr
                ? "trust list " + std::to_string(after_.version) + ", the first"
                : "trust list " + std::to_string(before_->version) + " -> " + std::to_string(after_.version));
        administrators();
        pins();
        for (const auto& key : after_.statement_keys) {
            if (before_ == nullptr || std::ranges::find(before_->statement_keys, key) == before_->statement_keys.end())
                add("statement_key_added", key.hex(), "  + statement key " + short_hex(key.hex()));
        }
        ends();
        return std::move(lines_);
    }

private:
    void add(std::string_view change, const std::string& subject, std::string text, bool warning = false) {
        lines_.push_back({std::string(change), subject, std::move(text), warning});
    }
    void warn(std::string_view change, const std::string& text) { add(change, "", "  ! " + text, true); }

    void administrators() {
        for (const auto& admin : after_.admin_keys) {
            const auto id = id_of(admin);
            const auto* const old = before_ == nullptr ? nullptr : find(*before_, admin.key);
            const auto named = "administrator " + short_hex(id);
            if (old == nullptr) {
                add("admin_added", id, "  + " + named + "  " + rights_text(admin.rights));
                continue;
            }
            if (old->rights != admin.rights) {
                add("admin_rights", id,
                    "  ~ " + named + "  rights " + rights_text(old->rights) + " -> " + rights_text(admin.rights));
            }
            if (old->state != admin.state || old->retired_at_log_size != admin.retired_at_log_size)
                add(change_of(admin.state), id, "  ~ " + named + "  " + state_text(admin));
        }
        const auto holders = [](const Fields& list, Right right) {
            return std::ranges::count_if(list.admin_keys, [&](const AdminKey& admin) {
                return admin.state == KeyState::active && admin.has(right);
            });
        };
        if (before_ == nullptr) return;
        for (const auto right : {Right::enrol, Right::directory, Right::leaders, Right::revoke}) {
            if (holders(*before_, right) > 0 && holders(after_, right) == 0)
                warn("right_without_holder", "no active key holds the right " + std::string(name_of(right)) +
                                                 " any more: add one with --admin");
        }
        constexpr auto quorum = static_cast<std::ptrdiff_t>(limits::restore_quorum);
        if (holders(*before_, Right::revoke) >= quorum && holders(after_, Right::revoke) < quorum)
            warn("no_restore", "only one active key may revoke: nothing can be restored, which takes two");
    }

    void pins() {
        const auto stands_in = [](const Fields& list, const TlsPin& pin) {
            return std::ranges::any_of(
                list.pins, [&](const TlsPin& other) { return other.spki == pin.spki && other.role == pin.role; });
        };
        const auto role = [](const TlsPin& pin) { return pin.role == ServerRole::relay ? "relay" : "keyserver"; };
        for (const auto& pin : after_.pins) {
            if (before_ == nullptr || !stands_in(*before_, pin))
                add("pin_added", pin.spki.hex(),
                    "  + server key " + short_hex(pin.spki.hex()) + "  " + std::string(role(pin)));
        }
        if (before_ == nullptr) return;
        for (const auto& pin : before_->pins) {
            if (!stands_in(after_, pin))
                add("pin_dropped", pin.spki.hex(),
                    "  - server key " + short_hex(pin.spki.hex()) + "  " + std::string(role(pin)) +
                        ": a server that still shows it is refused");
        }
    }

    void ends() {
        std::string text = "  valid until " + date_text(after_.not_after);
        if (before_ != nullptr) text += " (was " + date_text(before_->not_after) + ")";
        add("not_after", "", text);
        if (before_ != nullptr && after_.not_after < before_->not_after)
            warn("ends_earlier", "it ends earlier than the one before");
    }

    const Fields* before_;
    const Fields& after_;
    std::vector<PlanLine> lines_;
};

}  // namespace

std::vector<PlanLine> plan_list(const Fields* before, const Fields& after) {
    return Plan(before, after).write();
}

}  // namespace melder::admin
