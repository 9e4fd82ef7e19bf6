#pragma once
// The account's time: what every part of it gets as its Clock, so that the phone's own wall clock cannot be read at
// all. `wall` is GuardedClock's; zero before the first statement ever, when nothing is valid and nothing has expired.
// Lane only.

#include "sdk/trust/guarded_clock.hpp"

namespace melder::sdk {

class AccountClock final : public Clock {
public:
    /// Of `outside` only the boot clock is read. It outlives this object.
    AccountClock(const Clock& outside, const BootId& boot_id)
        : outside_(outside), boot_id_(boot_id), guarded_(boot_id, outside.boot()) {}

    [[nodiscard]] UnixTime wall() const override { return guarded_.now(boot()).value_or(UnixTime{}); }
    [[nodiscard]] BootTime boot() const override { return outside_.boot(); }
    /// What expired up to here may be erased; behind `wall` while a second opinion is awaited.
    [[nodiscard]] UnixTime erasable() const { return guarded_.erasable_until(boot()).value_or(UnixTime{}); }
    [[nodiscard]] GuardedClock& guarded() noexcept { return guarded_; }
    [[nodiscard]] const GuardedClock& guarded() const noexcept { return guarded_; }

    [[nodiscard]] SecretBuffer encode() const { return guarded_.encode(boot()); }
    [[nodiscard]] Result<void> restore(BytesView encoded) {
        MELDER_TRY(guarded_, GuardedClock::restore(encoded, boot_id_, boot()));
        return ok();
    }

private:
    const Clock& outside_;
    BootId boot_id_;
    GuardedClock guarded_;
};

}  // namespace melder::sdk
