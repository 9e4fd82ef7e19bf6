"""Checks of what CMake links and of the binaries themselves.

The link graph is a file that tests/teeth/CMakeLists.txt has CMake write, one line a target:
name|type|folder|libraries;…|sources;…
"""

import pathlib
import re
import subprocess

from findings import CODE_FOLDERS, MAY_USE, layer_of

CLIENT_SIDE = ("melder_sdk", "melder_client", "melder_messenger", "PkgConfig::SIGNAL", "PkgConfig::SQLITE")
SERVER_SIDE = ("melder_server", "melder_store", "melder_relay", "melder_keyserver", "RocksDB::")
# Target → beginnings of the names of targets that it must not reach.
MUST_NOT_REACH = {
    "melder-server": CLIENT_SIDE,
    "melder-admin": SERVER_SIDE + ("melder_sdk", "melder_messenger", "PkgConfig::SIGNAL", "PkgConfig::SQLITE"),
    "melder": SERVER_SIDE,
    "melder_sdk": SERVER_SIDE,
}
# Binary → (libraries it must not need, symbols it must not hold, a symbol it surely holds).
BINARIES = {
    "melder-server": (r"signal-protocol|sqlite", r"6melder3sdk|6melder6client|signal_protocol|session_cipher|sqlite3_",
                      r"6melder6server"),
    "melder-admin": (r"signal-protocol|sqlite|rocksdb", r"6melder3sdk|6melder6server|signal_protocol|sqlite3_|rocksdb",
                     r"6melder6client"),
    "melder": (r"rocksdb", r"6melder6server|6melder9keyserver|6melder5relay|rocksdb", r"6melder3sdk"),
}


class LinkGraph:
    def __init__(self, text):
        self.libraries, self.folder, self.sources = {}, {}, {}
        for line in filter(None, text.split("\n")):
            name, _type, folder, libraries, sources = line.split("|")
            clean = (re.sub(r"^\$<LINK_ONLY:(.*)>$", r"\1", library) for library in libraries.split(";"))
            self.libraries[name] = [library for library in clean if library]
            self.folder[name] = folder
            self.sources[name] = [source for source in sources.split(";") if source]

    def reached_from(self, name):
        seen, todo = set(), [name]
        while todo:
            for library in self.libraries.get(todo.pop(), []):
                if library not in seen:
                    seen.add(library)
                    todo.append(library)
        return seen


def forbidden_links(graph):
    found = []
    for target, beginnings in MUST_NOT_REACH.items():
        if target not in graph.libraries:
            found.append(f"{target}: CMake has no such target")
        found += [f"{target}: links {library}" for library in sorted(graph.reached_from(target))
                  if library.startswith(beginnings)]
    return found


def link_direction(graph):
    """The arrows once more, over targets: a target links only targets of folders that its folder may use."""
    found = []
    for target, libraries in graph.libraries.items():
        layer = layer_of(graph.folder[target] + "/x")
        if layer not in MAY_USE:
            continue
        for library in libraries:
            other = layer_of(graph.folder.get(library, "") + "/x")
            if other in MAY_USE and other not in MAY_USE[layer]:
                found.append(f"{target} ({layer}): links {library} ({other})")
    return found


def orphaned_sources(tree, graph):
    """A source file that no target compiles. Benchmarks are not configured by every preset: their list is read."""
    compiled = {str(pathlib.PurePosixPath(graph.folder[t]) / s) if not s.startswith("/")
                else s.removeprefix(f"{tree.root}/") for t in graph.sources for s in graph.sources[t]}
    compiled = {str(pathlib.Path("/", p).resolve()).lstrip("/") for p in compiled}
    if "bench/CMakeLists.txt" in tree.paths:
        compiled |= {f"bench/{name}" for name in re.findall(r"[\w.]+\.cpp", tree.text("bench/CMakeLists.txt"))}
    return [f"{path}: no target compiles it" for path in tree.code(CODE_FOLDERS)
            if path.endswith((".cpp", ".c")) and path not in compiled]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def binaries(folder):
    found = []
    for name, (libraries, symbols, own) in BINARIES.items():
        path = pathlib.Path(folder) / name
        if not path.is_file():
            found.append(f"{path}: not built")
            continue
        found += judge_binary(name, run("readelf", "-d", str(path)), run("nm", str(path)))
    return found


def judge_binary(name, dynamic_section, symbol_table):
    libraries, symbols, own = BINARIES[name]
    found = [f"{name}: needs {needed}" for needed in re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic_section)
             if re.search(libraries, needed)]
    if not re.search(own, symbol_table):
        found.append(f"{name}: its symbols are not readable, so nothing was checked")
    held = [line.split()[-1] for line in symbol_table.split("\n") if re.search(symbols, line)]
    if held:
        found.append(f"{name}: holds {held[0]} and {len(held) - 1} more symbols that do not belong into it")
    return found
