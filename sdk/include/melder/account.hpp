#pragma once
// The Melder SDK: one Account is one enrolled device of one officer.
//
//     AccountOptions options;
//     options.vault_directory = "/home/p/melder";
//     options.servers = {{"melder.polizei.example", 4433}};
//     options.root_set = root_set_file_contents;              // pinned: comes with the app, never from a server
//     MELDER_TRY(auto account, Account::open(std::move(options)));      // no network; says what it found
//     if (!account->state().enrolled)
//         MELDER_CHECK(wait(account->enrol({.code = "MLD1-…"})));       // wait(): <melder/blocking.hpp>
//     account->connect();                                               // and stays connected, by itself
//     MELDER_CHECK(wait(account->send({.content_id = id, .to = officer, .text = "Lage ruhig."})));
//     for (;;) {
//         MELDER_TRY(const auto event, wait(account->next_event()));
//         show(event);
//         MELDER_CHECK(wait(account->acknowledge(event.id)));           // now it is the app's, and comes no more
//     }
//
// How calls end. Each asynchronous call returns a Pending<T>: a description of the work, which starts with
// `start(done)`. `done` is called exactly once, with a value or an Error, through `AccountOptions::post`, never from
// within the call. `start` returns a Cancel; calling that is allowed from any thread, at any time, also after the end.
// A cancelled call ends with `cancelled`, unless it had ended already; what it had committed by then stays. Over this
// shape lie
//     <melder/asio.hpp>      co_await async(account->next_event(), boost::asio::use_awaitable)
//     <melder/blocking.hpp>  wait(account->next_event(), 5s)
//     the C functions        (function pointer + context, Cancel as a handle)
//     the Swift actor        (withTaskCancellationHandler round withCheckedThrowingContinuation)
//
// Threads. Every function may be called from any thread; none blocks on disk or network, except `open` (disk) and the
// destructor (waits for the account's threads). An account has two threads: one for the network, one *lane* for vault
// and cryptography. Back-pressure: what the app does not fetch stays on the server; at most 64 events / 1 MiB wait in
// memory.

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "melder/message.hpp"
#include "melder/safety_number.hpp"

namespace melder::sdk {

using Cancel = std::function<void()>;
using Post = std::function<void(std::function<void()>)>;

template <class T>
class [[nodiscard]] Pending {
public:
    using Done = std::function<void(Result<T>)>;
    using Start = std::function<Cancel(Done)>;
    explicit Pending(Start start) : start_(std::move(start)) {}
    /// Once. A Pending that is never started does nothing.
    Cancel start(Done done) && { return std::exchange(start_, nullptr)(std::move(done)); }

private:
    Start start_;
};

struct ServerEndpoint {
    std::string host;
    std::uint16_t port = 0;
};

struct AccountOptions {
    /// Holds the vault and, on Linux, the file with the device key. Created by the first `enrol`, mode 0700.
    std::filesystem::path vault_directory;
    std::vector<ServerEndpoint> servers;  ///< tried in turn
    std::vector<std::uint8_t> root_set;   ///< an encoded RootSet, as `melder-admin root init` writes it
    Post post;                            ///< where completions run; empty: on a thread of the account
    /// Null: the system's. Its boot clock alone is read: the date comes from the keyserver's signed statements.
    /// Outlives the account.
    const Clock* clock = nullptr;
    /// Names the present boot of the machine, any text; empty function: the system's.
    std::function<std::string()> boot_name;
    std::string client_version = "melder";  ///< for the help desk; at most 64 printable ASCII characters
};

/// What `open` found, without asking anybody.
struct AccountState {
    bool enrolled = false;
    std::optional<PeerDevice> self;  ///< who this device is, once enrolled
    std::uint64_t trust_list_version = 0;
    std::uint64_t log_size = 0;
    std::size_t waiting_to_send = 0;
    ConnectionState connection = ConnectionState::offline;
};

struct Enrolment {
    std::string code;         ///< "MLD1-…"; white space and case don't matter
    std::string second_part;  ///< for codes that travelled through an MDM, else empty
};

/// An officer and the devices that speak for him at this moment.
struct OfficerInfo {
    OfficerId officer;
    std::vector<PeerDevice> devices;
};

/// What a person typed to find somebody.
struct SearchQuery {
    /// UTF-8, at most 100 bytes and 8 words; each word must begin a word of the name, of the service number, or of an
    /// id or name of the officer's unit or one above it. "mei an" finds Anna Meier, "meier k5" the Meiers of K5 and
    /// below, "muller", "Mueller" and "MÜLLER" the same people.
    std::string text;
    std::optional<OfficerId> after;  ///< `next` of the page before; unset: the first page
    std::size_t limit = 20;          ///< officers of a page, 1..20
};
/// Officers in the order of their names. Each is described by the certificate of one of his devices, which this device
/// has verified: the server cannot pass somebody off as somebody else, though it can leave people out. Kept nowhere by
/// the SDK: who shows these names owes their erasure.
struct OfficersPage {
    std::vector<PeerDevice> officers;  ///< `officer` is whom to write to; `device` is one of his
    std::optional<OfficerId> next;     ///< there are more, and this is their `after`
};

/// What this device can say about itself to a help desk: no peer, no content, no key.
struct Diagnostics {
    AccountState state;
    std::string client_version;
    std::uint32_t grant_version = 0;
    std::optional<Errc> connection_error;           ///< why it is offline or restricted
    std::optional<Errc> sealing_error;              ///< why nothing could be sent at this moment
    std::optional<Millis> head_age;                 ///< since the order log was last confirmed; unset: never
    std::optional<std::uint32_t> one_time_prekeys;  ///< at the server, as it last said
    std::size_t unread_events = 0;
    std::size_t losses = 0;         ///< messages that could not be read: asked for again, or lost
    std::vector<Errc> last_errors;  ///< of refused and lost messages and ended connections, the newest last, at most 8
    /// Eight characters with a hyphen to read out; `melder-admin device explain` says what they mean.
    std::string code;
};

class Account {
public:
    /// `vault_in_use`, `vault_wrong_key`, `vault_unreadable`, `vault_newer_version`, `bad_argument` (options),
    /// `io_error`. A directory without a vault is no error: the state says *not enrolled*.
    [[nodiscard]] static Result<std::unique_ptr<Account>> open(AccountOptions options);
    /// As `close`, and waits for it. Pending calls end with `closed`.
    ~Account();
    Account(const Account&) = delete;
    Account& operator=(const Account&) = delete;

