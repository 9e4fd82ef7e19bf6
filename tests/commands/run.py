#!/usr/bin/env python3
"""Every command of melder-admin and melder-server as a person types it, right and wrong, with the real binaries.
run.py FOLDER_OF_BINARIES

A command or an option that --help lists and that no case below uses is a finding, and so is a command whose --help gives no
example: what is new must come with its cases."""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import admin_cases  # noqa: E402
import server_cases  # noqa: E402
from force import Book, Force  # noqa: E402


def main(folder):
    book = Book(folder)
    if len(book.leaves) < 30:
        return [f"only {len(book.leaves)} commands were found, so hardly anything was checked"]
    force = Force(folder, book)
    try:
        server_cases.before(force)
        admin_cases.offline(force)
        server_cases.set_up(force)
        admin_cases.online(force)
        server_cases.after(force)
    finally:
        force.close()
    print(f"{force.calls} lines typed, {len(book.leaves)} commands")
    return book.judge()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    findings = main(sys.argv[1])
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
