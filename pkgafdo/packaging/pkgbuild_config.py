"""What commands do to .config: those that write it anew, settle it, or set options in it."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.packaging.bash_script import Call

STEPS: Final = ("prepare", "build")
"""The functions that configure and compile, in the order that makepkg calls them."""

_SETTLES: Final = re.compile(r"(old|olddef|localmod|localyes)?config|prepare|syncconfig")
_RESETS: Final = re.compile(
    r"mrproper|distclean|(def|alldef|allyes|allmod|allno|rand|tiny|[a-z0-9_]+_def)config"
)
_COPIES: Final = frozenset({"cp", "install", "mv"})
_APPENDS: Final = frozenset({"-a", "--append"})
_TO_FOLDER: Final = re.compile(r"--target-directory|-[^-gmoSt]*t")
"""The option of cp, install and mv that names the folder: all other files are sources."""
_HERE: Final = frozenset({".config", "./.config"})
"""The .config of the tree: prepare() and build() work in it."""
_ENABLE: Final = frozenset({"-e", "--enable"})


def moment(call: Call) -> tuple[int, int]:
    """Return when a command of prepare() or build() runs, to be compared with others."""
    return STEPS.index(call.function), call.place.start


def settles(targets: Iterable[str]) -> bool:
    """Tell whether make's targets let Kconfig complete the .config that is there, without asking."""
    return any(_SETTLES.fullmatch(one) for one in targets)


def resets(targets: Iterable[str]) -> bool:
    """Tell whether make's targets drop the .config that is there."""
    return any(_RESETS.fullmatch(one) for one in targets)


def writes_config(call: Call) -> bool:
    """Tell whether a command puts another file in the place of .config."""
    name = call.name.rpartition("/")[2]
    words = [word.text.strip("\"'") for word in call.words]
    files = [word for word in words if not word.startswith("-")]
    into = [one.strip("\"'") for one in call.outputs]
    if name == "merge_config.sh":
        return not _merges_into_config(words)
    if name == "tee" and _APPENDS.isdisjoint(words):
        into += _HERE.intersection(files)
    if not _HERE.isdisjoint(into):
        return True  # emptied before the command can read it
    if name in _COPIES and len(files) > 1 and not any(_TO_FOLDER.match(word) for word in words):
        into.append(files.pop())
    return any(map(_is_config, into)) and not any(_is_from_config(name, one) for one in files)


def _is_from_config(command: str, name: str) -> bool:
    """Tell whether a file is the .config that is there, or was made of it to be moved back."""
    return name in _HERE or (command == "mv" and name.removeprefix("./").startswith(".config."))


def _merges_into_config(words: Iterable[str]) -> bool:
    """Tell whether merge_config.sh begins with the .config that is there: its options stay."""
    left = list(words)
    while left and left[0].startswith("-"):
        left = left[2 if left[0] == "-O" else 1 :]
    return bool(left) and left[0] in _HERE


def _is_config(name: str) -> bool:
    return f"/{name}".endswith("/.config")


def enabled_options(call: Call) -> tuple[str, ...]:
    """Return the options that a call of scripts/config switches on, without CONFIG_."""
    if call.name.rpartition("/")[2] != "config":
        return ()
    words = [word.literal or "" for word in call.words]
    pairs = itertools.pairwise(words)
    return tuple(name.removeprefix("CONFIG_") for word, name in pairs if word in _ENABLE)
