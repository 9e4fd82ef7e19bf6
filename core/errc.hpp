#pragma once
// The one table of error codes. The numbers are the wire numbers: they are sent in `ErrorReply`, in submit
// results and in `melder_error` of the C ABI, so a number is never reused and never changes its meaning.

#include <cstdint>
#include <string_view>

namespace melder {

// name, number, what it means (a sentence that holds no data of any message and can therefore be logged)
#define MELDER_ERRC_TABLE(X)                                                                      \
    /* 1–19: what a peer wrote cannot be read or is not allowed here */                           \
    X(malformed, 1, "the bytes do not have the shape the protocol asks for")                      \
    X(too_large, 2, "a size limit of the protocol is exceeded")                                   \
    X(unsupported, 3, "this version does not support the request")                                \
    X(version_mismatch, 4, "client and server share no protocol version")                         \
    X(not_allowed, 5, "the session has no right to do this")                                      \
    X(out_of_order, 6, "the request does not fit the state of the connection")                    \
    X(deadline_exceeded, 7, "the deadline passed before the other side answered")                 \
    X(bad_argument, 8, "an argument is outside its documented range")                             \
    /* 20–49: trust */                                                                            \
    X(bad_signature, 20, "a signature does not verify")                                           \
    X(unknown_signer, 21, "the signing key is not in the trust list")                             \
    X(missing_right, 22, "the signing key lacks the right for this")                              \
    X(wrong_server_key, 23, "the server's key is not among the pins of the trust list")           \
    X(trust_list_too_old, 24, "the trust list is older than one already seen")                    \
    X(trust_list_conflict, 25, "two different trust lists carry the same version")                \
    X(trust_list_expired, 26, "the trust list has expired")                                       \
    X(credential_invalid, 27, "grant and binding do not form a valid credential")                 \
    X(credential_expired, 28, "the grant is not valid at this time")                              \
    X(device_revoked, 29, "the device is revoked")                                                \
    X(device_replaced, 30, "the device was replaced by another one")                              \
    X(unknown_device, 31, "no such device is known")                                              \
    X(login_refused, 32, "the login does not prove the device's login key")                       \
    X(bad_key, 33, "a public key is malformed or of low order")                                   \
    X(clock_skew, 34, "the clocks of device and server are too far apart")                        \
    X(head_stale, 35, "no confirmation of the order log's head younger than 24 hours")            \
    X(log_fork, 36, "two statements of the order log contradict each other")                      \
    X(log_invalid, 37, "the order log does not verify")                                           \
    X(identity_changed, 38, "the peer's identity key is not the certified one")                   \
    X(already_bound, 39, "the enrolment is already bound to other keys")                          \
    X(needs_more_signatures, 40, "the order needs further signatures")                            \
    /* 50–59: enrolment */                                                                        \
    X(unknown_code, 50, "no enrolment belongs to this code")                                      \
    X(code_expired, 51, "the enrolment code has expired")                                         \
    X(code_used, 52, "the enrolment code was used already")                                       \
    X(code_malformed, 53, "the enrolment code is mistyped")                                       \
    X(second_part_wrong, 54, "the second part does not belong to the enrolment code")             \
    /* 60–89: delivery */                                                                         \
    X(busy, 60, "too much at once; try again after the time given")                               \
    X(quota_exceeded, 61, "the recipient's mailbox lane is full")                                 \
    X(envelope_conflict, 62, "the same envelope id was used for other bytes")                     \
    X(expired, 63, "the envelope has expired")                                                    \
    X(mismatched_devices, 64, "the recipient's devices are not those addressed")                  \
    X(outcome_unknown, 65, "the store did not answer; retry with the same id")                    \
    X(shutting_down, 66, "the server is shutting down")                                           \
    X(rate_limited, 67, "the rate limit is reached; try again after the time given")              \
    X(dependency_missing, 68, "something the envelope depends on never arrived")                  \
    X(storage_full, 69, "the store has no room left")                                             \
    X(no_prekeys, 70, "the device has published no prekeys")                                      \
    X(prekey_conflict, 71, "the prekey id was used before for another key")                       \
    X(transient_dropped, 72, "the recipient is not connected; transient content is never stored") \
    X(replaced_connection, 73, "another connection of the same device took over")                 \
    X(server_restored, 74, "the server was put back from a backup and waits for its operator")    \
    /* 90–119: sealed envelope and sessions */                                                    \
    X(sealed_invalid, 90, "the sealed envelope does not open")                                    \
    X(sender_unauthenticated, 91, "the sender's authentication tag does not verify")              \
    X(inner_malformed, 92, "the inner message has not the exact shape of a Signal message")       \
    X(no_session, 93, "there is no session with this device")                                     \
    X(undecryptable, 94, "the inner message does not decrypt")                                    \
    X(replayed, 95, "the message was received before")                                            \
    X(gap_too_large, 96, "the message counter jumps further than allowed")                        \
    X(unknown_prekey, 97, "the message names a prekey that this device no longer has")            \
    X(sent_at_implausible, 98, "the time of sending lies outside the allowed window")             \
    X(throttled, 99, "too many failures from this peer; it is ignored for a while")               \
    X(crashes, 100, "opening this envelope ended the process twice")                              \
    X(content_unknown, 101, "the content is of a kind this version does not know")                \
    X(not_delivered, 102, "the message could not be delivered")                                   \
    X(message_lost, 103, "a message could not be recovered")                                      \
    /* 120–149: vault and stores */                                                               \
    X(vault_unreadable, 120, "the vault is damaged and cannot be read")                           \
    X(vault_wrong_key, 121, "the vault does not open with this device key")                       \
    X(vault_newer_version, 122, "the vault was written by a newer version")                       \
    X(vault_in_use, 123, "another process owns the vault")                                        \
    X(vault_rollback, 124, "the vault is older than one the server has seen")                     \
    X(locked, 125, "the account is locked")                                                       \
    X(not_found, 126, "there is nothing under this name")                                         \
    X(already_exists, 127, "it exists already")                                                   \
    X(store_corrupt, 128, "the store is damaged")                                                 \
    X(store_in_use, 129, "another process owns the store")                                        \
    X(store_epoch_mismatch, 130, "the store is not the one this server last ran on")              \
    X(wrong_directory_key, 131, "the directory key does not open the directory")                  \
    X(io_error, 132, "a file or device operation failed")                                         \
    X(config_invalid, 133, "the configuration is not valid")                                      \
    X(port_in_use, 134, "the listening port is taken")                                            \
    X(wrong_passphrase, 135, "the passphrase does not open the key file")                         \
    /* 150–: life cycle */                                                                        \
    X(cancelled, 150, "the operation was cancelled")                                              \
    X(closed, 151, "the object is closed")                                                        \
    X(not_connected, 152, "there is no connection")                                               \
    X(not_enrolled, 153, "this vault holds no enrolled device")                                   \
    X(already_enrolled, 154, "this vault holds an enrolled device already")                       \
    X(network, 155, "the network connection failed")                                              \
    X(tls, 156, "the TLS handshake failed")                                                       \
    X(out_of_memory, 157, "memory allocation failed")                                             \
    X(internal, 158, "an internal error; please report it")

enum class Errc : std::uint16_t {
#define MELDER_ERRC_ENUMERATOR(name, number, text) name = number,
    MELDER_ERRC_TABLE(MELDER_ERRC_ENUMERATOR)
#undef MELDER_ERRC_ENUMERATOR
};

/// The enumerator's name, e.g. "quota_exceeded"; "unknown_error" for a number this version does not know.
[[nodiscard]] std::string_view name_of(Errc code) noexcept;

/// One sentence without a full stop. Never holds data of a message, so it can be logged.
[[nodiscard]] std::string_view text_of(Errc code) noexcept;

/// True for a number out of the table; a peer may send others.
[[nodiscard]] bool is_known(std::uint32_t number) noexcept;

}  // namespace melder
