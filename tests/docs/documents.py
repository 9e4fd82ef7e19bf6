"""Checks of the project's documents. Each takes a Tree (and a Help, if it needs the binaries) and returns findings: a file,
a line and a sentence; an empty list is a pass."""

import json
import pathlib
import re
import subprocess
import sys
import unicodedata

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "teeth"))
from findings import Tree  # noqa: E402  (the same list of files as the checks of the tree)

PROGRAMS = ("melder", "melder-admin", "melder-server")
TEACHERS = ("melder",)  # whose --help shows examples and exit codes for each command
# What a fenced block may be written in; each that a check knows how to read is read.
LANGUAGES = {"", "sh", "json", "cpp", "python", "toml", "text", "csv", "swift", "proto", "yaml", "ini"}


def documents(tree):
    return [p for p in tree.paths if p.endswith(".md")]


class Block:
    def __init__(self, path, line, language, text):
        self.path, self.line, self.language, self.text = path, line, language, text


def blocks(tree, path):
    """The fenced blocks of a document, with the number of their first line."""
    found, open_at, fence = [], None, ""
    lines = tree.text(path).split("\n")
    for number, line in enumerate(lines, 1):
        mark = re.match(r"^ {0,3}(```+|~~~+)\s*([\w+-]*)\s*$", line)
        if open_at is None and mark:
            open_at, fence, language = number, mark.group(1), mark.group(2)
        elif open_at is not None and line.strip() == fence:
            found.append(Block(path, open_at + 1, language, "\n".join(lines[open_at:number - 1]) + "\n"))
            open_at = None
    if open_at is not None:
        found.append(Block(path, open_at, "unclosed", ""))
    return found


def prose(tree, path):
    """The document without its blocks; lines keep their numbers."""
    text = tree.text(path).split("\n")
    for block in blocks(tree, path):
        for i in range(block.line - 2, min(block.line + block.text.count("\n"), len(text))):
            text[i] = ""
    return "\n".join(text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def anchors(tree, path):
    """The anchors that GitHub makes of the headings."""
    out = set()
    for heading in re.findall(r"^#{1,6}\s+(.*?)\s*#*$", prose(tree, path), flags=re.M):
        text = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", lambda m: m.group(1) or "", heading).strip().lower()
        kept = "".join(c for c in text if c in " -_" or unicodedata.category(c)[0] in "LNM")
        slug = kept.replace(" ", "-")
        number, unique = 0, slug
        while unique in out:
            number += 1
            unique = f"{slug}-{number}"
        out.add(unique)
    return out


def links(tree):
    found = []
    for path in documents(tree):
        text = re.sub(r"`[^`\n]*`", lambda m: " " * len(m.group(0)), prose(tree, path))
        for match in re.finditer(r"\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)", text):
            target, where = match.group(1), f"{path}:{line_of(text, match.start())}"
            if re.match(r"[a-z]+:", target):
                continue  # another site; nobody asks the network in a test
            file, _, anchor = target.partition("#")
            there = (pathlib.PurePosixPath(path).parent / file) if file else pathlib.PurePosixPath(path)
            parts = []
            for part in there.parts:
                parts.pop() if part == ".." and parts else parts.append(part)
            goal = "/".join(parts)
            if not (tree.root / goal).exists() or goal.startswith(".."):
                found.append(f"{where}: the link leads to {target}, which does not exist")
            elif anchor and (not goal.endswith(".md") or anchor not in anchors(tree, goal)):
                found.append(f"{where}: {goal} has no heading with the anchor #{anchor}")
    return found


def named_files(tree):
    """`docs/…`, `scripts/…` and the like in running text must exist: a path is a promise as a link is."""
    folders = {p.split("/")[0] for p in tree.paths if "/" in p}
    found = []
    for path in documents(tree):
        text = prose(tree, path)
        for match in re.finditer(r"`([\w.-]+(?:/[\w.*{},-]+)+/?)`", text):
            name = match.group(1)
            if name.split("/")[0] not in folders or re.search(r"[*{]", name):
                continue
            stem = name.rstrip("/")
            if not any(p == stem or p.startswith(stem + "/") or p.rsplit(".", 1)[0] == stem for p in tree.paths):
                beginnings = [p for p in tree.paths if p.startswith(stem + "_") or p.startswith(stem + ".")]
                if not beginnings:
                    found.append(f"{path}:{line_of(text, match.start())}: there is no {name}")
    return found


def languages(tree):
    return [f"{b.path}:{b.line}: a block in \"{b.language}\", which no check knows"
            for path in documents(tree) for b in blocks(tree, path) if b.language not in LANGUAGES]


def shell_blocks(tree):
    found = []
    for path in documents(tree):
        for block in blocks(tree, path):
            if block.language != "sh":
                continue
            run = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True)
            if run.returncode != 0 or run.stderr:
                found.append(f"{path}:{block.line}: bash cannot read the block: {run.stderr.strip()}")
    return found


