"""What a kernel source tree can do, asked of its files and never of its version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError

if TYPE_CHECKING:
    from pathlib import Path

LTO_MODES: Final = {
    "CONFIG_LTO_CLANG_FULL": "full",
    "CONFIG_LTO_CLANG_THIN": "thin",
    "CONFIG_LTO_CLANG_THIN_DIST": "thin-dist",
}
"""The Kconfig option of each kind of link time optimization (arch/Kconfig)."""

_VERSION_LINE: Final = re.compile(
    r"^(VERSION|PATCHLEVEL|SUBLEVEL|EXTRAVERSION)[ \t]*=[ \t]*(\S*)", re.MULTILINE
)
_CONDITION: Final = re.compile(r"\s*(ifdef|ifndef|ifeq|ifneq|else|endif)\b(.*)")
_LTO_OPTION: Final = re.compile(r"\bCONFIG_LTO_CLANG(?:_FULL|_THIN_DIST|_THIN)?\b")
_ALL_MODES: Final = frozenset(LTO_MODES.values())
_DIRT: Final = (".config", "include/config", "include/generated/autoconf.h")


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeFacts:
    """What was found in a tree.

    lto_with_profile: the LTO modes whose linking is handed the profile. dirty: traces of a build
    inside the tree, relative to it.
    """

    path: Path
    version: str
    has_pacman_pkg: bool
    has_autofdo: bool
    has_propeller: bool
    makes_extrapackages: bool
    makes_debug: bool
    lto_with_profile: frozenset[str]
    dirty: tuple[str, ...]


def _read(path: Path) -> str:
    """Return a file's text, or nothing where there is no such file."""
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def parse_version(makefile: str) -> str | None:
    """Return the version that a kernel's top Makefile states, or None when it states none."""
    parts = dict(reversed(_VERSION_LINE.findall(makefile)))  # the first definition wins
    if not parts.get("VERSION") or not parts.get("PATCHLEVEL"):
        return None
    sublevel = f".{parts['SUBLEVEL']}" if parts.get("SUBLEVEL") else ""
    return f"{parts['VERSION']}.{parts['PATCHLEVEL']}{sublevel}{parts.get('EXTRAVERSION', '')}"


def lto_with_profile(makefile: str) -> frozenset[str]:
    """Return the LTO modes under which Makefile.autofdo passes the profile to the linker.

    Follows the nesting of make's conditionals around `--lto-sample-profile`.
    """
    stack: list[frozenset[str]] = []
    found: frozenset[str] = frozenset()
    for line in makefile.splitlines():
        if match := _CONDITION.match(line):
            _follow(stack, match[1], match[2])
        elif "--lto-sample-profile" in line and not line.lstrip().startswith("#"):
            found |= _ALL_MODES.intersection(*stack)
    return found


def _follow(stack: list[frozenset[str]], keyword: str, condition: str) -> None:
    """Enter, invert or leave one conditional; the stack holds the modes that each lets through."""
    left = stack.pop() if keyword in {"else", "endif"} and stack else _ALL_MODES
    if keyword == "endif":
        return
    modes = _modes_in(condition)
    # `ifeq ($(OPTION),)` asks for an option that is not set, as `ifndef` does.
    unset = keyword == "ifndef" or (keyword == "ifeq" and condition.rstrip().endswith(",)"))
    if keyword == "else" and not _LTO_OPTION.search(condition):
        modes, unset = left, True
    stack.append((_ALL_MODES - modes or _ALL_MODES) if unset else modes)


def _modes_in(condition: str) -> frozenset[str]:
    """Return the LTO modes that a condition names; all when it speaks of something else."""
    names = set(_LTO_OPTION.findall(condition))
    return frozenset(LTO_MODES[name] for name in names & LTO_MODES.keys()) or _ALL_MODES


