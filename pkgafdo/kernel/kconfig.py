"""The kernel's configuration as text: the options we want, our fragment, parsing and merging."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.kernel.settings import Lto

LTO_OPTIONS: Final[Mapping[str, str]] = {
    "none": "LTO_NONE",
    "full": "LTO_CLANG_FULL",
    "thin": "LTO_CLANG_THIN",
    "thin-dist": "LTO_CLANG_THIN_DIST",
}
SALT_BASELINE: Final = "pkgafdo:baseline"
ADDRESS_MAP: Final = "address-map"
"""Stands in the salt in place of a layout's digest. ThinLTO names functions after the digest of the
bitcode, which holds offsets behind autoconf.h: that file must have one length in the two kernels
that Propeller compares. So salt and localversion are as long together in one as in the other."""

_LINE: Final = re.compile(r"^(?:CONFIG_(\w+)=(.*)|# CONFIG_(\w+) is not set)$")
_KEY_FILES: Final = ("SYSTEM_TRUSTED_KEYS", "SYSTEM_REVOCATION_KEYS")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One option that must have a value; file is the Kconfig file that defines it."""

    option: str
    value: str
    why: str
    file: str = "arch/Kconfig"


RECORDERS: Final[Mapping[str, Wanted]] = {
    "AMD BRS": Wanted(
        option="PERF_EVENTS_AMD_BRS",
        value="y",
        why="perf records the branches of this processor through it",
        file="arch/x86/events/Kconfig",
    ),
}
"""What a kernel needs to be recorded with a facility; the other facilities need no option."""


def salt(profile_sha256: str | None, layout: str = "") -> str:
    """Return what CONFIG_BUILD_SALT says of a kernel: which profile and which layout built it.

    layout is the digest of a layout, or ADDRESS_MAP for a kernel from which one is to be made.
    """
    if profile_sha256 is None:
        return SALT_BASELINE
    behind = f":propeller:{layout[:16]}" if layout else ""
    return f"pkgafdo:autofdo:{profile_sha256[:16]}{behind}"


def wanted_options(
    *,
    lto: Lto,
    localversion: str,
    profile_sha256: str | None,
    layout: str = "",
    recorder: str = "",
) -> tuple[Wanted, ...]:
    """Return every option that pkgafdo sets and later insists on.

    With a layout (its digest) the kernel's blocks lie so, with ADDRESS_MAP it gets an address map.
    With a recorder (a key of RECORDERS) it can be recorded by that.
    """
    quoted_salt = f'"{salt(profile_sha256, layout)}"'
    return (
        *(
            [Wanted(option="PROPELLER_CLANG", value="y", why="Propeller lays out the blocks")]
            if layout
            else []
        ),
        *([RECORDERS[recorder]] if recorder else []),
        Wanted(option="AUTOFDO_CLANG", value="y", why="clang gets the profile through it"),
        Wanted(option=LTO_OPTIONS[lto], value="y", why=f"link time optimization “{lto}”"),
        Wanted(
            option="LOCALVERSION",
            value=f'"{localversion}"',
            why="the kernel is installed beside others by its release",
            file="init/Kconfig",
        ),
        Wanted(
            option="LOCALVERSION_AUTO",
            value="n",
            why="the release must not depend on the state of a git tree",
            file="init/Kconfig",
        ),
        Wanted(
            option="BUILD_SALT",
            value=quoted_salt,
            why="the kernel itself says which profile built it",
            file="init/Kconfig",
        ),
        Wanted(
            option="MODULES",
            value="y",
            why="packages of a kernel without modules have no headers",
            file="kernel/module/Kconfig",
        ),
    )


def fragment(wanted: tuple[Wanted, ...]) -> str:
    """Return the configuration fragment that sets the wanted options.

    The other members of the LTO choice are switched off, so that the last word is unambiguous.
    """
    options = {item.option for item in wanted}
    lines = [_assignment(item.option, item.value) for item in wanted]
    if options & set(LTO_OPTIONS.values()):
        others = [name for name in LTO_OPTIONS.values() if name not in options]
        lines = [*(_assignment(name, "n") for name in others), *lines]
    return "\n".join(lines) + "\n"


def _assignment(option: str, value: str) -> str:
    return f"# CONFIG_{option} is not set" if value == "n" else f"CONFIG_{option}={value}"


def parse_config(text: str) -> dict[str, str]:
    """Return the options of a .config or fragment, without CONFIG_; strings keep their quotes.

    An option that is not set has the value `n`; one that is absent does not occur.
    """
    options: dict[str, str] = {}
    for line in text.splitlines():
        if match := _LINE.match(line.rstrip()):
            options[match[1] or match[3]] = match[2] if match[1] else "n"
    return options


def merge(base: str, *fragments: str) -> str:
    """Return a base configuration with fragments laid over it, in order; the last word wins."""
    overlay: dict[str, str] = {}
    for text in fragments:
        overlay |= parse_config(text)
    kept = [line for line in base.splitlines() if _option(line) not in overlay]
    return "\n".join([*kept, *(_assignment(*item) for item in overlay.items())]) + "\n"


def _option(line: str) -> str | None:
    match = _LINE.match(line.rstrip())
    return (match[1] or match[3]) if match else None


def without_foreign_keys(config: str, source: Path) -> tuple[str, tuple[str, ...]]:
    """Empty the options that name certificates which this tree does not have.

    A distribution's configuration names files of its own packaging, and the build stops without
    them. Returns the configuration and the options that were emptied.
    """
    options = parse_config(config)
    foreign = [
        name
        for name in _KEY_FILES
        if (value := options.get(name, "").strip('"')) and not (source / value).is_file()
    ]
    return merge(config, "".join(f'CONFIG_{name}=""\n' for name in foreign)), tuple(foreign)
