#pragma once
// What a terminal conversation does with events and typed lines: which message is shown now and which is counted as
// unread, what happened to what was sent, what the commands mean. No terminal, no account, no clock.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "melder/account.hpp"

namespace melder::apps {

class ChatLogic {
public:
    struct Show {
        std::string line;  ///< harmless to a terminal
        std::optional<UnixTime> expires = std::nullopt;
    };
    struct Send {
        ContentId id;
        std::size_t number = 0;  ///< as progress names it: #1 is the first message of this run
        OfficerId to;
        std::string text;
        sdk::Urgency urgency = sdk::Urgency::normal;
    };
    /// Only after everything before it in the list was shown.
    struct Acknowledge {
        sdk::EventId event;
    };
    struct LookUp {
        std::string who;  ///< service number or officer id
    };
    struct Search {
        sdk::SearchQuery query;
    };
    struct CompareKeys {
        OfficerId with;
    };
    struct Leave {
        std::optional<Error> why;  ///< unset: as asked
    };
    using Action = std::variant<Show, Send, Acknowledge, LookUp, Search, CompareKeys, Leave>;
    using Actions = std::vector<Action>;

    explicit ChatLogic(std::function<ContentId()> new_content_id) : new_content_id_(std::move(new_content_id)) {}

    /// `who`: the officer to begin with; empty: none yet.
    [[nodiscard]] Actions on_start(const std::string& who);
    [[nodiscard]] Actions on_line(const std::string& line);
    [[nodiscard]] Actions on_event(const sdk::Event& event);
    [[nodiscard]] Actions on_found(const std::string& who, const Result<sdk::OfficerInfo>& found);
    [[nodiscard]] Actions on_searched(const std::string& text, const Result<sdk::OfficersPage>& page);
    [[nodiscard]] Actions on_compared(const Result<sdk::SafetyNumber>& number) const;
    [[nodiscard]] Actions on_sent(const ContentId& id, const Result<void>& sent);

    /// "Okafor (3 unread elsewhere)> ", with "offline, " before it while that is so
    [[nodiscard]] std::string prompt() const;
    /// An officer is being looked up: lines wait, so that none goes to the wrong one.
    [[nodiscard]] bool waits() const { return !wanted_.empty(); }

    /// Messages of this run that neither the server nor anything else has answered for.
    [[nodiscard]] std::size_t unanswered() const;

private:
    struct Officer {
        std::string name, number;
        std::deque<sdk::Event> unread;
    };
    struct Sent {
        std::size_t number = 0;  ///< as shown: #1 is the first message of this run
        std::string to;
        bool answered = false;
    };

    void command(std::string_view line, Actions& out);
    void search(std::string text, Actions& out);
    void look_up(std::string who, Actions& out);
    void write(std::string text, sdk::Urgency urgency, Actions& out);
    void turn_to(const OfficerId& officer, Actions& out);
    void on_text(const sdk::Event& event, const sdk::TextReceived& text, Actions& out);
    void on_progress(const sdk::SendProgress& progress, Actions& out);
    void on_connection(const sdk::ConnectionChanged& change, Actions& out);
    void list(Actions& out) const;
    [[nodiscard]] std::size_t unread_elsewhere() const;

    std::function<ContentId()> new_content_id_;
    std::string wanted_;             ///< being looked up, or to be as soon as there is a connection
    std::deque<std::string> typed_;  ///< meanwhile
    bool first_ = false;             ///< `wanted_` was named on the command line
    bool online_ = false, was_online_ = false;
    std::optional<Errc> offline_told_;      ///< why, since it was online last
    std::optional<sdk::SearchQuery> more_;  ///< what /more asks for
    std::optional<OfficerId> peer_;
    std::map<OfficerId, Officer> officers_;
    std::map<ContentId, Sent> sent_;
};

}  // namespace melder::apps