    [[nodiscard]] AccountState state() const;
    /// Asks no server.
    Pending<Diagnostics> diagnostics();

    /// Makes the keys, proves the code, stores the credential; prekeys follow with the first connection. Either all of
    /// it is in the vault afterwards or nothing; after a lost answer the same code works again from the same vault.
    /// `code_malformed`, `unknown_code`, `second_part_wrong` (try again with the same code), `code_expired`,
    /// `code_used`, `already_enrolled`, `wrong_server_key`, `network`, …
    Pending<PeerDevice> enrol(Enrolment enrolment);

    /// Connects and stays connected: after a loss it tries again after 0.5 s, then twice as long up to 60 s, each time
    /// shortened at random by up to half so that 34,000 phones do not return at once. Changes are events.
    /// Connected already: looks at once at what is due.
    void connect();
    /// Ends the connection and the attempts. The outbox keeps what was not sent.
    void disconnect();

    /// Completes when the message is encrypted and durable here: from then on it is sent through every loss of network
    /// or power until it is stored, expires or fails, all of which are SendProgress events. Needs a connection only for
    /// what it does not know yet (the recipient's devices, a session). `bad_argument`, `not_enrolled`, `not_found`,
    /// `head_stale`, `device_revoked`, `no_prekeys`, `rate_limited`, `not_connected`, `storage_full`. The same content
    /// id again: ok, nothing is sent twice.
    Pending<ContentId> send(Message message);

    /// The next event not yet seen by this reader, oldest first; waits for it. One reader at a time: a second call
    /// while one waits ends the first with `cancelled`.
    Pending<Event> next_event();
    /// Starts over: `next_event` begins again with the oldest event that is not acknowledged. For a new screen or
    /// process part; events of before the process are brought again by the server.
    void restart_events();
    /// The app has it (shown, or handled otherwise): durable here, then told to the server, who forgets it. An event
    /// that is not a message is simply let go of. Unknown or acknowledged ids are no error.
    Pending<void> acknowledge(EventId event);

    /// Asks the server and verifies the answer; `not_found` if nobody has a device. Needs a connection.
    Pending<OfficerInfo> look_up(OfficerId officer);
    Pending<OfficerInfo> look_up(std::string service_number);

    /// One page of the officers whom this device could write to: those with an active device of its app. Asks the
    /// server; needs a connection. Made for searching at every key: cancel the call when the next letter comes.
    ///
    ///     auto page = wait(account->search({.text = "meier k5"}));
    ///     while (page.has_value()) {
    ///         for (const auto& officer : page->officers) list.add(officer.display_name, officer.officer);
    ///         if (!page->next) break;
    ///         page = wait(account->search({.text = "meier k5", .after = page->next}));
    ///     }
    ///
    /// `busy` after 30 searches at once: one more a second, `Error::retry_after_ms` says when. `bad_argument`: nothing
    /// to search for, or too much. `out_of_order`: the officer `after` has left; search anew. `not_connected`,
    /// `not_enrolled`, `credential_invalid` (the server named somebody without a valid certificate).
    Pending<OfficersPage> search(SearchQuery query);

    /// What this officer and another one compare aloud; <melder/safety_number.hpp> says what it proves. Confirms the
    /// order log, asks the server for the devices of both and verifies each, as for a message. `bad_argument`: the own
    /// officer. `not_found`: no device in service. `not_connected`, `not_enrolled`, `locked`, `head_stale`,
    /// `device_revoked`, `credential_invalid`, `already_bound`.
    Pending<SafetyNumber> safety_number(OfficerId officer);

    [[nodiscard]] ContentId new_content_id();

    /// Ends the connection and everything pending (`closed`), syncs and closes the vault. Idempotent.
    void close();

    // Coming with the vault issue, and reserved here so that apps know where they will stand:
    //   void lock();     app in background: ≤ 50 ms, then no plaintext and no main key in memory; sealed bytes go on
    //   being sent void suspend();  the process may sleep now: transaction ended, file locks released, socket closed

private:
    class Impl;
    explicit Account(std::shared_ptr<Impl> impl);
    std::shared_ptr<Impl> impl_;
};

}  // namespace melder::sdk