def json_blocks(tree):
    """A block is one value, or one a line."""
    found = []
    for path in documents(tree):
        for block in blocks(tree, path):
            if block.language != "json":
                continue
            try:
                json.loads(block.text)
                continue
            except ValueError:
                pass
            for number, line in enumerate(block.text.splitlines(), block.line):
                try:
                    json.loads(line) if line.strip() else None
                except ValueError as error:
                    found.append(f"{path}:{number}: no JSON: {error}")
    return found


class Help:
    """What the binaries' --help says: sub-commands and options of each command."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.known = {}

    def text(self, program, path):
        run = subprocess.run([str(self.folder / program), *path, "--help"], capture_output=True, text=True,
                             stdin=subprocess.DEVNULL, timeout=60)
        return run.stdout if run.returncode == 0 else ""

    def of(self, program, path):
        key = (program, *path)
        if key not in self.known:
            text = self.text(program, path)
            part = re.search(r"^Subcommands:\n((?:[ \t].*\n|\n)+)", text + "\n", flags=re.M)
            names = re.findall(r"^  ([a-z][\w-]*(?:, [a-z][\w-]*)*)(?: |$)", part.group(1) if part else "", flags=re.M)
            commands = {name for each in names for name in each.split(", ")}  # "publish, put": an alias
            declared = re.split(r"^Examples:", text, flags=re.M)[0]  # what only an example names does not count
            options = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", declared)) | {"--help", "-h"}
            self.known[key] = (bool(text), commands, options)
        return self.known[key]


def words_of(line):
    """The words of a shell line as far as they matter here; what a shell would make of quotes and variables does not."""
    return re.findall(r"\"(?:\\.|[^\"])*\"|'[^']*'|[^\s|;&()<>`\"']+|[|;&()<>`]", re.sub(r"(^|\s)#.*", "", line))


def calls_in(text):
    """(program, arguments) for each call of one of the programs in shell text."""
    calls = []
    for line in text.replace("\\\n", " ").split("\n"):
        words = words_of(line)
        for i, word in enumerate(words):
            name = word.rsplit("/", 1)[-1]
            # A name in the place of an argument is no call: `add_dependencies melder`.
            first = i == 0 or words[i - 1] in "|;&(`" or words[i - 1] in ("then", "do", "else", "until", "while", "if",
                                                                           "!", "{", "time", "sudo", "exec")
            if name in PROGRAMS and first:
                rest = words[i + 1:]
                end = next((n for n, w in enumerate(rest) if w in "|;&()<>`"), len(rest))
                calls.append((name, rest[:end]))
    return calls


def judge_call(help_, program, arguments):
    """Nothing, or what is wrong with it: a sub-command that does not exist, an option that its command does not have."""
    path, options_seen = [], []
    for word in arguments:
        if re.match(r"--?[a-zA-Z]", word):
            options_seen.append(word.split("=")[0])
            continue
        commands = help_.of(program, path)[1]
        if word in commands:
            path.append(word)
        elif commands and not path and not options_seen and re.fullmatch(r"[a-z][\w-]*", word):
            return f"there is no `{program} {word}`"
        elif commands and path and not options_seen and re.fullmatch(r"[a-z][\w-]*", word):
            return f"there is no `{program} {' '.join(path)} {word}`"
    allowed = set()
    for depth in range(len(path) + 1):
        allowed |= help_.of(program, path[:depth])[2]
    for option in options_seen:
        if option not in allowed:
            return f"`{program} {' '.join(path)}` has no option {option}"
    return ""


def commands(tree, help_):
    found = []
    for program in PROGRAMS:
        if not help_.of(program, [])[0]:
            return [f"{program} --help: no answer; nothing was checked"]
    checked = 0
    for path in documents(tree):
        if path == "CHANGELOG.md":  # tells what was; commands may since have got other names
            continue
        places = [(b.line, b.text) for b in blocks(tree, path) if b.language == "sh"]
        text = prose(tree, path)
        places += [(line_of(text, m.start()), m.group(1)) for m in re.finditer(r"`([^`\n]+)`", text)]
        for line, part in places:
            for program, arguments in calls_in(part):
                checked += 1
                if wrong := judge_call(help_, program, arguments):
                    found.append(f"{path}:{line}: {wrong}")
    return found if checked else ["no call of a program was found in any document, so nothing was checked"]


def teaching(help_):
    """--help of each command shows a call of that command that it would understand, and says its exit codes."""
    found = []
    for program in TEACHERS:
        paths = [[]]
        for path in paths:
            known, commands_, _ = help_.of(program, path)
            name = " ".join([program, *path])
            if not known:
                return [f"{name} --help: no answer; nothing was checked"]
            paths += [path + [command] for command in sorted(commands_)]
            text = help_.text(program, path)
            part = re.search(r"^Examples:\n((?:  .*\n)+)", text, flags=re.M)
            calls = [call for call in calls_in(part.group(1) if part else "") if call[0] == program]
            for _, arguments in calls:
                if wrong := judge_call(help_, program, arguments):
                    found.append(f"{name} --help: {wrong}")
            words = [[word for word in arguments if not word.startswith("-")] for _, arguments in calls]
            if not any(path == [w for w in each if w in path][:len(path)] for each in words):
                found.append(f"{name} --help: no example of it")
            if not re.search(r"^Exit codes:.*0 .*2 ", text.replace("\n  ", " "), flags=re.M):
                found.append(f"{name} --help: its exit codes are not told")
    return found


def scripts(tree, _=None):
    """Scripts and files that shell blocks run must be there."""
    found = []
    for path in documents(tree):
        for block in blocks(tree, path):
            if block.language != "sh":
                continue
            for match in re.finditer(r"(?<![\w/.-])((?:scripts|bench|\.ci|deploy)/[\w./-]+)", block.text):
                if match.group(1) not in tree.paths:
                    found.append(f"{path}:{block.line + block.text.count(chr(10), 0, match.start())}: "
                                 f"there is no {match.group(1)}")
            for match in re.finditer(r"build/[\w]+/bin/([\w-]+)", block.text):
                name = match.group(1)
                targets = "\n".join(tree.text(p) for p in tree.paths if p.endswith("CMakeLists.txt"))
                if not re.search(rf"\({name}[\s)]", targets) and not name.startswith("fuzz_"):
                    found.append(f"{path}:{block.line}: no target makes {name}")
    return found


def errors(tree, written):
    """docs/ERRORS.md is what the table of error codes says today."""
    path = "docs/ERRORS.md"
    if written.count(b"\n| ") < 50:
        return ["hardly any error was written, so nothing was compared"]
    if path in tree.paths and (tree.root / path).read_bytes() == written:
        return []
    return [f"{path}: not what core/errc.hpp and core/errc_help.cpp say; write it anew: "
            f"build/dev/bin/melder_errors_document > {path}"]


TEXT_CHECKS = [links, named_files, languages, shell_blocks, json_blocks, scripts]
