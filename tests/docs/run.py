#!/usr/bin/env python3
"""Holds the documents to what they say. run.py text ROOT | commands ROOT FOLDER_OF_BINARIES | errors ROOT BINARY"""

import subprocess
import sys

import documents
from documents import Tree


def main(arguments):
    match arguments:
        case ["text", root]:
            tree = Tree(root)
            if len(documents.documents(tree)) < 5:
                return [f"{root}: hardly any document was found, so nothing was checked"]
            return [finding for check in documents.TEXT_CHECKS for finding in check(tree)]
        case ["commands", root, folder]:
            help_ = documents.Help(folder)
            return documents.commands(Tree(root), help_) + documents.teaching(help_)
        case ["errors", root, binary]:
            return documents.errors(Tree(root), subprocess.run([binary], capture_output=True, check=True).stdout)
    sys.exit(__doc__)


if __name__ == "__main__":
    findings = main(sys.argv[1:])
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings")
    sys.exit(1 if findings else 0)
