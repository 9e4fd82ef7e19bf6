#include "core/errc_help.hpp"

namespace melder {

ErrcHelp help_of(Errc code) noexcept {
    switch (code) {
        case Errc::malformed:
            return {"Bytes, a frame or an id of the other side do not have the shape of the protocol.",
                    "Bring both sides to the same version. If it stays, keep the server's log and report it: a "
                    "well-behaved peer never causes it."};
        case Errc::too_large:
            return {"A message, a list or a text is longer than the protocol allows.",
                    "Send less at once; core/limits.hpp and proto/PROTOCOL.md name every limit."};
        case Errc::unsupported:
            return {"The request belongs to a newer version, or to a part that is not built yet.",
                    "Update the side that refused. Until then do without."};
        case Errc::version_mismatch:
            return {"The ranges of protocol versions that client and server speak do not overlap.",
                    "Update the older of the two."};
        case Errc::not_allowed:
            return {
                "This session may not send that: a phone asked what only administrators may, or its device has no full "
                "rights at the moment.",
                "Use the right tool or key. For a phone: see whether its device is revoked, replaced or expired."};
        case Errc::out_of_order:
            return {
                "What the request rests on has changed or never came: the directory since an import was planned, the "
                "officer after whom a search goes on, a part of an upload.",
                "Start the operation anew from its first step; nothing was changed."};
        case Errc::deadline_exceeded:
            return {"The other side did not answer in time.",
                    "Check the network and the server's load, then try again. A message that was already in the outbox "
                    "goes out by itself."};
        case Errc::bad_argument:
            return {"A value that was given lies outside what the function or command documents.",
                    "Read its documentation (`--help`, the header) and correct the value."};
        case Errc::bad_signature:
            return {"A document was altered, or signed by another key than it names.",
                    "Do not use it. If it came from a server, tell an administrator: servers cannot make signatures of "
                    "others."};
        case Errc::unknown_signer:
            return {"The key that signed is not in the trust list that is in force here.",
                    "Sign with a key of the list, or bring the newer trust list (`melder-admin trust put`)."};
        case Errc::missing_right:
            return {"The administrator key lacks the right that this action asks for.",
                    "Use a key with the right, or have the root keys give it: `melder-admin trust sign`."};
        case Errc::wrong_server_key:
            return {
                "The server that answered does not hold a key that the trust list names: a wrong address, a man in the "
                "middle, or TLS keys that were changed without a new trust list.",
                "Do not go on. Check address and network; the operator checks that the trust list names the server's "
                "present TLS key."};
        case Errc::trust_list_too_old:
            return {"Somebody offers a trust list of a lower version than one that was already accepted.",
                    "Use the newest list. A server that only has the old one was restored or is not yours."};
        case Errc::trust_list_conflict:
            return {"Two different lists of the same version were signed.",
                    "Sign a list of the next version; find out who signed the other one."};
        case Errc::trust_list_expired:
            return {
                "The trust list's time is over. Reading and sending go on for 30 days; new grants and devices do not.",
                "Sign and publish the next list: `melder-admin trust sign`, then `trust put`."};
        case Errc::credential_invalid:
            return {
                "Grant and binding of a device do not fit together, or a server named a device that is not what was "
                "asked for.",
                "Nothing was sent to it. Tell an administrator: it points to a damaged or a turned server."};
        case Errc::credential_expired:
            return {"The device's grant is over, or does not begin until later.",
                    "An administrator renews the grant; the phone fetches it by itself."};
        case Errc::device_revoked:
            return {"An administrator revoked or suspended the device.",
                    "Ask an administrator. A lost phone that was found again is restored by two of them: `melder-admin "
                    "restore`."};
        case Errc::device_replaced:
            return {"The officer enrolled another device with a code that replaces this one.",
                    "Use the new device. Whoever did not ask for one tells an administrator at once."};
        case Errc::unknown_device:
            return {"No device with this id was ever certified, or the server lost it in a restore.",
                    "Check the id (`melder-admin device list`). A phone brings itself back to a restored server with "
                    "its next login."};
        case Errc::login_refused:
            return {
                "The signature of the login does not verify under the device's or administrator's key, or belongs to "
                "another connection.",
                "Use the vault or key file that was enrolled. If a phone gets it out of nothing, look for a man in the "
                "middle."};
        case Errc::bad_key:
            return {"A public key has the wrong length or is one of the points that make every secret the same.",
                    "Refuse whoever sent it; honest software never makes such a key."};
        case Errc::clock_skew:
            return {"The server's signed time is far from what this device has counted itself.",
                    "Find out which of the two clocks is wrong: the keyserver's NTP first. The account opens again "
                    "after a restart."};
        case Errc::head_stale:
            return {
                "For 24 hours no server has confirmed to this device which revocations there are, so it does not know "
                "to whom it may write.",
                "Connect it to an honest keyserver. Urgent messages still go out, flagged."};
        case Errc::log_fork:
            return {
                "Two signed statements describe different histories of revocations: a server lies to somebody, or a "
                "store was restored without its second place.",
                "Stop using the server; keep the evidence (it is in the vault). Compare store and second place: "
                "`melder-admin log verify`."};
        case Errc::log_invalid:
            return {"An entry of the order log is not signed by whoever may, or does not continue the one before.",
                    "For an order just made: fetch the state anew and sign again. For a log: restore it from its "
                    "second place."};
        case Errc::identity_changed:
            return {"A message came with another identity key than the one that is certified for its device.",
                    "It was refused. Nothing is to be done on the phone; tell an administrator if it repeats."};
        case Errc::already_bound:
            return {
                "The enrolment id already belongs to other keys: the code was used twice, perhaps by somebody who "
                "copied it.",
                "Revoke the device and issue a new code. Find out who had the first one."};
        case Errc::needs_more_signatures:
            return {"The order needs two administrators, or one key signed more in an hour than one alone may.",
                    "Have a second administrator sign: `--second-key`, or a signature file."};
        case Errc::unknown_code:
            return {
                "The server has no grant for this code: mistyped beyond its check, for another force, or never "
                "uploaded.",
                "Ask the administrator for a new code."};
        case Errc::code_expired:
            return {"The code was not used in time.",
                    "Ask for a new one: `melder-admin code issue`, or `codes reissue` for a batch."};
        case Errc::code_used:
            return {"A device was already made with this code and is no longer in service.", "Ask for a new code."};
        case Errc::code_malformed:
            return {"The code has a typing error; its check digits say so.",
                    "Type it again as it is printed; white space and case do not matter."};
        case Errc::second_part_wrong:
            return {
                "The code's second part was mistyped, left out or belongs to another code; no check digits guard it.",
                "Type it again with the same code: neither is used up by this. It came another way than the code."};
        case Errc::busy:
            return {"Too much was asked at once; the answer says how many milliseconds to wait.",
                    "Wait as long as it says and try again. The SDK does so by itself, except for searches."};
        case Errc::quota_exceeded:
            return {
                "The recipient's mailbox is full, or an import is larger than a server takes.",
                "Try later: he was long offline. An administrator sees what waits with `melder-admin device show`."};
        case Errc::envelope_conflict:
            return {"An envelope id was used again for other bytes.",
                    "A defect of the sender's software, or an attack; report it."};
        case Errc::expired:
            return {"The envelope's time was over before it was delivered.", "Send anew if it still matters."};
        case Errc::mismatched_devices:
            return {"The recipient has got or lost a device since the sender last asked.",
                    "Nothing: the SDK fetches the devices and sends again under the same content id."};
        case Errc::outcome_unknown:
            return {"The store did not say whether it wrote.",
                    "Repeat with the same id: if it was written, that is answered as such."};
        case Errc::shutting_down:
            return {"The server is being stopped.", "Reconnect; the SDK does. Nothing that was acknowledged is lost."};
        case Errc::rate_limited:
            return {"A device sent more in a short time than one may.", "Wait as long as the answer says."};
        case Errc::dependency_missing:
            return {"A message depends on something (a roster, a sender key) that did not come within 24 hours.",
                    "The SDK tells the app that a message is lost. Ask the sender."};
        case Errc::storage_full:
            return {"The disk of the server or of the device is full.",
                    "Make room. Nothing was half written, and what was refused is sent again."};
        case Errc::no_prekeys:
            return {"The recipient's device has never been online since it was enrolled.",
                    "It must connect once; then send again."};
        case Errc::prekey_conflict:
            return {"A device offers another key under an id that it used before: a vault was put back from a copy.",
                    "Enrol the device anew with a code that replaces it."};
        case Errc::transient_dropped:
            return {"Typing and the like reach connected devices only.", "Nothing."};
        case Errc::replaced_connection:
            return {"The same device connected a second time, and the newer connection counts.",
                    "Run one process on a vault. If there is only one, somebody copied the vault: revoke the device."};
        case Errc::server_restored:
            return {
                "A phone proved that the server came back from a backup without what happened since, so it hands out "
                "no prekeys.",
                "The operator restores a newer backup, or accepts the loss by one start with `--restored`."};
        case Errc::sealed_invalid:
            return {"An envelope's outer layer does not open: damaged, forged, or for another device.",
                    "It was refused and counted; nothing else. If it repeats, tell an administrator."};
        case Errc::sender_unauthenticated:
            return {"Whoever sealed the envelope does not hold the identity key of the device that it names.",
                    "It was refused. Somebody with access to a relay tries to forge; tell an administrator."};
        case Errc::inner_malformed:
            return {"A certified device sent something that is not a Signal message.",
                    "It was refused before libsignal saw it. Report the sender's device."};
        case Errc::no_session:
            return {"A message continues a session that this device does not have.",
                    "Nothing: the SDK asks for it again, or tells that it is lost."};
        case Errc::undecryptable:
            return {"A message does not decrypt in its session, for example after a vault was put back.",
                    "Nothing: the SDK asks for it again, or tells that it is lost."};
        case Errc::replayed:
            return {"The message was received before.", "Nothing: it is shown once."};
        case Errc::gap_too_large:
            return {"More than 2,000 messages of a session are missing.",
                    "The SDK begins a new session. What is lost is told."};
        case Errc::unknown_prekey:
            return {"A first message names a prekey that this device no longer holds: it was very long on its way.",
                    "Nothing: the sender's device is asked to begin anew."};
        case Errc::sent_at_implausible:
            return {"The sender's clock is far off, or the message is older than its longest life.",
                    "Look at the sender's device: is it connected to the keyserver?"};
        case Errc::throttled:
            return {"A peer sent so many messages that do not decrypt that it is ignored for a minute.",
                    "Wait. What it sends meanwhile stays at the server."};
        case Errc::crashes:
            return {"Opening this envelope ended the process twice.",
                    "It was set aside. Report it with the device's diagnostics."};
        case Errc::content_unknown:
            return {"A newer version of the app wrote something that this one cannot show.", "Update the app."};
        case Errc::not_delivered:
            return {
                "The message reached none of the recipient's devices: expired, revoked, or replaced before it arrived.",
                "Send anew; to a replaced phone it goes to the new one."};
        case Errc::message_lost:
            return {"A message was announced or received but can be read no more.", "Ask the sender to repeat it."};
        case Errc::vault_unreadable:
            return {"The vault's file is damaged.",
                    "Enrol the device anew in an empty directory. Nothing that was received was ever in the file."};
        case Errc::vault_wrong_key:
            return {
                "The vault belongs to another device key, for example because only one of the two files was copied.",
                "Put both back as they were, or enrol anew."};
        case Errc::vault_newer_version:
            return {"A newer version wrote the vault.", "Update the software; there is no way back."};
        case Errc::vault_in_use:
            return {"Another process has the vault open.", "End it, or use another directory for another device."};
        case Errc::vault_rollback:
            return {"The vault is an older copy than one the server has met; going on would use keys twice.",
                    "Enrol the device anew with a code that replaces it."};
        case Errc::locked:
            return {"The account is locked: the app is in the background, or the clock moved too far.",
                    "Unlock the phone. After a clock step, open the account again."};
        case Errc::not_found:
            return {
                "There is no such officer, number, file or entry; an officer without a device cannot be found either.",
                "Check the spelling; search by name: `melder search`."};
        case Errc::already_exists:
            return {"The file or entry is there already, and is not overwritten.",
                    "Choose another name, or remove the old one if it is really not needed."};
        case Errc::store_corrupt:
            return {"The server's store has damaged bytes.",
                    "The message names file and command: restore the last backup. Nothing is skipped silently."};
        case Errc::store_in_use:
            return {"Another melder-server runs on this data directory.", "Stop it, or use another directory."};
        case Errc::store_epoch_mismatch:
            return {"The data directory is not the one this server last ran on: restored, or exchanged.",
                    "If you restored it, start once with `--restored`. If not, find out who exchanged it."};
        case Errc::wrong_directory_key:
            return {"The directory key file is not the one that the store's names are sealed under.",
                    "Put back the file that belongs to this store, from its own backup."};
        case Errc::io_error:
            return {"Reading or writing a file failed.",
                    "The message names the file; check disk, rights and free space."};
        case Errc::config_invalid:
            return {"The configuration names something that is missing or makes no sense.",
                    "The message names line or file. Correct it; `melder-server init` writes one that works."};
        case Errc::port_in_use:
            return {"Another process listens on the address.", "Stop it, or choose another `listen` address."};
        case Errc::wrong_passphrase:
            return {"The passphrase does not open the key file.",
                    "Type it again. Without it the key is lost: the root keys name a new one."};
        case Errc::cancelled:
            return {"The app or the user cancelled the call.", "Nothing; what had been committed by then stays."};
        case Errc::closed:
            return {"The account was closed while the call waited.", "Open it again."};
        case Errc::not_connected:
            return {"The call needs a server, and there is no connection.",
                    "Call `connect()` and wait for *online*, or check address and network."};
        case Errc::not_enrolled:
            return {"The vault holds no device yet.", "Enrol it with a one-time code: `melder enrol --help`."};
        case Errc::already_enrolled:
            return {"The vault holds a device already.", "Use another directory for another device."};
        case Errc::network:
            return {"The connection could not be made, or broke.",
                    "Check address, network and firewall. The SDK tries again by itself."};
        case Errc::tls:
            return {"The TLS handshake failed: the other side is not a Melder server, or a proxy opens TLS.",
                    "Check the port; exempt the server from TLS inspection."};
        case Errc::out_of_memory:
            return {"The system gave no memory.", "Free some. The operation changed nothing and can be repeated."};
        case Errc::internal:
            return {"A rule inside the program was broken.", "Please report it, with version and log."};
    }
    return {};
}

std::vector<Errc> all_errcs() {
    return {
#define MELDER_ERRC_VALUE(name, number, text) Errc::name,
        MELDER_ERRC_TABLE(MELDER_ERRC_VALUE)
#undef MELDER_ERRC_VALUE
    };
}

}  // namespace melder
