#!/usr/bin/env python3
"""Runs scripts/demo and compares: what the README shows of it is what it prints today.

demo.py ROOT FOLDER_OF_BINARIES"""

import os
import pathlib
import re
import subprocess
import sys


def shown(readme):
    section = re.search(r"^## What the demo shows\n+```\n(.*?)^```$", readme, flags=re.M | re.S)
    if not section:
        raise SystemExit("the README shows nothing of the demo")
    return [line.rstrip() for line in section.group(1).splitlines() if line.strip()]


def main(root, binaries):
    run = subprocess.run([str(root / "scripts/demo")], env={**os.environ, "MELDER_BIN": str(binaries)}, text=True,
                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    printed = [re.sub(r"\x1b\[\d*m", "", line).rstrip() for line in run.stdout.splitlines()]
    if run.returncode != 0:
        raise SystemExit(f"the demo failed:\n{run.stdout}")
    lines = shown((root / "README.md").read_text(encoding="utf-8"))
    missing = [line for line in lines if line not in printed]
    if missing or len(lines) < 15:
        raise SystemExit("the demo no longer prints, or the README hardly shows:\n" + "\n".join(missing or lines))
    print(printed[-1])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).resolve())
