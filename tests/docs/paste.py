#!/usr/bin/env python3
"""Pastes the README's blocks of *Try it yourself* into shells, as a person does, and looks at what they show.

paste.py README FOLDER_OF_BINARIES

The first block goes into a terminal in a fresh directory with the binaries on PATH, all lines at once. Of the second each
line goes into a terminal of its own, in the directory that the first one made."""

import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HEADING = "## Try it yourself"
MOST_LINES = 8
PATIENCE_S = 240  # for a machine that is busy with other tests


def blocks_of(readme):
    """The shell blocks of the section; raises if there are not two of eight lines together."""
    section = re.search(rf"^{HEADING}\n(.*?)(?=^## )", readme, flags=re.M | re.S)
    if not section:
        raise SystemExit(f"the README has no section {HEADING}")
    blocks = re.findall(r"^```sh\n(.*?)^```$", section.group(1), flags=re.M | re.S)
    lines = sum(len([line for line in block.splitlines() if line.strip()]) for block in blocks)
    if len(blocks) != 2 or lines > MOST_LINES:
        raise SystemExit(f"{len(blocks)} blocks of {lines} lines to paste; there should be two of at most {MOST_LINES}")
    return blocks


class Terminal:
    """An interactive bash in a pseudo-terminal of its own session."""

    def __init__(self, folder, binaries):
        self.transcript = ""
        environment = {"PATH": f"{binaries}:/usr/bin:/bin", "HOME": str(folder), "TERM": "xterm", "LANG": "C.UTF-8",
                       "PS1": "$ "}
        self.child, self.descriptor = pty.fork()
        if self.child == 0:
            os.chdir(folder)
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], environment)

    def paste(self, text):
        os.write(self.descriptor, text.encode())

    def read(self, seconds):
        if not select.select([self.descriptor], [], [], seconds)[0]:
            return
        try:
            self.transcript += os.read(self.descriptor, 65536).decode(errors="replace")
        except OSError:
            raise SystemExit(f"the terminal ended:\n{self.transcript}")

    def wait_for(self, text, count=1):
        until = time.monotonic() + PATIENCE_S
        while self.transcript.count(text) < count:
            if time.monotonic() > until:
                raise SystemExit(f"\"{text}\" was not shown {count} times:\n{self.transcript}")
            self.read(0.5)

    def end(self):
        """Everything that runs in the terminal's session; nothing else."""
        listed = subprocess.run(["ps", "-o", "pid=", "-s", str(self.child)], capture_output=True, text=True).stdout
        for pid in listed.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
        os.close(self.descriptor)
        os.waitpid(self.child, 0)


def play(readme, binaries):
    first, second = blocks_of(readme)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="melder-readme-"))
    terminals = []

    def terminal(where):
        terminals.append(Terminal(where, binaries))
        return terminals[-1]

    try:
        one = terminal(folder)
        one.paste(first)
        # What the block promises: a message before and one after the server's kill -9, both at Bela's phone.
        one.wait_for("Anna Berger: Treffpunkt Nordtor, 21 Uhr.")
        one.wait_for("Anna Berger: Der Server lebt wieder.")
        one.paste("echo the block is $((40+2)) lines old\n")
        one.wait_for("the block is 42 lines old")
        for wrong in ("command not found", "syntax error", "No such file", "there is no command", "wrong usage"):
            if wrong in one.transcript:
                raise SystemExit(f"\"{wrong}\":\n{one.transcript}")

        (made,) = [p for p in folder.iterdir() if p.is_dir() and not p.name.startswith(".")]
        anna, bela = (terminal(made) for _ in range(2))
        for which, line in zip((anna, bela), [line for line in second.splitlines() if line.strip()], strict=True):
            which.paste(line + "\n")
            which.wait_for("Online.")
        anna.paste("Hörst du mich?\r")
        bela.wait_for("Anna Berger: Hörst du mich?")
        bela.paste("Laut und deutlich.\r")
        anna.wait_for("Bela Okafor: Laut und deutlich.")
        print(one.transcript)
    finally:
        for each in terminals:
            each.end()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    play(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8"), str(pathlib.Path(sys.argv[2]).resolve()))
