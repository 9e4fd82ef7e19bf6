#pragma once
// Every size, count, rate and time limit of Melder, in one place. Source: DESIGN sections 4, 5, 8 and 11, unless said.

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace melder::limits {

using namespace std::chrono_literals;

// Protocol
inline constexpr std::uint32_t lowest_protocol = 1;
inline constexpr std::uint32_t highest_protocol = 1;

// Link
inline constexpr std::size_t message_bytes = 128 * 1024;  ///< a WebSocket message, without exception
inline constexpr std::size_t message_before_welcome_bytes = 16 * 1024;
inline constexpr std::size_t http_header_bytes = 8 * 1024;
inline constexpr std::size_t trust_list_bytes = 12 * 1024;
inline constexpr auto handshake_deadline = 10s;  ///< TLS and HTTP upgrade
inline constexpr auto login_deadline = 10s;
inline constexpr auto ping_interval = 30s;
inline constexpr auto dead_after = 45s;  ///< no byte from the peer for this long
inline constexpr auto shutdown_grace = 10s;
inline constexpr std::size_t outbox_bytes = 256 * 1024;  ///< per connection
inline constexpr std::size_t process_outbox_bytes = 512u * 1024 * 1024;
inline constexpr std::size_t outbox_hard_bytes = 1024 * 1024;  ///< replies to own requests may go this far
inline constexpr auto closing_deadline = 5s;                   ///< to flush a connection that is being closed
inline constexpr auto last_flush = 500ms;        ///< the same when an account closes, whose caller waits for it
inline constexpr auto accept_pause = 200ms;      ///< when accept() finds no descriptor or memory
inline constexpr std::size_t handshakes = 4096;  ///< connections that have not logged in: the listen backlog
inline constexpr std::size_t handshakes_per_source = 1024;  ///< phones may share the address of a VPN gateway
inline constexpr std::uint32_t enrolments_per_source_per_minute = 600;  ///< 10,000 phones from one address in 17 min
inline constexpr auto enrolment_wait_longest = 30min;  ///< told to whoever comes beyond that, by his place in the queue
inline constexpr std::size_t admission_sources = 65'536;  ///< remembered for a minute, 100 bytes each
inline constexpr auto link_tick = 250ms;                  ///< resolution of the link's deadlines
inline constexpr std::size_t client_version_bytes = 64;
inline constexpr std::uint32_t submit_credit = 64;  ///< unanswered submits
inline constexpr std::uint32_t submit_credit_bytes = 1024 * 1024;
inline constexpr std::size_t frames_per_message = 1024;
inline constexpr std::size_t refs_per_frame = 1024;  ///< ids in an Ack, Received, Defer, Refuse, Retry
inline constexpr auto revocation_close = 2s;

// Envelopes
inline constexpr std::size_t body_bytes = 62 * 1024;  ///< B with its tag
inline constexpr std::size_t buckets_bytes[] = {1024, 2048, 4096, 16 * 1024, 62 * 1024};
inline constexpr std::size_t headers_per_upload = 5000;
inline constexpr auto multipart_deadline = 10s;
inline constexpr auto ttl_longest = std::chrono::hours(24 * 30);
inline constexpr auto ttl_default = std::chrono::hours(24 * 14);
inline constexpr auto expiry_granularity = 1min;  ///< the sender rounds the outer expiry up to it
inline constexpr auto sent_at_future = 5min;
inline constexpr auto sent_at_past_slack = 1h;               ///< besides the TTL
inline constexpr auto done_memory = std::chrono::hours(24);  ///< done ids are kept for expiry + this

// Mailboxes
inline constexpr std::uint32_t lane_envelopes = 1000;
inline constexpr std::size_t lane_bytes = 16u * 1024 * 1024;
inline constexpr std::uint32_t held_envelopes = 2000;
inline constexpr std::size_t held_bytes = 32u * 1024 * 1024;
inline constexpr std::uint32_t aside_envelopes = 100;
inline constexpr std::size_t aside_bytes = 1024 * 1024;
inline constexpr std::uint32_t refusals_until_aside = 3;
inline constexpr std::size_t presence_devices = 100'000;  ///< remembered per event loop, for the help desk
inline constexpr std::size_t presence_errors = 8;         ///< kinds of refusals remembered per device
inline constexpr std::size_t put_slice = 256;             ///< headers a store takes in one put
inline constexpr auto deferred_longest = 24h;
inline constexpr std::uint32_t sender_share_of_lane_percent = 10;
inline constexpr std::uint32_t window_envelopes = 64;  ///< in flight, per lane
inline constexpr std::size_t window_bytes = 256 * 1024;
inline constexpr auto ack_deadline = 250ms;  ///< forwarded and not acked: to the mailbox
inline constexpr auto store_retry = 10s;
inline constexpr std::size_t loading_events = 256;         ///< queued for a device that is being loaded
inline constexpr std::uint32_t deliveries_per_slice = 64;  ///< then the event loop gets a turn

// Rates
inline constexpr std::uint32_t submits_per_target_per_minute = 60;
inline constexpr std::uint32_t submits_per_second = 20;
inline constexpr std::uint32_t submits_burst = 200;
inline constexpr std::size_t limiter_entries = 200'000;  ///< a limiter table never grows beyond it

// Prekeys (section 5)
inline constexpr std::uint32_t one_time_prekeys = 200;
inline constexpr std::uint32_t one_time_refill_below = 100;
inline constexpr std::uint32_t one_time_reserve = 20;         ///< below: the signed prekey alone
inline constexpr std::uint32_t one_time_takes_per_hour = 60;  ///< per target; beyond: the signed prekey alone
inline constexpr auto prekey_check_interval = 12h;
inline constexpr auto signed_prekey_rotation = std::chrono::hours(48);
inline constexpr std::size_t bundles_per_request = 500;
inline constexpr std::size_t bundles_per_page = 100;
inline constexpr std::uint32_t takes_per_pair_burst = 6;
inline constexpr auto takes_per_pair_interval = 10min;
inline constexpr std::uint32_t takes_per_source_burst = 600;
inline constexpr std::uint32_t takes_per_source_per_second = 1;
inline constexpr auto restored_retry = 10min;  ///< told by a server that hands out no prekeys until its operator came

// Directory
inline constexpr auto directory_feed_oldest = 10s;       ///< then a view of it lets nobody in
inline constexpr auto directory_view_wait = 5s;          ///< for a view to show what was just committed
inline constexpr auto statement_interval = 2s;           ///< a new one; also the feed's sign of life
inline constexpr auto store_mark_interval = 1h;          ///< an older copy of the store is told apart from there on
inline constexpr std::size_t list_page = 100;            ///< devices or officers in a reply
inline constexpr std::size_t units_listed = 20'000;      ///< of one force
inline constexpr std::size_t units_per_page = 150;       ///< 12 ids of 32 bytes and a name of 200: below a message
inline constexpr std::size_t import_officers = 200'000;  ///< staged by one administrator; 50,000 are planned for
inline constexpr std::size_t import_parts = 10'000;
inline constexpr std::size_t imports_open = 4;  ///< of all administrators together; the oldest is dropped
/// Of one import's parts as they came; 50,000 orders are 36 MiB. In memory it is about three times as much.
inline constexpr std::size_t import_bytes = 128u * 1024 * 1024;
inline constexpr std::size_t imports_bytes = 192u * 1024 * 1024;  ///< of all imports; the oldest others are dropped
inline constexpr auto import_idle = 15min;                        ///< without a part or the commit: dropped
inline constexpr std::size_t order_states_per_request = 200;
inline constexpr std::size_t order_states_bytes = 96 * 1024;  ///< of a page; fewer are answered then, one at least
inline constexpr auto absence_before_removal = std::chrono::hours(24 * 7);
inline constexpr std::uint64_t import_vanishing_percent = 2;  ///< of the officers; beyond it a person must confirm
inline constexpr std::size_t search_text_bytes = 100;         ///< what a person types to find somebody
inline constexpr std::size_t search_words = 8;                ///< in it
inline constexpr std::size_t search_page = 20;                ///< officers: a phone's screen, with a credential each
inline constexpr std::size_t search_page_bytes = 64 * 1024;   ///< of credentials; one always fits
inline constexpr std::uint32_t searches_burst = 30;           ///< of a device: a few names, searched at every key
inline constexpr auto searches_interval = 1s;                 ///< then one each: 50,000 officers take 40 min to list
inline constexpr std::size_t requests_per_session = 16;       ///< unanswered, to the keyserver
inline constexpr std::size_t enrolments_waiting = 512;     ///< for the lane of writes; a slow disk syncs 100 a second
inline constexpr auto enrolment_retry = 5s;                ///< told to whoever finds no room among them
inline constexpr std::size_t keyserver_requests = 10'000;  ///< unanswered, of all sessions

// Trust
inline constexpr auto grant_longest = std::chrono::hours(24 * 400);
inline constexpr auto code_validity_default = 24h;
inline constexpr auto code_validity_longest = std::chrono::hours(24 * 30);
inline constexpr std::size_t code_secret_bytes_shortest = 16;
inline constexpr std::size_t code_secret_bytes_longest = 32;
inline constexpr auto ending_warning = std::chrono::hours(24 * 60);    ///< degraded from here on
inline constexpr auto trust_list_grace = std::chrono::hours(24 * 30);  ///< an expired list stays in force for reading
inline constexpr auto head_warning = 12h;
inline constexpr auto head_stale = 24h;
inline constexpr auto statement_refresh =
    30min;                                     ///< own nonce, connected: 19/s for 34,000 phones, a 48th of head_stale
inline constexpr auto statement_retry = 1min;  ///< when the last answer left the log behind what was stated
inline constexpr auto expiry_sweep = 1min;     ///< between two looks for expired vault rows
inline constexpr std::uint32_t orders_per_hour_unsupported_quorum = 20;
inline constexpr std::uint32_t grants_per_hour_per_key = 50;
inline constexpr std::size_t log_entries_per_page = 100;
inline constexpr auto lease_longest = std::chrono::hours(72);
inline constexpr auto history_longest = std::chrono::hours(24 * 7);
inline constexpr std::size_t credential_bytes = 8 * 1024;
inline constexpr std::size_t restore_quorum = 2;
inline constexpr std::uint64_t code_scrypt_n = 1u << 17;
inline constexpr std::uint32_t code_scrypt_r = 8;
inline constexpr std::uint32_t code_scrypt_p = 1;
inline constexpr std::uint64_t scrypt_memory_bytes = 192u * 1024 * 1024;  ///< N 2^17, r 8, p 1 takes 128 MiB
inline constexpr std::size_t signatures_per_document = 16;
inline constexpr std::size_t root_keys = 16;
inline constexpr std::size_t admin_keys = 64;
inline constexpr std::size_t statement_keys = 8;
inline constexpr std::size_t tls_pins = 32;
inline constexpr std::size_t grant_bytes = 4096;       ///< the body of a grant
inline constexpr std::size_t replaced_per_grant = 16;  ///< as many as an officer has devices
inline constexpr std::size_t app_id_bytes = 32;
inline constexpr std::uint32_t registration_id_highest = 16380;  ///< Signal's
inline constexpr std::size_t log_entry_bytes = 16 * 1024;
inline constexpr std::size_t order_detail_bytes = 8 * 1024;
inline constexpr std::size_t display_name_bytes = 200;
inline constexpr std::size_t service_number_bytes = 64;
inline constexpr std::size_t units_deep = 12;
inline constexpr std::size_t unit_id_bytes = 32;
inline constexpr std::size_t devices_per_officer = 16;
inline constexpr auto clock_forward_longest = 24h;   ///< forward steps within one boot, together
inline constexpr auto server_clock_behind = 1h;      ///< what a server signs may be so much older than what it has
inline constexpr auto clock_second_opinion = 10min;  ///< before what expired by a step is erased

// Watching
inline constexpr std::size_t watch_connections = 16;  ///< Prometheus, a load balancer and a few people
inline constexpr auto watch_request_deadline = 5s;
inline constexpr auto watch_response_deadline = 5s;
inline constexpr auto watch_probe_interval = 10s;  ///< between two looks that write to a disk
inline constexpr auto watch_count_interval =
    10s;  ///< between two counts of all devices while the directory stays the same
inline constexpr std::uint64_t data_disk_least_bytes =
    2u * 1024 * 1024 * 1024;                                                    ///< 8 times the largest write-ahead log
inline constexpr std::uint64_t order_log_disk_least_bytes = 64u * 1024 * 1024;  ///< about 100,000 orders
inline constexpr std::size_t grants_in_bulk_percent =
    1;  ///< so many end together: the roll-out's, not a single officer's

// Tools
inline constexpr std::size_t rpc_line_bytes = 128 * 1024;  ///< a request of `melder jsonrpc`
inline constexpr std::size_t rpc_requests_waiting = 64;    ///< for the server; then no more input is read
inline constexpr std::size_t rpc_batch = 64;               ///< requests in one line
inline constexpr auto rpc_outbox_patience = 30s;           ///< after the end of input
inline constexpr std::size_t second_part_threads = 2;      ///< each scrypt takes 128 MiB and half a second
inline constexpr std::size_t shown_lines_kept = 500;       ///< of `melder chat`'s screen, in memory
inline constexpr std::size_t typed_lines_kept = 200;       ///< history of `melder chat`, in memory

// SDK
inline constexpr std::uint32_t archived_states = 4;
inline constexpr std::uint32_t counter_jump = 2000;  ///< libsignal refuses beyond it for good
inline constexpr int session_failures = 8;           ///< undecryptable messages of one peer before it is ignored
inline constexpr auto session_failure_forgiven_after = 60s;
inline constexpr std::size_t throttled_peers = 1'024;
inline constexpr std::uint32_t skipped_keys = 2000;        ///< in a session record, of all its chains together
inline constexpr auto skipped_keys_longest = ttl_longest;  ///< then no server holds their messages any more
inline constexpr int found_per_slice = 4;                  ///< certificates of a search, about 0.3 ms each
inline constexpr std::size_t unread_events = 64;           ///< then no Received until the app reads
inline constexpr std::size_t unread_bytes = 1024 * 1024;
inline constexpr auto sequence_hold = 2s;
inline constexpr auto gap_patience = 60s;
inline constexpr auto session_repair_interval = 1h;
inline constexpr std::size_t losses_longest = 1024;  ///< open and unacknowledged; beyond: told by the envelope itself
inline constexpr auto heartbeat_interval = 12h;      ///< at most one a peer device
inline constexpr auto heartbeat_look = 60s;          ///< while connected
inline constexpr std::uint32_t no_prekeys_retries = 4;
inline constexpr auto no_prekeys_wait = 250ms;  ///< before the first, doubled each time: a peer that has just enrolled
inline constexpr std::uint32_t control_ids = 64;
inline constexpr auto outbox_content_longest = 24h;  ///< plaintext kept for re-encryption
inline constexpr auto backoff_first = 500ms;
inline constexpr auto backoff_longest = 60s;
inline constexpr std::size_t text_bytes = 16 * 1024;  ///< a text message, UTF-8

}  // namespace melder::limits
