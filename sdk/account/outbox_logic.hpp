#pragma once
// What happens to a message between the send commit and its end. Decision only; one thread; times are arguments.
//
// A message (content id) has uploads (envelope id, exact bytes in the vault). An upload is repeated with the same bytes
// under the same id until the server has answered for each of its recipients. Devices that do not match make the
// message be encrypted again under a new envelope id. The app is told once how it ended: with the first delivered
// receipt of the addressee, its expiry, or when nobody is left. Until each device has confirmed it, the sender's own
// other ones included, or the message has expired, it can be sent again to the one that could not read it.

#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/envelope.hpp"
#include "core/errc.hpp"
#include "core/limits.hpp"
#include "sdk/account/backoff.hpp"

namespace melder::sdk {

struct OutboxUpload {
    EnvelopeId envelope;
    ContentId content;
    Lane lane = Lane::normal;
    UnixTime expires_at;
    std::size_t bytes = 0;                 ///< of the Submit frame, for the credit
    std::vector<EnrolmentId> recipients;   ///< devices of the addressee
    std::vector<EnrolmentId> own_devices;  ///< the sender's other ones: their fate is no event
    bool reports = true;                   ///< false: receipts and other content that the app did not send
    bool told = false;                     ///< the app knows how it ended; a device is still waited for
};

struct SubmitEnvelope {
    EnvelopeId envelope;
};
/// The server has answered for everybody in it: the sealed bytes are not needed again.
struct DropUpload {
    EnvelopeId envelope;
};
/// Delivered, expired or failed for good: what was kept for re-encryption goes, its key first.
struct DropContent {
    ContentId content;
};
/// The device has it: the rows of its uploads are not needed again.
struct DropRow {
    EnvelopeId envelope;
};
/// The app knows how the message ended and is not told again, after a restart either.
struct MarkTold {
    ContentId content;
};
struct ReportStored {
    ContentId content;
};
struct ReportDelivered {
    ContentId content;
    EnrolmentId device;
};
struct ReportExpired {
    ContentId content;
};
struct ReportFailed {
    ContentId content;
    std::optional<EnrolmentId> device;  ///< none: the message as a whole, and this is its end
    Errc reason = Errc::not_delivered;
};
/// Encrypt the content again, new envelope id, for the officer's devices as the directory has them now (`only` empty),
/// or for one device besides (`only`). Answer with `on_reencrypted` or `on_reencryption_failed`.
struct Reencrypt {
    ContentId content;
    std::optional<EnvelopeId> instead_of;
    std::vector<EnrolmentId> only;
};
using OutboxAction = std::variant<SubmitEnvelope, DropUpload, DropRow, DropContent, MarkTold, ReportStored,
                                  ReportDelivered, ReportExpired, ReportFailed, Reencrypt>;

class OutboxLogic {
public:
    using Actions = std::vector<OutboxAction>;
    explicit OutboxLogic(Random& random) : random_(random) {}

    /// After the send commit, and at start for every row of the vault in its order.
    [[nodiscard]] Actions add(OutboxUpload upload, UnixTime now);
    /// At start: a message whose uploads are all answered and that waits for its receipt.
    void restore_waiting(OutboxUpload upload);

