#pragma once
// What DeliveryLogic says: the actions its plumbing carries out, in their order.

#include <variant>
#include <vector>

#include "server/stores/mailbox_store.hpp"

namespace melder::relay {

/// Names a waiting answer to a sender: the plumbing's own number. The same submit has one per recipient.
using Waiter = std::uint64_t;
/// Names a connection of a device: the session's id.
using ConnectionId = std::uint64_t;
/// Names an action that the store answers.
using StoreTicket = std::uint64_t;

/// One envelope to one device.
struct Envelope {
    Lane lane = Lane::normal;
    EnvelopeId id;
    Hash hash;
    UnixTime expires_at;
    std::string header;  ///< an encoded DeviceHeader
    server::BodyPointer body;
    EnrolmentId sender;  ///< for the share of a lane; in memory only
    [[nodiscard]] std::size_t bytes() const noexcept { return header.size() + (body ? body->encoded.size() : 0); }
};

struct Forward {
    EnrolmentId device;
    ConnectionId connection;
    Envelope envelope;
    std::uint64_t sequence = 0;
};
struct Load {  ///< answer with on_loaded
    EnrolmentId device;
};
struct PutBatch {  ///< answer with on_put
    StoreTicket ticket;
    std::vector<server::PutItem> items;
};
struct AckBatch {  ///< no answer needed
    std::vector<server::EntryKey> entries;
};
struct MarkBatch {  ///< no answer needed
    std::vector<server::MarkItem> items;
};
struct List {  ///< answer with on_listed
    StoreTicket ticket;
    server::ListQuery query;
};
struct RemoveMailbox {
    EnrolmentId device;
};
struct AnswerSender {
    Waiter waiter;
    Errc code;  ///< meaningless if `acknowledged`
    bool acknowledged;
    std::uint32_t retry_after_ms = 0;
};
struct SayMailboxEmpty {
    EnrolmentId device;
    ConnectionId connection;
    Lane lane;
    std::uint32_t expired_unread;
};
struct SayMovedAside {
    EnrolmentId device;
    ConnectionId connection;
    Lane lane;
    EnvelopeId id;
    Errc code;
};
struct SayReplaced {
    EnrolmentId device;
    ConnectionId connection;
};

using Action = std::variant<Forward, Load, PutBatch, AckBatch, MarkBatch, List, RemoveMailbox, AnswerSender,
                            SayMailboxEmpty, SayMovedAside, SayReplaced>;
using Actions = std::vector<Action>;

}  // namespace melder::relay
