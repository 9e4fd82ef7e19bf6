#!/usr/bin/env python3
"""Every check of the documents finds what breaks its rule, and nothing in a good document."""

import pathlib
import tempfile
import unittest

import documents
from documents import Tree

GOOD = """# A title: *one*

See [the other](docs/other.md#a-heading-über-alles), [here](#a-title-one) and `docs/other.md`. [Far away](https://example.org/x).

```sh
scripts/run "a b"    # runs
melder-admin --json device show 4f0c… | grep x
build/dev/bin/tool
```

```json
{"a": [1, 2]}
```

```json
{"a": 1}
{"b": 2}
```
"""
FILES = {"README.md": GOOD, "docs/other.md": "## A heading, über alles\n", "scripts/run": "",
         "CMakeLists.txt": "melder_app(tool SOURCES x.cpp)\n"}


def findings_of(check, readme=GOOD, **files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**FILES, "README.md": readme, **files}.items():
            (pathlib.Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
            (pathlib.Path(root) / path).write_text(text)
        return check(Tree(root, list({**FILES, **files})))


BAD = [
    (documents.links, "a file that is not there", "[x](docs/gone.md)"),
    (documents.links, "a folder too high", "[x](../README.md)"),
    (documents.links, "an anchor that is not there", "[x](docs/other.md#gone)"),
    (documents.links, "an own anchor that is not there", "[x](#gone)"),
    (documents.named_files, "a file named in the text", "`docs/gone.md`"),
    (documents.languages, "an unknown language", "```klingon\nx\n```\n"),
    (documents.languages, "a block that never ends", "```sh\nx\n"),
    (documents.shell_blocks, "a quote that never ends", "```sh\necho \"x\n```\n"),
    (documents.shell_blocks, "half a loop", "```sh\nfor x in 1; do\n```\n"),
    (documents.json_blocks, "no JSON", "```json\n{'a': 1}\n```\n"),
    (documents.json_blocks, "one line of several", "```json\n{}\n{\n```\n"),
    (documents.scripts, "a script that is not there", "```sh\nscripts/gone\n```\n"),
    (documents.scripts, "a binary that nobody builds", "```sh\nbuild/dev/bin/gone --x\n```\n"),
]


class FakeHelp(documents.Help):
    TEXTS = {
        ("melder",): "Options:\n  --vault TEXT\nSubcommands:\n  send    Sends\n  status  Shows\n",
        ("melder", "send"): "Options:\n  --to TEXT\n",
        ("melder", "status"): "x",
        ("melder-server",): "Subcommands:\n  run   Runs\n",
        ("melder-server", "run"): "  --config TEXT\n",
        ("melder-admin",): "Options:\n  --json\nSubcommands:\n  device    Devices.\n",
        ("melder-admin", "device"): "Subcommands:\n  show, see   Shows\n",
        ("melder-admin", "device", "see"): "x",
        ("melder-admin", "device", "show"): "Positionals:\n  device TEXT\n",
    }

    def __init__(self):
        super().__init__("")

    def text(self, program, path):
        return self.TEXTS.get((program, *path), "")


class Documents(unittest.TestCase):
    def test_a_good_document_has_no_findings(self):
        for check in documents.TEXT_CHECKS:
            self.assertEqual(findings_of(check), [], check.__name__)
        self.assertEqual(findings_of(lambda tree: documents.commands(tree, FakeHelp())), [])

    def test_every_check_finds_what_breaks_its_rule(self):
        for check, what, text in BAD:
            with self.subTest(what):
                self.assertEqual(len(findings_of(check, readme=GOOD + "\n" + text)), 1)
        self.assertEqual({check for check, _, _ in BAD}, set(documents.TEXT_CHECKS), "a check without a bad document")

    def test_commands_and_options_that_do_not_exist_are_found(self):
        judge = lambda text: findings_of(lambda tree: documents.commands(tree, FakeHelp()), readme=text)
        good = ["melder --vault a send --to 1 \"--not an option\"", "x && melder status; echo --y", "$(melder status)",
                "melder-admin device show 4f0c --json", "until melder send --to x -; do sleep 1; done", "melder-admin device see x"]
        for text in good:
            self.assertEqual(judge(f"```sh\n{text}\n```\n"), [], text)
        bad = ["melder snd", "melder send --too 1", "melder-admin device list", "melder-admin devices",
               "echo x | melder snd", "build/dev/bin/melder-server start", "melder-server run \\\n --conf x"]
        for text in bad:
            self.assertEqual(len(judge(f"```sh\n{text}\n```\n")), 1, text)
        self.assertEqual(len(judge("Then `melder snd` it.")), 1)
        self.assertEqual(len(judge("No command at all.")), 1, "nothing checked is a finding")

    def test_a_command_whose_help_teaches_nothing_is_found(self):
        top = "Options:\n  --vault TEXT\nSubcommands:\n  send    Sends\nExamples:\n  melder send --to 1 x\n\nExit codes: 0 x; 2 y\n"
        send = "  --to TEXT\nExamples:\n  echo x | melder send --to 1 -\n\nExit codes: 0 x;\n  2 y\n"

        def found(top=top, send=send):
            help_ = FakeHelp()
            help_.TEXTS = {("melder",): top, ("melder", "send"): send}
            return documents.teaching(help_)
        self.assertEqual(found(), [])
        self.assertEqual(len(found(send=send.replace("melder send", "melder status"))), 2)
        self.assertEqual(len(found(send=send.replace("Examples:", "Thus:"))), 1)
        self.assertEqual(len(found(send=send.replace("--to 1", "--too 1"))), 1)
        self.assertEqual(len(found(send=send.replace("Exit codes", "Codes"))), 1)
        self.assertEqual(len(found(send="")), 1)

    def test_an_old_list_of_errors_is_found(self):
        new = b"# Errors\n" + b"| 1 |\n" * 99
        check = lambda written: lambda tree: documents.errors(tree, written)
        self.assertEqual(findings_of(check(new), **{"docs/ERRORS.md": new.decode()}), [])
        self.assertEqual(len(findings_of(check(new), **{"docs/ERRORS.md": new.decode() + "x"})), 1)
        self.assertEqual(len(findings_of(check(new))), 1, "no document at all")
        self.assertEqual(len(findings_of(check(b""), **{"docs/ERRORS.md": ""})), 1, "nothing written")

    def test_binaries_that_do_not_answer_are_a_finding(self):
        with tempfile.TemporaryDirectory() as folder:
            for program in documents.PROGRAMS:
                (pathlib.Path(folder) / program).write_text("#!/bin/sh\nexit 1\n")
                (pathlib.Path(folder) / program).chmod(0o755)
            found = findings_of(lambda tree: documents.commands(tree, documents.Help(folder)))
            self.assertEqual(len(found), 1)


if __name__ == "__main__":
    unittest.main()
