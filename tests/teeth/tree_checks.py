"""Checks that need the sources alone. Each takes a Tree and returns findings; an empty list is a pass."""

import re

from findings import CODE_FOLDERS, MAY_USE, SOURCE_FOLDERS, includes, layer_of, without_comments

LONGEST_FILE = 700
# Tests of the whole, which mirror no single folder.
TESTS_OF_THE_WHOLE = {"commands", "crash", "docs", "end_to_end", "fuzz", "interop", "teeth", "vectors"}
# Dependencies with one place each: a beginning of an include, and where it may stand.
ONE_PLACE = {
    "signal/": ("sdk/crypto/",),
    "rocksdb/": ("server/stores/rocksdb/",),
    "sqlite3.h": ("sdk/vault/",),
    "toml++/": ("server/config/",),
    "spdlog/": ("server/",),
    "openssl/": ("core/", "client/", "server/link/", "sdk/crypto/"),
    "sodium": ("core/",),
    "boost/beast": ("client/", "server/link/", "server/watch/", "cmake/"),
    "prometheus/": ("server/watch/",),
    "protozero/": ("sdk/crypto/",),
}
# What a file of decisions (*_logic) must not reach, not even through another header.
NOT_IN_DECISIONS = ("boost/asio", "boost/beast", "openssl/ssl", "rocksdb/", "sqlite3.h", "signal/", "thread", "mutex",
                    "condition_variable", "fstream", "sys/", "unistd.h", "sdk/net/", "server/link/connection.hpp")


def include_direction(tree):
    found = []
    for path in tree.code(SOURCE_FOLDERS):
        allowed = MAY_USE.get(layer_of(path))
        if allowed is None:
            found.append(f"{path}: no rule says what this folder may use")
            continue
        for name in includes(tree.text(path)):
            layer = layer_of(name)
            ours = layer in MAY_USE or layer in ("tests", "bench")
            if ours and "/" in name and layer not in allowed:
                found.append(f"{path}: includes {name}, which its folder may not use")
    return found


def one_place(tree):
    found = []
    for path in tree.code(SOURCE_FOLDERS + ["cmake"]):
        for name in includes(tree.text(path)):
            for beginning, places in ONE_PLACE.items():
                if name.startswith(beginning) and not path.startswith(places):
                    found.append(f"{path}: includes <{name}>, which stands in {' and '.join(places)} only")
    return found


def decisions_without_io(tree):
    headers = {p: includes(tree.text(p)) for p in tree.code(SOURCE_FOLDERS)}
    public = {p.removeprefix("sdk/include/"): p for p in headers if p.startswith("sdk/include/")}
    found = []
    for path in headers:
        if not re.search(r"_logic\.[ch]pp$", path):
            continue
        seen, todo = set(), [(path, path)]
        while todo:
            name, by = todo.pop()
            for inner in headers.get(public.get(name, name), []):
                # The public headers of the SDK describe work (Pending) in Asio's terms; values of them are fine.
                if inner.startswith(NOT_IN_DECISIONS) and not by.startswith("melder/"):
                    found.append(f"{path}: decisions reach {inner} through {by}")
                if inner not in seen:
                    seen.add(inner)
                    todo.append((inner, inner))
    return found


def orphaned_headers(tree):
    code = tree.code()
    included = {name for p in code for name in includes(tree.text(p))}
    return [f"{p}: no file includes it" for p in code  # public headers are for others
            if p.endswith((".hpp", ".h")) and p not in included and not p.startswith("sdk/include/")]


def tests_mirror_sources(tree):
    folders = {"/".join(p.split("/")[:-1]) for p in tree.code(SOURCE_FOLDERS + ["proto"])}
    folders |= {"/".join(f.split("/")[:n]) for f in folders for n in range(1, f.count("/") + 2)}
    found = set()
    for path in tree.paths:
        parts = path.split("/")
        if parts[0] != "tests" or len(parts) < 3 or parts[1] in TESTS_OF_THE_WHOLE:
            continue
        folder = "/".join(parts[1:-1])
        if folder not in folders:
            found.add(f"tests/{folder}: mirrors no source folder")
    return sorted(found)


