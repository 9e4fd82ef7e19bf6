#!/usr/bin/env python3
"""Each check is fed a tree, a link graph or a binary's tables that break its rule in one place, and must say so."""

import pathlib
import tempfile
import unittest

import build_checks
import tree_checks
from findings import Tree

REGISTRY = """## Registry of contexts

| `Melder/grant/1` | Grant |
| `Melder/enrol/1` | transcript; also the salt |

| `Melder/1 body` | K |

TLS exporter label: `EXPORTER-Melder-login-v1`.

## Signatures
"""

GOOD = {
    "core/limits.hpp": "inline constexpr auto login_deadline = 10s;\n",
    "core/ids.hpp": "#pragma once\n",
    "core/ids.cpp": '#include "core/ids.hpp"\n#include "core/limits.hpp"\nauto x = "Melder/grant/1";\n',
    "client/link.hpp": '#include "core/ids.hpp"\n',
    "client/link.cpp": '#include "client/link.hpp"\nauto e = "EXPORTER-Melder-login-v1"; // "Melder/comment/1"\n',
    "sdk/account/send_logic.cpp": '#include "core/ids.hpp"\n#include <vector>\n',
    "tests/core/ids_test.cpp": "// no sleep_for() here\n",
    "tests/vectors/vectors.cpp": "",
    "proto/PROTOCOL.md": REGISTRY,
}


def findings_of(check, **changes):
    """Findings over the good tree with some files changed, added, or (None) taken away."""
    files = dict(GOOD)
    for path, text in changes.get("files", {}).items():
        if text is None:
            files.pop(path)
        else:
            files[path] = text
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            (pathlib.Path(root) / path).parent.mkdir(parents=True, exist_ok=True)
            (pathlib.Path(root) / path).write_text(text)
        return check(Tree(root, list(files)))


BAD_TREES = [
    (tree_checks.include_direction, "the server includes the SDK",
     {"server/login.cpp": '#include "sdk/crypto/content.hpp"\n'}),
    (tree_checks.include_direction, "core includes the client", {"core/ids.cpp": '#include "client/link.hpp"\n'}),
    (tree_checks.include_direction, "a source includes a test",
     {"client/link.cpp": '#include "tests/core/police_force.hpp"\n'}),
    (tree_checks.include_direction, "the admin's tool includes the server",
     {"apps/melder-admin/cli.cpp": '#include "server/log.hpp"\n'}),
    (tree_checks.include_direction, "the server includes the SDK's public headers",
     {"relay/relay.cpp": "#include <melder/account.hpp>\n"}),
    (tree_checks.one_place, "libsignal outside its folder", {"sdk/account/x.cpp": "#include <signal/signal_protocol.h>\n"}),
    (tree_checks.one_place, "RocksDB outside its folder", {"relay/x.cpp": "#include <rocksdb/db.h>\n"}),
    (tree_checks.decisions_without_io, "a decision takes a mutex", {"sdk/account/send_logic.cpp": "#include <mutex>\n"}),
    (tree_checks.decisions_without_io, "a decision reaches Asio through a header",
     {"core/ids.hpp": "#include <boost/asio/io_context.hpp>\n"}),
    (tree_checks.orphaned_headers, "a header that nobody includes", {"core/forgotten.hpp": ""}),
    (tree_checks.tests_mirror_sources, "a folder of tests without its sources", {"tests/elsewhere/a_test.cpp": ""}),
    (tree_checks.short_files, "a long file", {"core/ids.cpp": "\n" * 701}),
    (tree_checks.nothing_left_to_do, "unfinished work", {"core/ids.cpp": "// TO" "DO: later\n"}),
    (tree_checks.no_sleep_in_tests, "a test that sleeps",
     {"tests/core/ids_test.cpp": "std::this_thread::sleep_for(1s);\n"}),
    (tree_checks.no_sleep_in_tests, "a test that usleeps", {"tests/core/ids_test.cpp": "usleep(10);\n"}),
    (tree_checks.limits_stand_once, "a limit with a second value",
     {"client/link.cpp": "constexpr auto login_deadline = std::chrono::seconds(3);\n"}),
    (tree_checks.limits_stand_once, "no limits at all", {"core/limits.hpp": None}),
    (tree_checks.contexts_are_registered, "a context that is not registered",
     {"core/ids.cpp": 'auto x = "Melder/forged/1";\n'}),
    (tree_checks.contexts_are_registered, "an info that is not registered",
     {"core/ids.cpp": 'auto x = "Melder/1 other";\n'}),
    (tree_checks.contexts_are_registered, "a context with two uses", {"core/other.cpp": 'auto x = "Melder/grant/1";\n'}),
    (tree_checks.contexts_are_registered, "a context registered twice",
     {"proto/PROTOCOL.md": REGISTRY.replace("enrol", "grant")}),
    (tree_checks.contexts_are_registered, "an info that begins another",
     {"proto/PROTOCOL.md": REGISTRY.replace("| K |", "| K |\n| `Melder/1 body key` | L |")}),
    (tree_checks.contexts_are_registered, "code without any context",
     {"core/ids.cpp": "", "client/link.cpp": ""}),
]

