#pragma once
// What only the two ends read (proto/content.proto), as bounded views over one wiped buffer. protobuf's own classes
// leave plaintext behind in freed memory, so they are used by the tests alone, which compare the two readings.
//
// Reading is strict: right wire types, exact lengths, singular fields once, valid UTF-8, bounded counts; anything else
// is `malformed`. A kind that this version does not know is reported with its field number and never dropped silently.
// Values; no thread rules.

#include <optional>
#include <variant>
#include <vector>

#include "core/clock.hpp"
#include "core/envelope.hpp"
#include "core/ids.hpp"
#include "core/secret.hpp"

namespace melder::sdk {

/// Numbers of MessageType in content.proto; others are `unsupported`.
enum class BodyType : std::uint8_t {
    prekey = 1,
    signal = 2,
    sender_key = 3,
    resend_request = 4,
    session_repair = 5,
    lost = 6
};

/// What goes into B. All views must outlive the call of `write_sealed_body`.
struct SealedBodyFields {
    EnrolmentId sender;
    BytesView credential;  ///< an encoded Credential, whole
    BytesView statement;   ///< an encoded Signed{Statement}; empty when the sender holds none
    BodyType type = BodyType::signal;
    UnixTime sent_at;
    bool stale_head = false;
    std::optional<EnvelopeId> answers;  ///< sent again for this one, which the recipient could not read
    BytesView inner;                    ///< a Signal message, or an encoded ControlRequest
};
[[nodiscard]] SecretBuffer write_sealed_body(const SealedBodyFields& fields);

/// A SealedBody that was authenticated (sealed_envelope.hpp). Owns its bytes; the views live as long as it does.
class SealedBodyView {
public:
    [[nodiscard]] static Result<SealedBodyView> parse(SecretBuffer encoded);
    [[nodiscard]] const EnrolmentId& sender() const noexcept { return sender_; }
    [[nodiscard]] BytesView credential() const noexcept { return credential_; }
    [[nodiscard]] BytesView statement() const noexcept { return statement_; }
    [[nodiscard]] BodyType type() const noexcept { return type_; }
    [[nodiscard]] UnixTime sent_at() const noexcept { return sent_at_; }
    [[nodiscard]] bool stale_head() const noexcept { return stale_head_; }
    [[nodiscard]] const std::optional<EnvelopeId>& answers() const noexcept { return answers_; }
    /// Zero in 1:1.
    [[nodiscard]] const GroupId& group() const noexcept { return group_; }
    [[nodiscard]] BytesView inner() const noexcept { return inner_; }

private:
    SecretBuffer bytes_;
    EnrolmentId sender_;
    BytesView credential_, statement_, inner_;
    BodyType type_ = BodyType::signal;
    UnixTime sent_at_;
    bool stale_head_ = false;
    std::optional<EnvelopeId> answers_;
    GroupId group_;
};

/// Carries envelope ids only, at most limits::control_ids; `content` in `lost`.
struct ControlRequest {
    std::vector<EnvelopeId> envelopes;
    std::optional<ContentId> content;
    [[nodiscard]] Bytes encode() const;
    [[nodiscard]] static Result<ControlRequest> parse(BytesView encoded);
};

enum class ReceiptKind : std::uint8_t { delivered = 1, read = 2 };

struct TextContent {
    BytesView text;  ///< valid UTF-8, at most limits::text_bytes
};
struct ReceiptContent {
    ReceiptKind kind = ReceiptKind::delivered;
    std::vector<ContentId> contents;  ///< at most limits::control_ids
};
struct HeartbeatContent {};
struct UnknownContent {
    std::uint32_t field = 0;  ///< the number of the kind in content.proto, 0 if there is none at all
};
using ContentKind = std::variant<TextContent, ReceiptContent, HeartbeatContent, UnknownContent>;

/// Progress of one direction of a conversation in one lane.
struct Progress {
    Lane lane = Lane::normal;
    std::uint64_t highest_sent = 0;
    std::uint64_t highest_seen = 0;
    std::uint64_t lowest_unexpired = 0;
    friend bool operator==(const Progress&, const Progress&) = default;
};

struct ContentFields {
    ContentId id;
    std::uint64_t sequence = 0;
    std::optional<UnixTime> expires_at;
    std::uint32_t expire_after_display_s = 0;
    std::vector<Progress> progress;         ///< at most one per lane
    std::optional<OfficerId> conversation;  ///< for the sender's own other devices: whom he wrote to
    ContentKind kind;                       ///< not UnknownContent when written
};
/// `too_large` for text beyond the limit, `bad_argument` for what parsing would refuse.
[[nodiscard]] Result<SecretBuffer> write_content(const ContentFields& fields);

/// Content out of a decrypted message. Owns its bytes; text() lives as long as it does.
class ContentView {
public:
    [[nodiscard]] static Result<ContentView> parse(SecretBuffer plaintext);
    [[nodiscard]] const ContentFields& fields() const noexcept { return fields_; }

private:
    SecretBuffer bytes_;
    ContentFields fields_;
};

}  // namespace melder::sdk
