#pragma once
// One home core's plumbing: carries out what DeliveryLogic decides, and turns frames into its events.

#include <boost/asio/steady_timer.hpp>

#include "relay/delivery_logic.hpp"
#include "relay/rate_limits.hpp"
#include "relay/relay.hpp"
#include "relay/upload.hpp"

namespace melder::relay {

class RelayCore::Impl : public std::enable_shared_from_this<Impl> {
public:
    Impl(Relay& relay, RelayPlaces places, std::size_t index);

    void on_ready(server::Session& session);
    bool on_frame(server::Session& session, wire::Frame& frame);
    void on_writable(server::Session& session);
    void on_close(server::Session& session);
    void on_shutdown(std::function<void()> done);
    void remove_device(const EnrolmentId& device);
    void on_released(const EnrolmentId& device, Lane lane, std::uint64_t sequence);
    [[nodiscard]] const PresenceBook& presence() const { return presence_; }
    [[nodiscard]] bool is_connected(const EnrolmentId& device) const { return logic_.is_connected(device); }
    /// Sends what was gathered: submit results.
    void flush_results();
    [[nodiscard]] const RelayCounters& counters() const noexcept { return counters_; }

private:
    struct SessionState {
        server::Session* session;
        std::uint32_t unanswered = 0;
        std::size_t unanswered_bytes = 0;
        std::optional<Upload> upload;
        std::chrono::steady_clock::time_point since{};  ///< on_ready
        std::uint8_t lanes_drained = 0;                 ///< one bit per lane of the first drain
        bool blocked = false;                           ///< found no room: nothing more until on_writable
        std::deque<wire::Frame> notices;                ///< that found no room, for on_writable; bounded
    };
    /// A submit whose recipients have not all answered.
    struct Pending {
        server::SessionId session;
        std::uint32_t request;
        EnvelopeId id;
        std::vector<EnrolmentId> recipients;
        std::size_t remaining;
        std::size_t bytes;
        std::vector<std::pair<std::size_t, AnswerSender>> fresh;  ///< not yet sent
        std::chrono::steady_clock::time_point since{};
    };
    struct Delivery {
        EnrolmentId device;
        Envelope envelope;
        Waiter waiter;
    };
    using Deliveries = std::shared_ptr<std::vector<Delivery>>;
    struct Pair {
        EnrolmentId source, target;
        friend bool operator==(const Pair&, const Pair&) = default;
    };
    struct PairHash {
        std::size_t operator()(const Pair& pair) const noexcept {
            return std::hash<EnrolmentId>{}(pair.source) * 31 + std::hash<EnrolmentId>{}(pair.target);
        }
    };

    [[nodiscard]] Now now() const { return {places_.clock.wall(), places_.clock.boot()}; }
    void reply_error(server::Session& session, std::uint32_t request, const Error& error);
    /// Sends a notice, or keeps it until there is room: what moved aside is reported once only.
    static void notify(SessionState& state, wire::Frame frame);
    /// True if the open upload was too late, and told so.
    bool drop_late_upload(SessionState& state);

    // Submitting
    void on_submit(SessionState& state, std::uint32_t request, wire::Submit& submit);
    void on_submit_more(SessionState& state, std::uint32_t request, wire::SubmitMore& more);
    void accept(SessionState& state, Upload upload);
    void route(std::uint64_t pending, Upload upload, const EnrolmentId& sender,
               const std::vector<std::optional<Errc>>& refused);
    void deliver(Deliveries deliveries, std::size_t from);
    void on_answer(const AnswerSender& answer);

    // Carrying out
    void run(Actions actions);
    void carry_out(Action& action);
    void carry_out_one(Forward& action);
    void carry_out_one(Load& action);
    void carry_out_one(PutBatch& action);
    void carry_out_one(AckBatch& action);
    void carry_out_one(MarkBatch& action);
    void carry_out_one(List& action);
    void carry_out_one(RemoveMailbox& action);
    void carry_out_one(AnswerSender& action);
    void carry_out_one(SayMailboxEmpty& action);
    void carry_out_one(SayMovedAside& action);
    void carry_out_one(SayReplaced& action);
    void flush_puts();
    /// The operator's line, at most one in a while.
    void log_store_trouble(const std::vector<server::PutResult>& results);
    void arm_timer();
    void tick();
    void check_quiet();
    SessionState* find(server::SessionId id);
    [[nodiscard]] server::Executor executor();
    void count_drained(SessionState& state, Lane lane);

    Relay& relay_;
    RelayPlaces places_;
    std::size_t index_;
    DeliveryLogic logic_;
    PresenceBook presence_;
    RelayCounters counters_;
    std::unordered_map<server::SessionId, SessionState> sessions_;
    std::unordered_map<std::uint64_t, Pending> pending_;
    std::uint64_t last_pending_ = 0;
    std::vector<std::uint64_t> answered_;  ///< pending with fresh answers
    std::deque<Action> queue_;
    bool running_ = false;
    std::vector<PutBatch> puts_;
    RateLimits<EnrolmentId> per_source_;
    RateLimits<Pair, PairHash> per_pair_;
    boost::asio::steady_timer timer_;
    std::optional<BootTime> armed_;
    std::optional<BootTime> complained_;  ///< last about the store
    std::size_t uploads_ = 0;             ///< open multi-part uploads
    std::function<void()> shutdown_done_;
    bool shutting_down_ = false;
};

}  // namespace melder::relay