def inspect(path: Path) -> TreeFacts:
    """Read what a tree can do; raises ArtifactError when it is no kernel tree."""
    version = parse_version(_read(path / "Makefile"))
    if version is None or not (path / "Kconfig").is_file():
        raise ArtifactError(
            f"{path} is not a Linux kernel source tree",
            details=_absence(path),
            hint="Name the folder whose Makefile sets VERSION and PATCHLEVEL.",
        )
    pkgbuild = _read(path / "scripts/package/PKGBUILD")
    arch_kconfig = _read(path / "arch/Kconfig")
    autofdo = _read(path / "scripts/Makefile.autofdo")
    return TreeFacts(
        path=path,
        version=version,
        has_pacman_pkg=bool(pkgbuild) and "pacman-pkg" in _read(path / "scripts/Makefile.package"),
        has_autofdo=bool(autofdo) and _defines(arch_kconfig, "AUTOFDO_CLANG"),
        has_propeller=_defines(arch_kconfig, "PROPELLER_CLANG"),
        makes_extrapackages="PACMAN_EXTRAPACKAGES" in pkgbuild,
        makes_debug="_package-debug" in pkgbuild,
        lto_with_profile=lto_with_profile(autofdo),
        dirty=tuple(name for name in _DIRT if (path / name).exists()),
    )


def _absence(path: Path) -> str:
    if not path.is_dir():
        return f"There is no folder {path}."
    lacking = [name for name in ("Makefile", "Kconfig") if not (path / name).is_file()]
    if lacking:
        return f"It has no {' and no '.join(lacking)}."
    return "Its Makefile sets no VERSION and PATCHLEVEL."


def _defines(kconfig: str, option: str) -> bool:
    return re.search(rf"^config {option}$", kconfig, re.MULTILINE) is not None


def kconfig_entry(tree: Path, file: str, option: str) -> tuple[str, ...]:
    """Return the `depends on` lines that a tree's Kconfig file gives an option, as evidence."""
    entry = re.search(
        rf"^config {option}\n((?:[ \t].*\n|\n)*)", _read(tree / file) + "\n", re.MULTILINE
    )
    lines = entry[1].splitlines() if entry else []
    return tuple(line.strip() for line in lines if line.strip().startswith("depends on "))


def require_propeller(facts: TreeFacts) -> None:
    """Raise ArtifactError when a tree cannot have its blocks laid out by Propeller."""
    if not facts.has_propeller:
        raise ArtifactError(
            f"Linux {facts.version} in {facts.path} has no CONFIG_PROPELLER_CLANG",
            details="Looked for `config PROPELLER_CLANG` in arch/Kconfig.",
            hint="Take mainline 6.13 or newer, or run without Propeller (propeller.enable=false).",
        )


def require_buildable(facts: TreeFacts) -> None:
    """Raise ArtifactError unless profile-optimised pacman packages can be made of this tree."""
    if not facts.has_autofdo:
        raise ArtifactError(
            f"Linux {facts.version} in {facts.path} has no CONFIG_AUTOFDO_CLANG",
            details="Looked for `config AUTOFDO_CLANG` in arch/Kconfig and for "
            "scripts/Makefile.autofdo: clang would never be given the profile.",
            hint="Take mainline 6.13 or newer, or CachyOS's branch 6.12/base-autofdo.",
        )
    if not facts.has_pacman_pkg:
        raise ArtifactError(
            f"Linux {facts.version} in {facts.path} cannot make pacman packages",
            details="scripts/Makefile.package has no pacman-pkg target, or "
            "scripts/package/PKGBUILD is missing.",
            hint="Take Linux 6.11 or newer, which has `make pacman-pkg`.",
        )
    if facts.dirty:
        raise ArtifactError(
            f"{facts.path} has been built in, so it cannot be built out of tree",
            details=f"Found {', '.join(facts.dirty)}; Kbuild refuses such a tree.",
            hint=f"Save your .config, then clean it: make -C {facts.path} mrproper",
        )