    [[nodiscard]] Actions on_connected(std::uint32_t credit, std::size_t credit_bytes, UnixTime now);
    void on_disconnected();
    /// `code` 0: acknowledged.
    [[nodiscard]] Actions on_result(const EnvelopeId& envelope, const EnrolmentId& recipient, std::uint32_t code,
                                    Millis retry_after, UnixTime now);
    /// The whole upload was answered with an error and nothing of it was routed.
    [[nodiscard]] Actions on_refused(const EnvelopeId& envelope, Errc code, Millis retry_after, UnixTime now);
    [[nodiscard]] Actions on_mismatched(const EnvelopeId& envelope, UnixTime now);
    [[nodiscard]] Actions on_reencrypted(const ContentId& content, const std::optional<EnvelopeId>& instead_of,
                                         OutboxUpload upload, UnixTime now);
    [[nodiscard]] Actions on_reencryption_failed(const ContentId& content, const std::optional<EnvelopeId>& instead_of,
                                                 Errc reason, UnixTime now);
    /// An authenticated delivered receipt. Ignored from devices that were never addressed.
    [[nodiscard]] Actions on_delivered(const ContentId& content, const EnrolmentId& by, UnixTime now);
    /// The order log revoked a device (no successor) or replaced it.
    [[nodiscard]] Actions on_device_gone(const EnrolmentId& device, const std::optional<EnrolmentId>& successor,
                                         UnixTime now);
    [[nodiscard]] Actions on_tick(UnixTime now) { return on_tick(now, now); }
    /// What expires at or before `erasable` ends: behind `now` while the clock awaits a second opinion.
    [[nodiscard]] Actions on_tick(UnixTime now, UnixTime erasable);
    /// `behind`: by how much `erasable` is behind `now`.
    [[nodiscard]] std::optional<UnixTime> next_deadline(Millis behind = Millis(0)) const;

    /// Devices from which a delivered receipt is still hoped for.
    [[nodiscard]] std::set<EnrolmentId> hoped_for() const;
    [[nodiscard]] bool knows(const ContentId& content) const { return messages_.contains(content); }
    /// Whether the device was a recipient of that upload: only then may it ask for it again.
    [[nodiscard]] bool was_recipient(const EnvelopeId& envelope, const EnrolmentId& device) const;
    /// Those of them for which the server has taken on everything: what they lack is not on its way from here.
    [[nodiscard]] std::set<EnrolmentId> silent() const;
    struct MessageOf {
        ContentId content;
        Lane lane = Lane::normal;
        UnixTime expires_at;
    };
    /// The message an upload belongs to, while it is not over.
    [[nodiscard]] std::optional<MessageOf> message_of(const EnvelopeId& envelope) const;
    [[nodiscard]] std::size_t unanswered() const noexcept { return uploads_.size(); }

    static constexpr std::uint32_t repairs_per_message = 5;  ///< mismatches in a row; beyond, the server is playing

private:
    struct Upload {
        OutboxUpload fields;
        std::uint64_t order = 0;
        std::set<EnrolmentId> waiting;  ///< not answered yet
        bool in_flight = false;
        bool repairing = false;
        UnixTime not_before;
        Backoff backoff;
    };
    struct Message {
        UnixTime expires_at;
        Lane lane = Lane::normal;
        struct Device {
            bool hoped = true;  ///< for a delivered receipt
            bool own = false;   ///< the sender's other one: its fate is no event
        };
        std::map<EnrolmentId, Device> devices;
        std::set<EnvelopeId> uploads;  ///< every one there ever was
        std::uint32_t repairs = 0;
        bool reports = true;
        bool stored = false;
        bool told = false;
        Errc last_failure = Errc::not_delivered;
    };

    void enter(OutboxUpload fields, std::uint64_t order, UnixTime now);
    void issue(UnixTime now, Actions& out);
    void retry_later(Upload& upload, Millis retry_after, UnixTime now);
    void answered(const EnvelopeId& envelope, Actions& out);
    void release_device(const ContentId& content, const EnrolmentId& device, Actions& out);
    void fail_device(const ContentId& content, const EnrolmentId& device, Errc reason, Actions& out);
    void end_if_over(const ContentId& content, Actions& out);
    void drop_addressees(const ContentId& content);
    void end_message(const ContentId& content, Actions& out);
    void forget_upload(const EnvelopeId& envelope, Actions& out);

    Random& random_;
    std::map<EnvelopeId, Upload> uploads_;
    std::map<ContentId, Message> messages_;
    struct Sent {
        ContentId content;
        std::set<EnrolmentId> devices;
    };
    std::map<EnvelopeId, Sent> sent_;  ///< every upload of the messages that are not over
    std::uint64_t next_order_ = 1;
    bool connected_ = false;
    std::uint32_t credit_ = 0;
    std::size_t credit_bytes_ = 0;
};

}  // namespace melder::sdk
