#pragma once
// The phone's time (DESIGN section 2, "Time"): out of signed statements, carried on by a clock that counts sleep.
// Decision only: whoever calls has verified the statements and reads the boot clock.
//
//  * Set by a statement over this client's fresh nonce; any other only raises the floor. Time never goes back.
//  * Within one boot all forward steps together exceed the boot clock by at most 24 h; one that would exceed it changes
//    nothing and is reported.
//  * After a reboot any forward step is accepted for login, reading and sending. What it expires is hidden at once
//    (`now`) and erased (`erasable_until`) only after a second statement at least 10 minutes later.

#include <optional>

#include "core/clock.hpp"
#include "core/secret.hpp"
#include "sdk/trust/boot_id.hpp"

namespace melder::sdk {

class GuardedClock {
public:
    enum class Outcome {
        set,            ///< time went on with the statement
        older,          ///< the statement is behind the clock: no error, nothing set back
        step_too_large  ///< refused: lock and report
    };

    GuardedClock(const BootId& boot_id, BootTime boot_now);
    /// Continues from the vault. In another boot the time is a floor from which it runs on.
    [[nodiscard]] static Result<GuardedClock> restore(BytesView encoded, const BootId& boot_id, BootTime boot_now);
    [[nodiscard]] SecretBuffer encode(BootTime boot_now) const;

    /// Nothing before the first statement ever.
    [[nodiscard]] std::optional<UnixTime> now(BootTime boot_now) const;
    /// What expired at or before this may be erased; behind `now` while a second opinion is awaited.
    [[nodiscard]] std::optional<UnixTime> erasable_until(BootTime boot_now) const;
    [[nodiscard]] bool awaits_second_opinion() const { return held_.has_value(); }

    /// A statement over our nonce. `asked` is when the nonce was made: the statement's time lies between then and now,
    /// so it is taken as that of the asking and never runs ahead of the server.
    [[nodiscard]] Outcome on_fresh_statement(UnixTime time, BootTime asked, BootTime boot_now);
    /// Any other verified statement: from Hello, from a peer.
    [[nodiscard]] Outcome on_other_statement(UnixTime time, BootTime boot_now);

private:
    struct Held {
        UnixTime erasable;  ///< the time before the step, at `since`
        BootTime since;
        std::optional<BootTime> first_opinion;  ///< when the step was made by a fresh statement
    };

    [[nodiscard]] Outcome step_to(UnixTime time, BootTime boot_now);

    BootId boot_id_;
    std::optional<UnixTime> time_;  ///< at `at_`
    BootTime at_;
    Millis stepped_{0};      ///< forward steps within this boot, together
    bool free_step_ = true;  ///< the first step of this boot
    std::optional<Held> held_;
};

}  // namespace melder::sdk
