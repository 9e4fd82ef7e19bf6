"""What every check shares: a finding is a file (or target) and a sentence; a check returns a list of them."""

import pathlib
import re
import subprocess

SOURCE_FOLDERS = ["proto", "core", "client", "server", "relay", "keyserver", "sdk", "bindings", "apps"]
CODE_FOLDERS = SOURCE_FOLDERS + ["tests", "bench", "cmake"]

# Which folders a folder may use, itself included: the arrows of docs/ARCHITECTURE.md.
MAY_USE = {
    "cmake": set(),
    "proto": {"proto"},
    "core": {"core", "proto"},
    "client": {"client", "core", "proto"},
    "server": {"server", "core", "proto"},
    "relay": {"relay", "server", "core", "proto"},
    "keyserver": {"keyserver", "server", "core", "proto"},
    "sdk": {"sdk", "client", "core", "proto"},
    "bindings": {"bindings", "sdk", "core"},
    "apps": {"apps", "core"},
    "apps/melder-server": {"apps", "apps/melder-server", "relay", "keyserver", "server", "core", "proto"},
    "apps/melder-admin": {"apps", "apps/melder-admin", "client", "core", "proto"},
    "apps/melder": {"apps", "apps/melder", "sdk", "client", "core", "proto"},
}


def layer_of(path: str) -> str:
    """The key of MAY_USE that a path belongs to; tests and bench are layers without a rule."""
    parts = path.split("/")
    if parts[0] == "melder":  # the SDK's public headers are included by their installed name
        return "sdk"
    return "/".join(parts[:2]) if parts[0] == "apps" and len(parts) > 2 else parts[0]


class Tree:
    """The files of a checkout that belong to it: tracked, or not yet tracked but not ignored either."""

    def __init__(self, root, paths=None):
        self.root = pathlib.Path(root).resolve()
        if paths is None:
            listed = subprocess.run(["git", "-C", str(root), "ls-files", "-co", "--exclude-standard"],
                                    capture_output=True, text=True)
            if listed.returncode == 0:
                paths = listed.stdout.splitlines()
            else:  # an archive without its repository
                paths = [str(p.relative_to(root)) for p in self.root.rglob("*")
                         if p.is_file() and p.relative_to(root).parts[0] not in ("build", ".git")]
        self.paths = sorted(p for p in set(paths) if (self.root / p).is_file())

    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def code(self, folders=CODE_FOLDERS):
        return [p for p in self.paths
                if p.split("/")[0] in folders and re.search(r"\.(cpp|hpp|c|h|cc)$", p)]


def without_comments(text: str) -> str:
    """C++ without comments; line numbers stay. Strings are kept."""
    pattern = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'|//[^\n]*|/\*.*?\*/'
    keep = lambda m: m.group(0) if m.group(0)[0] in "\"'" else re.sub(r"[^\n]", " ", m.group(0))
    return re.sub(pattern, keep, text, flags=re.S)


def includes(text: str):
    return re.findall(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', text, flags=re.M)
