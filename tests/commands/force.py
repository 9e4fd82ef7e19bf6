"""A force of its own in a scratch directory, and a book of what was typed there: which command with which option, right and
wrong, with --json and without."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile


class Book:
    """What was typed, by leaf command."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.leaves = {}     # ("melder-admin", "device", "show") -> set of its options
        self.right, self.wrong, self.json = {}, {}, {}
        self.options = {}
        self.findings = []
        self.silent = set()  # said nothing on standard output by intent
        self.inherited = {}
        for program in ("melder-admin", "melder-server"):
            self.read_help(program, ())

    def text(self, program, path):
        run = subprocess.run([str(self.folder / program), *path, "--help"], capture_output=True, text=True, timeout=60)
        if run.returncode != 0:
            self.findings.append(f"{program} {' '.join(path)} --help: exit code {run.returncode}")
        return run.stdout

    def read_help(self, program, path, above=frozenset()):
        text = self.text(program, path)
        part = re.search(r"^Subcommands:\n((?:[ \t].*\n|\n)+)", text + "\n", flags=re.M)
        names = re.findall(r"^  ([a-z][\w-]*)(?:, [a-z][\w-]*)*(?: |$)", part.group(1) if part else "", flags=re.M)
        listed = re.search(r"^Options:\n((?:[ \t].*\n|\n)+)", text + "\n", flags=re.M)
        own = set(re.findall(r"^  (?:-\w,)?(--[a-z][\w-]*)", listed.group(1) if listed else "", flags=re.M)) - {"--help"}
        if not names:
            leaf = (program, *path)
            self.leaves[leaf] = own
            example = rf"^  {program} (?:.* )?{' '.join(path)}(?: |$)"
            if not re.search(example, text, flags=re.M):
                self.findings.append(f"{' '.join(leaf)} --help gives no example of a line that a person types")
            return
        # Options of a group belong to the commands in it; one use of each is enough.
        self.inherited[(program, *path)] = own - {"--version"}
        for name in names:
            self.read_help(program, (*path, name), above | own)

    def leaf_of(self, words):
        path = [pathlib.Path(words[0]).name]
        for word in words[1:]:
            if any(leaf[:len(path) + 1] == (*path, word) for leaf in self.leaves):
                path.append(word)
        return tuple(path)

    def note(self, words, code, wants_json):
        leaf = self.leaf_of(words)
        kind = self.right if code == 0 else self.wrong
        kind[leaf] = kind.get(leaf, 0) + 1
        if wants_json and code == 0:
            self.json[leaf] = self.json.get(leaf, 0) + 1
        for depth in range(1, len(leaf) + 1):
            self.options.setdefault(leaf[:depth], set()).update(w for w in words if w.startswith("--"))

    def judge(self):
        found = list(self.findings)
        for leaf, options in sorted(self.leaves.items()):
            name = " ".join(leaf)
            if not self.right.get(leaf):
                found.append(f"{name}: no case types it right")
            if not self.wrong.get(leaf):
                found.append(f"{name}: no case types it wrong")
            if not self.json.get(leaf):
                found.append(f"{name}: no case asks it for --json")
            for option in sorted(options - self.options.get(leaf, set())):
                found.append(f"{name}: no case uses {option}")
        for group, options in sorted(self.inherited.items()):
            for option in sorted(options - self.options.get(group, set())):
                found.append(f"{' '.join(group)}: no case uses {option}")
        return found


class Force:
    NAMES = ("Anna", "Berger", "Jörg", "Meißner")

    def __init__(self, folder, book):
        self.folder, self.book = pathlib.Path(folder), book
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="melder-commands-"))
        self.server, self.port, self.calls = None, 0, 0
        self.environment = dict(os.environ, HOME=str(self.root), LC_ALL="C.UTF-8")
        self.environment.pop("MELDER_ADMIN_HOME", None)

    def close(self):
        self.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def path(self, name):
        return str(self.root / name)

    def write(self, name, text):
        (self.root / name).write_text(text)
        return self.path(name)

    def read(self, name):
        return (self.root / name).read_text()

    def start(self):
        self.server = subprocess.Popen([str(self.folder / "melder-server"), "run", "--config", self.path("srv/melder.toml")],
                                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=self.root)
        for line in self.server.stdout:
            if match := re.search(r"ready on port (\d+)", line):
                self.port = int(match.group(1))
                return
        raise SystemExit("the server did not start")

    def stop(self):
        if self.server:
            self.server.send_signal(signal.SIGTERM)
            self.server.stdout.read()
            self.server.wait(60)
            self.server = None

    def typed(self, words, given=None, environment=None, stdout=subprocess.PIPE, **more):
        self.calls += 1
        return subprocess.run([str(self.folder / words[0]), *words[1:]], capture_output=False, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, cwd=self.root, timeout=300,
                              env=environment or self.environment, input=given if given is not None else "", **more)

    def complain(self, words, run, why):
        line = " ".join(words).replace(str(self.root), ".")
        self.book.findings.append(f"$ {line}\n    {why}\n    exit code {run.returncode}; out: {(run.stdout or '')[:500]!r}; "
                                  f"err: {run.stderr[:500]!r}")

    def check_objects(self, words, run, text, where):
        for line in text.splitlines():
            try:
                if not isinstance(json.loads(line), dict):
                    raise ValueError("no object")
            except ValueError:
                self.complain(words, run, f"with --json a line of {where} is no object: {line[:200]!r}")
                return

    def run(self, words, says=(), given=None, also_json=True, **more):
        """Typed right: exit code 0 and each of `says` on standard output. Then the same with --json, unless it would do it
        twice."""
        says = (says,) if isinstance(says, str) else says
        run = self.typed(words, given, **more)
        self.book.note(words, run.returncode, "--json" in words)
        if run.returncode != 0:
            self.complain(words, run, "was to succeed")
        for part in says:
            if part not in (run.stdout or ""):
                self.complain(words, run, f"was to say {part!r}")
        if "--json" in words:
            self.check_objects(words, run, run.stdout, "standard output")
            if not run.stdout.strip():
                self.complain(words, run, "prints nothing with --json")
        elif also_json:
            self.run([words[0], "--json", *words[1:]], given=given, also_json=False, **more)
        return run.stdout

    def refuse(self, words, code, says, given=None, also_json=True, personal=False, **more):
        """Typed wrong: this exit code, one sentence on standard error that says `says`, nobody's name in it. Then the same
        with --json: the sentence is in an object."""
        says = (says,) if isinstance(says, str) else says
        run = self.typed(words, given, **more)
        self.book.note(words, run.returncode, False)
        if run.returncode != code:
            self.complain(words, run, f"was to end with exit code {code}")
        errors = [line for line in run.stderr.splitlines() if not line.startswith("warning: ")]
        if len(errors) != 1 or not errors[0].startswith(f"{words[0]}: "):
            self.complain(words, run, "was to say one sentence on standard error")
        for part in says:
            if part not in run.stderr:
                self.complain(words, run, f"was to say {part!r}")
        if not personal and any(name in run.stderr for name in self.NAMES):
            self.complain(words, run, "names somebody")
        if also_json:
            again = self.typed([words[0], "--json", *words[1:]], given, **more)
            self.check_objects(words, again, again.stdout or "", "standard output")
            self.check_objects(words, again, again.stderr, "standard error")
            if again.returncode != code or f'"exit_code":{code}' not in again.stderr:
                self.complain(words, again, "with --json was to end alike and to say so")
        return run.stderr
