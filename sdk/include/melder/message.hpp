#pragma once
// What an app sends, and what it is told. Plain values; copied and kept at will by the app, who then owes their
// erasure.

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/errc.hpp"
#include "core/ids.hpp"
#include "core/result.hpp"

namespace melder::sdk {

enum class Urgency : std::uint8_t { normal, urgent };

/// Text to one officer; it goes to each of his devices and to the sender's own other ones.
///
///     Message message{.content_id = account.new_content_id(), .to = officer, .text = "Lage ruhig."};
struct Message {
    /// Chosen by the caller before the call, so that he can store it first: sending the same id twice sends once.
    ContentId content_id;
    OfficerId to;
    std::string text;  ///< UTF-8, 1..16384 bytes, else `bad_argument`
    Urgency urgency = Urgency::normal;
    /// How long the message may live, counted from sending; at most the organisation's limit. Unset: that limit, 14
    /// days by default.
    std::optional<Millis> time_to_live;
    /// And from being shown by the recipient. Unset: no limit of its own.
    std::optional<Millis> expire_after_display;
};

/// A device as its certificate names it. Not looked up anywhere: it came with the message and was verified.
struct PeerDevice {
    EnrolmentId device;
    OfficerId officer;
    std::string display_name;
    std::string service_number;
    std::vector<std::string> unit;  ///< path of unit ids, the top one first
    bool leader = false;
};

/// Text whose memory is wiped when the last copy is let go of. `view` is valid as long as one copy lives.
class ReceivedText {
public:
    explicit ReceivedText(std::shared_ptr<const std::vector<std::uint8_t>> wiped_on_release)
        : bytes_(std::move(wiped_on_release)) {}
    [[nodiscard]] std::string_view view() const noexcept;

private:
    std::shared_ptr<const std::vector<std::uint8_t>> bytes_;
};

/// Names one event for `acknowledge`. Ordered by arrival; valid until the account closes.
struct EventId {
    std::uint64_t value = 0;
    friend auto operator<=>(EventId, EventId) = default;
};

struct TextReceived {
    PeerDevice from;
    OfficerId conversation;  ///< the other side: the sender, or the recipient when `own`
    bool own = false;        ///< written by this officer on another device
    ContentId content_id;
    ReceivedText text;
    UnixTime sent_at;
    std::optional<UnixTime> expires_at;
    Urgency urgency = Urgency::normal;
    bool stale_head = false;  ///< urgent, and its sender had no confirmation of revocations younger than 24 h
};
/// A content kind that a newer version wrote: shown as "update the app to read this", never dropped silently.
struct UnknownReceived {
    PeerDevice from;
    ContentId content_id;
    std::uint32_t kind = 0;
};

/// How a sent message fares. Each state comes once per message, except that `failed` names single devices.
enum class SendState : std::uint8_t {
    stored,     ///< the server answers for it: on a device of the recipient, or on stable storage
    delivered,  ///< a device of the recipient decrypted it and said so
    expired,    ///< its time passed and no device of the recipient confirmed it
    failed,     ///< it will not arrive; `reason` says why
};
struct SendProgress {
    ContentId content_id;
    SendState state = SendState::stored;
    std::optional<EnrolmentId> device;  ///< whom it is about; unset: the message as a whole
    Errc reason = Errc::not_delivered;  ///< with `failed`
};

/// Messages of a peer are missing and the mailbox has been empty for a minute.
struct GapNoticed {
    EnrolmentId from;
    OfficerId conversation;
    std::uint64_t first = 0, last = 0;  ///< sequence numbers, both included
    bool expired = false;               ///< they ran out of time before they arrived: nobody withheld them
};
/// A message of a peer could not be read and will not be sent again.
struct MessageLost {
    std::optional<EnrolmentId> from;  ///< unset: unreadable, sender unknown
    Errc reason = Errc::message_lost;
};
struct ExpiredUnread {
    std::uint32_t count = 0;
};

enum class ConnectionState : std::uint8_t {
    connecting,
    online,
    restricted,  ///< revoked, replaced or expired: nothing can be sent or received; `reason` says which
    offline,     ///< `reason` says why; the next attempt follows by itself, except after a refusal that is final
};
struct ConnectionChanged {
    ConnectionState state = ConnectionState::offline;
    std::optional<Error> reason;
    Millis retry_after{0};  ///< offline: until the next attempt; 0: none follows
};

/// Something about trust that the app shows and an administrator wants to hear of.
struct TrustNotice {
    enum class Kind : std::uint8_t {
        head_unconfirmed,  ///< 12 h without a confirmed order log
        log_forked,        ///< the server told different histories to different devices; evidence is kept
        own_device_revoked,
        own_device_replaced,
        own_binding_differs,  ///< somebody else bound this device's enrolment id
        trust_list_expired,
        clock_refused,
    };
    Kind kind = Kind::head_unconfirmed;
};

struct Event {
    EventId id;
    std::variant<TextReceived, UnknownReceived, SendProgress, GapNoticed, MessageLost, ExpiredUnread, ConnectionChanged,
                 TrustNotice>
        what;
};

}  // namespace melder::sdk
