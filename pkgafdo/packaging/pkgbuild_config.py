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
_COPIES: Final = frozenset({"cp", "install"})
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
    if name == "merge_config.sh" or any(_is_config(text) for text in call.outputs):
        return True
    files = [word.text for word in call.words if not word.text.startswith("-")]
    return name in _COPIES and _is_config(files[-1] if len(files) > 1 else "")


def _is_config(text: str) -> bool:
    name = text.strip("\"'")
    return f"/{name}".endswith("/.config")


def enabled_options(call: Call) -> tuple[str, ...]:
    """Return the options that a call of scripts/config switches on, without CONFIG_."""
    if call.name.rpartition("/")[2] != "config":
        return ()
    words = [word.literal or "" for word in call.words]
    pairs = itertools.pairwise(words)
    return tuple(name.removeprefix("CONFIG_") for word, name in pairs if word in _ENABLE)