def short_files(tree):
    counts = ((p, tree.text(p).count("\n")) for p in tree.code())
    return [f"{p}: {n} lines, more than {LONGEST_FILE}" for p, n in counts if n > LONGEST_FILE]


def nothing_left_to_do(tree):
    word = "TO" + "DO|FIX" + "ME"
    return [f"{p}: a note of unfinished work is left in it" for p in tree.paths
            if p.split("/")[0] in CODE_FOLDERS + ["scripts", "docs", "deploy"] and re.search(rf"\b({word})\b", tree.text(p))]


def no_sleep_in_tests(tree):
    asleep = re.compile(r"\b(sleep_for|sleep_until|u?sleep|nanosleep)\s*\(")
    found = []
    for path in tree.code(["tests"]):
        for number, line in enumerate(without_comments(tree.text(path)).split("\n"), 1):
            if asleep.search(line):
                found.append(f"{path}:{number}: a test sleeps instead of waiting for something")
    return found


def limits_stand_once(tree):
    named = re.compile(r"\bconstexpr\s+[\w:<>, ]*?\b(\w+)\s*(?:\[\])?\s*=")
    limits = "core/limits.hpp"
    if limits not in tree.paths:
        return [f"{limits}: missing"]
    names = set(named.findall(without_comments(tree.text(limits))))
    found = []
    for path in tree.code(SOURCE_FOLDERS):
        if path == limits:
            continue
        for line in without_comments(tree.text(path)).split("\n"):
            for name in named.findall(line):
                if name in names and f"limits::{name}" not in line:
                    found.append(f"{path}: gives the limit {name} a value of its own")
    return found


def contexts_are_registered(tree):
    """Every context, derivation info and label in code has one row in the registry, and stands in one file."""
    rows, inside = [], False
    for line in tree.text("proto/PROTOCOL.md").split("\n"):
        if line.startswith("## "):
            inside = line == "## Registry of contexts"
        if inside and (line.startswith("| `") or line.startswith("TLS exporter label")):
            first_cell = line.split("|")[1] if line.startswith("|") else line
            rows += [(text, line) for text in re.findall(r"`([^`]+)`", first_cell)]
    names = [text for text, _ in rows]
    registered = set(names) | {text for _, line in rows for text in re.findall(r"salt `([^`]+)`", line)}
    twice_allowed = {text for text, line in rows if "; also" in line}
    found = [f"proto/PROTOCOL.md: `{text}` is registered twice" for text in sorted(set(names)) if names.count(text) > 1]
    infos = [text for text in names if text.startswith("Melder/1 ")]
    for one in infos:
        for other in infos:
            if one != other and other.startswith(one):
                found.append(f"proto/PROTOCOL.md: the info `{one}` is the beginning of `{other}`")
    used = {}
    for path in tree.code(SOURCE_FOLDERS):
        for text in re.findall(r'"((?:Melder/|EXPORTER-)[^"\\]*)"', without_comments(tree.text(path))):
            used.setdefault(text, set()).add(path)
    if not used:
        found.append("no context was found in the code: this check sees nothing")
    for text, paths in sorted(used.items()):
        if text not in registered:
            found.append(f"{min(paths)}: `{text}` is not in the registry of proto/PROTOCOL.md")
        if len(paths) > 1 and text not in twice_allowed:
            found.append(f"{', '.join(sorted(paths))}: `{text}` has several uses and the registry names one")
    return found


CHECKS = [include_direction, one_place, decisions_without_io, orphaned_headers, tests_mirror_sources, short_files,
          nothing_left_to_do, no_sleep_in_tests, limits_stand_once, contexts_are_registered]
