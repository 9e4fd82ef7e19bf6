#pragma once
// When a device looks after its prekeys (DESIGN section 5): 200 one-time prekeys, refilled below 100; checked on
// connect, every 12 h and on the server's notice; the signed prekey changes every 2 days; replaced private keys are
// kept for TTL + 1 day; ids are never reused. Decision only; one thread.

#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/ids.hpp"
#include "core/limits.hpp"

namespace melder::sdk {

struct AskDigest {};
/// Make a signed prekey (when `rotate`) and `one_time` new ones, commit them, upload them.
struct MakePrekeys {
    bool rotate = false;
    std::uint32_t one_time = 0;
    bool replace_all = false;  ///< the server holds others than ours: it forgets them all
};
using PrekeyAction = std::variant<AskDigest, MakePrekeys>;

class PrekeyLogic {
public:
    using Actions = std::vector<PrekeyAction>;
    struct SignedPrekeyAge {
        std::uint32_t id = 0;
        UnixTime made_at;
    };
    /// What the server said, and what this device expects.
    struct Digest {
        std::uint32_t signed_prekey_id = 0;
        std::uint32_t one_time_count = 0;
        Hash hash;
    };
    /// The digest over our `count` one-time prekeys with the highest ids: the server hands out the lowest first.
    /// Nothing if we never made so many.
    using DigestOf = std::function<std::optional<Hash>(std::uint32_t count)>;

    void restore(std::optional<SignedPrekeyAge> present) { signed_ = present; }

    [[nodiscard]] Actions on_connected(BootTime now);
    [[nodiscard]] Actions on_low(BootTime now);
    [[nodiscard]] Actions on_digest(const Digest& server, const DigestOf& own, UnixTime now);
    /// Uploaded and confirmed; `signed_id` set when it was rotated.
    void on_uploaded(std::optional<std::uint32_t> signed_id, UnixTime now);
    /// Lost connection or refusal: the next digest decides again.
    void on_upload_failed() { uploading_ = false; }
    void on_disconnected();
    [[nodiscard]] Actions on_tick(UnixTime now, BootTime boot);

private:
    [[nodiscard]] Actions ask(BootTime now);

    std::optional<SignedPrekeyAge> signed_;
    std::optional<BootTime> asked_at_;
    bool connected_ = false;
    bool asking_ = false;
    bool uploading_ = false;
};

}  // namespace melder::sdk