GOOD_LINKS = """melder_core|STATIC_LIBRARY|core|OpenSSL::Crypto|ids.cpp
melder_client|STATIC_LIBRARY|client|melder_core|link.cpp
melder_server_link|STATIC_LIBRARY|server/link|melder_core|
melder_sdk|STATIC_LIBRARY|sdk/account|melder_client;$<LINK_ONLY:PkgConfig::SIGNAL>|send_logic.cpp
melder-server|EXECUTABLE|apps/melder-server|melder_server_link|
melder-admin|EXECUTABLE|apps/melder-admin|melder_client|
melder|EXECUTABLE|apps/melder|melder_sdk|
some_tests|EXECUTABLE|tests/core|melder_core|ids_test.cpp;../vectors/vectors.cpp
"""
BAD_LINKS = [
    (build_checks.forbidden_links, "the server links libsignal", "|melder_server_link|", "|melder_server_link;melder_sdk|"),
    (build_checks.forbidden_links, "the server reaches libsignal through a private link",
     "server/link|melder_core|", "server/link|melder_core;$<LINK_ONLY:PkgConfig::SIGNAL>|"),
    (build_checks.forbidden_links, "the admin's tool links the server", "apps/melder-admin|melder_client|",
     "apps/melder-admin|melder_client;melder_server_link|"),
    (build_checks.forbidden_links, "the SDK links RocksDB", "|melder_client;", "|melder_client;RocksDB::rocksdb-shared;"),
    (build_checks.forbidden_links, "a target is gone", "melder-admin|EXECUTABLE", "melder_admin|EXECUTABLE"),
    (build_checks.link_direction, "core links the client", "core|OpenSSL::Crypto|", "core|melder_client|"),
    (build_checks.link_direction, "the client links the server", "client|melder_core|", "client|melder_server_link|"),
]

NEEDED = " 0x01 (NEEDED) Shared library: [{}]\n"


class Teeth(unittest.TestCase):
    def test_a_good_tree_has_no_findings(self):
        for check in tree_checks.CHECKS:
            self.assertEqual(findings_of(check), [], check.__name__)

    def test_every_check_of_the_tree_finds_what_breaks_its_rule(self):
        for check, what, files in BAD_TREES:
            with self.subTest(what):
                self.assertNotEqual(findings_of(check, files=files), [])
        self.assertEqual({check for check, _, _ in BAD_TREES}, set(tree_checks.CHECKS), "a check without a bad tree")

    def test_every_check_of_the_links_finds_what_breaks_its_rule(self):
        good = build_checks.LinkGraph(GOOD_LINKS)
        for check, what, old, new in BAD_LINKS:
            with self.subTest(what):
                self.assertEqual(check(good), [])
                self.assertIn(old, GOOD_LINKS)
                self.assertNotEqual(check(build_checks.LinkGraph(GOOD_LINKS.replace(old, new))), [])

    def test_a_source_that_no_target_compiles_is_found(self):
        orphans = lambda links: findings_of(lambda tree: build_checks.orphaned_sources(tree, build_checks.LinkGraph(links)))
        self.assertEqual(orphans(GOOD_LINKS), [])
        self.assertNotEqual(orphans(GOOD_LINKS.replace("link.cpp", "")), [])
        self.assertNotEqual(orphans(GOOD_LINKS.replace(";../vectors/vectors.cpp", "")), [])

    def test_a_binary_is_judged_by_its_libraries_and_symbols(self):
        own = "0 T _ZN6melder6server4stopEv\n"
        judge = lambda needed, symbols: build_checks.judge_binary("melder-server", NEEDED.format(needed), symbols)
        self.assertEqual(judge("libssl.so.3", own), [])
        self.assertNotEqual(judge("libsignal-protocol-c.so.2", own), [])
        self.assertNotEqual(judge("libsqlite3.so.0", own), [])
        self.assertNotEqual(judge("libssl.so.3", own + "0 T _ZN6melder3sdk4openEv\n"), [])
        self.assertNotEqual(judge("libssl.so.3", own + "0 T _ZN6melder6client4openEv\n"), [])
        self.assertNotEqual(judge("libssl.so.3", ""), [])

    def test_a_binary_that_was_not_built_is_a_finding(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(len(build_checks.binaries(folder)), len(build_checks.BINARIES))


if __name__ == "__main__":
    unittest.main()
