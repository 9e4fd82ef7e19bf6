#!/usr/bin/env python3
"""Holds the project to its own rules. run.py tree ROOT | links ROOT LINK_GRAPH | binaries FOLDER"""

import pathlib
import sys

import build_checks
import tree_checks
from findings import Tree


def main(arguments):
    match arguments:
        case ["tree", root]:
            tree = Tree(root)
            if len(tree.code()) < 100:
                return [f"{root}: hardly any source was found, so nothing was checked"]
            return [finding for check in tree_checks.CHECKS for finding in check(tree)]
        case ["links", root, file]:
            graph = build_checks.LinkGraph(pathlib.Path(file).read_text())
            return (build_checks.forbidden_links(graph) + build_checks.link_direction(graph) +
                    build_checks.orphaned_sources(Tree(root), graph))
        case ["binaries", folder]:
            return build_checks.binaries(folder)
    sys.exit(__doc__)


if __name__ == "__main__":
    findings = main(sys.argv[1:])
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
