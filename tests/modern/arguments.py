"""The command line of scripts/test-modern, read before anything is installed: standard library alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

SUITES: Final = ("bookworm", "trixie", "sid")


def parse_arguments(words: Sequence[str]) -> argparse.Namespace:
    """Return the options of a command line."""
    parser = argparse.ArgumentParser(
        prog="scripts/test-modern",
        description="Runs setup, tests and quick start on another Debian's versions, in a root of its own.",
    )
    parser.add_argument("suite", nargs="?", choices=SUITES, default="sid")
    parser.add_argument("--short", action="store_true", help="only the tests of what differs")
    parser.add_argument(
        "--kernel",
        type=Path,
        metavar="FOLDER",
        help="also record on the kernel of this finished work folder",
    )
    parser.add_argument("--step", action="append", metavar="NAME", help="run only these steps")
    parser.add_argument("--prepare", action="store_true", help="make the root, run nothing in it")
    parser.add_argument("--no-quickstart", action="store_true", help="build no kernels")
    parser.add_argument(
        "--propeller", action="store_true", help="build a third kernel, laid out by Propeller"
    )  # fmt: skip
    parser.add_argument("--fresh", action="store_true", help="make the root anew")
    parser.add_argument("--llvm", type=int, help="this LLVM instead of the suite's newest")
    parser.add_argument("--mirror", help="Debian's mirror, where apt knows none")
    parser.add_argument("--roots", type=Path, help="where roots are kept")
    parser.add_argument("--json", action="store_true", help="print a JSON object, not the table")
    parser.add_argument(
        "--readme", action="store_true", help="put the outcome into docs/tested.json and README.md"
    )  # fmt: skip
    return parser.parse_args(words)


if __name__ == "__main__":
    parse_arguments(sys.argv[1:])
