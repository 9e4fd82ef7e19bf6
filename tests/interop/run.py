#!/usr/bin/env python3
"""Plays melder-speaker against the Rust Signal library in PyPI's wheel signal-protocol 0.2.3 (CPython 3.9).

Called by ctest:  run.py MELDER_SPEAKER WORK_DIRECTORY
Exit codes: 0 all passed, 1 a difference, 77 skipped because the other implementation is not to be had (said in a line).
"""

import glob
import os
import shutil
import subprocess
import sys

PACKAGE = "signal-protocol==0.2.3"
SKIPPED = 77


def skip(why):
    print(f"interop: skipped, {why}")
    sys.exit(SKIPPED)


def find_python():
    root = os.environ.get("PYENV_ROOT", os.path.expanduser("~/.pyenv"))
    candidates = [shutil.which("python3.9")] + sorted(glob.glob(os.path.join(root, "versions/3.9*/bin/python3.9")))
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "--version"], capture_output=True).returncode == 0:
            return candidate
    skip("there is no CPython 3.9 here")


def main():
    speaker, work = sys.argv[1:3]
    venv = os.path.join(work, "signal-protocol-venv")
    python = os.path.join(venv, "bin", "python")
    if not os.path.exists(os.path.join(venv, "ready")):
        found = find_python()
        subprocess.run([found, "-m", "venv", "--clear", venv], check=True)
        installed = subprocess.run([python, "-m", "pip", "install", "-q", PACKAGE], capture_output=True, timeout=120)
        if installed.returncode != 0:
            skip(f"{PACKAGE} cannot be installed")
        open(os.path.join(venv, "ready"), "w").close()
    scenarios = os.path.join(os.path.dirname(os.path.abspath(__file__)), "scenarios.py")
    sys.exit(subprocess.run([python, scenarios, speaker]).returncode)


if __name__ == "__main__":
    main()
