#pragma once
// What --help says below the options: each command with examples and the exit codes that it has. A test refuses a
// command without either.

namespace melder::apps::help {

inline constexpr auto melder = R"(Examples:
  melder enrol --server melder.example:4433 --root root-set MLD1-XXXXX-...
  melder search mueller k5                 # by name, number or unit; ae = ä
  melder send --to 4711 "Lage ruhig."
  melder receive --follow
  melder chat --with 4711
  melder jsonrpc < requests.jsonl          # for bots: docs/JSONRPC.md
  melder --vault ~/second-device status

After enrol the server and the root set are remembered beside the vault. The root set comes from your
administrator (`melder-admin root init` writes it); never take it from a server.

Exit codes: 0 done; 1 refused or failed, a sentence says why; 2 wrong usage;
            3 the time was over: nothing received, or not confirmed yet (it stays in the vault's outbox).
`melder COMMAND --help` shows what each command means by them.)";

inline constexpr auto enrol = R"(Examples:
  melder enrol --server melder.example:4433 --root root-set MLD1-XXXXX-...
  melder enrol --server melder.example:4433 --root root-set --code-file code.txt
  melder --vault ~/tablet enrol --server melder.example:4433 --root root-set --second-part 482913 < code.txt

A code works once. If the answer was lost, the same command with the same code goes on where it stopped.

Exit codes: 0 enrolled; 1 refused (wrong, used or expired code, wrong server, no network);
            2 wrong usage: no code, no server, no root set.)";

inline constexpr auto status = R"(Examples:
  melder status
  melder status --json | jq -r .help_desk  # the eight characters for the help desk

Exit codes: 0 shown; 1 the vault cannot be opened, or another melder has it open;
            2 wrong usage, or no device is enrolled in the directory.)";

inline constexpr auto find = R"(Examples:
  melder find 4711
  melder find 4711 --json                  # a device a line

Exit codes: 0 found; 1 nobody with a device has this number, or no connection; 2 wrong usage.)";

inline constexpr auto search = R"(Examples:
  melder search mueller k5                 # the Müllers of K5 and below; ae = ä
  melder search 47 --limit 100 --json      # all numbers that begin with 47

Exit codes: 0 somebody was found; 1 nobody, or no connection, or too many searches; 2 wrong usage.)";

inline constexpr auto send = R"(Examples:
  melder send --to 4711 "Lage ruhig."
  git log -1 | melder send --to 4711 -     # from standard input, UTF-8, at most 16 KiB
  melder send --to 4711 --urgent --delivered --timeout 60 "Zugriff." && echo read by a device
  melder send --to 4711 --lives-for 3600 "Parole heute: Ahorn"
  melder send --to 4711 --json "Lage ruhig."  # {"state":"stored","content_id":"..."}

Exit codes: 0 the server answers for it (with --delivered: a device decrypted it);
            1 refused or failed: it will not arrive; 2 wrong usage, or a text that cannot be sent;
            3 not confirmed in time: it is in the outbox and goes out with the next command that connects.)";

inline constexpr auto receive = R"(Examples:
  melder receive                           # the next message
  melder receive --follow --json           # a message a line, until Ctrl-C
  melder receive --timeout 5 || echo nothing
  melder receive --no-ack                  # look at it; it comes again

A message is acknowledged once it was written, and from a pipe once its reader has read it. Whatever ends the command
before (a full disk, a reader that leaves, kill -9) leaves it unacknowledged, and it comes again. What is no message
(gaps, lost messages, trust) goes to standard error as sentences.

Exit codes: 0 received (--follow: ended by Ctrl-C or after silence); 1 refused or failed, or standard output cannot be
            written; 2 wrong usage; 3 nothing came in time.)";

inline constexpr auto safety_number = R"(Examples:
  melder safety-number --with 4711
  melder safety-number --with 4711 --qr    # for a camera, in the terminal
  melder safety-number --with 4711 --json | jq -r .number

Both officers run it and compare the digits aloud, or one scans the other's code. Equal: both devices hold the same
keys for both officers, no server stands between. Compare the devices that it lists too: each must be in the officer's
hands. It changes when either of them gets, replaces or loses a device; compare again then. Different: repeat it once;
if it stays so, tell your administrator, and write nothing secret meanwhile.

Exit codes: 0 shown; 1 nobody with a device has this number, or no connection, or a server that lies; 2 wrong usage.)";

inline constexpr auto chat = R"(Examples:
  melder chat
  melder chat --with 4711
  printf 'Eins\nZwei\n' | melder chat --with 4711   # without a terminal: a message a line

Inside: /help lists the commands, Ctrl-D ends. The conversation is drawn on the terminal's second screen: when chat
ends the former screen is back, and nothing of it is in the scrollback or in a file. Messages leave the screen when
they expire.

Exit codes: 0 ended; 1 refused or failed; 2 wrong usage; 3 something that was typed is still in the outbox.)";

inline constexpr auto jsonrpc = R"(Examples:
  echo '{"jsonrpc":"2.0","id":1,"method":"status"}' | melder jsonrpc
  melder jsonrpc < requests.jsonl
  python3 docs/examples/echo_bot.py --vault ~/bot

docs/JSONRPC.md has every method, event and error.

Exit codes: 0 the input has ended and the server answers for everything that was sent; 1 nobody reads the output any
            more, or the vault cannot be opened; 2 wrong usage; 3 as 0, but something is still in the outbox.)";

}  // namespace melder::apps::help
