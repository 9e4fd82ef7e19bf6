#!/usr/bin/env python3
"""A bot that repeats what it is told: melder jsonrpc and Python's standard library, nothing else.

    echo_bot.py --vault ~/bot [--melder melder] [--answers N]

Ends with Ctrl-C, or after N answers that the server has accepted.
"""

import argparse
import json
import subprocess
import sys


class Melder:
    """One `melder jsonrpc` process; calls are answered out of order, events come in between."""

    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        encoding="utf-8")
        self.last_id = 0

    def call(self, method, **params):
        self.last_id += 1
        request = {"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params}
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return self.last_id

    def messages(self):
        for line in self.process.stdout:
            yield json.loads(line)

    def close(self):
        self.process.stdin.close()
        for _ in self.process.stdout:  # what was asked for is still answered
            pass
        return self.process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--vault", required=True)
    arguments.add_argument("--melder", default="melder")
    arguments.add_argument("--answers", type=int, default=0, help="end after so many (0: never)")
    options = arguments.parse_args()

    melder = Melder([options.melder, "--vault", options.vault, "jsonrpc"])
    answering = {}  # id of a send → number of the event it answers
    answered = 0
    for message in melder.messages():
        if message.get("method") == "event":
            event = message["params"]
            if event["kind"] == "text" and not event["own"]:
                # First the answer, then the acknowledgement. The answer carries the id of the question, so that a
                # bot that was killed in between repeats itself without being heard twice.
                sent = melder.call("send", to=event["conversation"], text="Echo: " + event["text"],
                                   content_id=event["content_id"])
                answering[sent] = event["event"]
            else:
                melder.call("acknowledge", event=event["event"])
                if event["kind"] == "progress" and event["state"] == "stored":
                    answered += 1
                    if answered == options.answers:
                        break
        elif "error" in message:
            print("refused:", message["error"]["message"], file=sys.stderr)
        elif message["id"] in answering:
            melder.call("acknowledge", event=answering.pop(message["id"]))
    return melder.close()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
