"""Kbuild's make as commands: tree, object folder, toolchain, a clean environment, the profile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.artifacts import Toolchain

BUILD_NAME: Final = "pkgafdo"
"""User and host written into the kernel's banner, so that two machines build the same bytes."""


NOT_KNOWN: Final = "‹source.timestamp›"
"""Stands in a plan for the time of a source that is not here yet."""
SAME_FOLDER: Final = "-fdebug-compilation-dir=."
"""Keeps the object folder out of the bitcode. ThinLTO names functions that it makes visible
foo.llvm.HASH, after the bitcode's digest: Propeller's lists hold such names, and fit the next build
only if it has the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Kbuild:
    """One build: the tree, its object folder, the toolchain and what makes it reproducible.

    timestamp (seconds since 1970) stands in the banner and in the packages, and is None in a plan
    that does not know it yet; jobs is make's -j.
    """

    tree: Path
    objects: Path
    toolchain: Toolchain
    jobs: int
    timestamp: int | None


def build_environment(kbuild: Kbuild) -> dict[str, str]:
    """Return what the build's environment holds beside the runner's minimal one."""
    return {
        "KBUILD_BUILD_HOST": BUILD_NAME,
        "KBUILD_BUILD_TIMESTAMP": _date(kbuild.timestamp),
        "KBUILD_BUILD_USER": BUILD_NAME,
        "LC_ALL": "C",
        # Set, though empty, it keeps setlocalversion from adding a “+” to a git tree's release.
        "LOCALVERSION": "",
        "SOURCE_DATE_EPOCH": NOT_KNOWN if kbuild.timestamp is None else str(kbuild.timestamp),
    }


def _date(timestamp: int | None) -> str:
    """Return a time in the form that `date` prints and reads: the initramfs generator parses it."""
    if timestamp is None:
        return NOT_KNOWN
    return datetime.fromtimestamp(timestamp, tz=UTC).strftime("%a %b %d %H:%M:%S UTC %Y")


def make_command(
    kbuild: Kbuild,
    *targets: str,
    variables: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    log: str | None = None,
) -> Command:
    """Return `make` for targets of the tree, out of tree, as the build user."""
    settings = {"LLVM": kbuild.toolchain.make_value, **(variables or {})}
    return Command(
        argv=(
            "make",
            *("-C", str(kbuild.tree)),
            f"O={kbuild.objects}",
            f"-j{kbuild.jobs}",
            *(f"{name}={value}" for name, value in settings.items()),
            *targets,
        ),
        cwd=kbuild.objects,
        env=build_environment(kbuild) | dict(env or {}),
        stdin=stdin,
        run_as=RunAs.BUILDER,
        log=log,
    )


def profile_file(folder: Path, sha256: str) -> Path:
    """Return the name under which a build reads a profile: with the digest in it.

    Kbuild recompiles when the text of a flag changes, not when the file behind it does.
    """
    return folder / f"kernel-{sha256[:16]}.afdo"


def layout_prefix(folder: Path, sha256: str) -> Path:
    """Return the prefix under which a build reads Propeller's lists: with their digest in it."""
    return folder / f"propeller-{sha256[:16]}"


def code_variables(toolchain: Toolchain, lto: str, options: tuple[str, ...]) -> dict[str, str]:
    """Return the make variables that all code is compiled with, LLVM options among them.

    With ThinLTO the linker generates the code, whose flags Kbuild builds up itself: the options go
    into LD. Without LTO it is clang.
    """
    flags = [SAME_FOLDER]
    if lto == "none":
        flags += [f"-mllvm {option}" for option in options]
    variables = {"KCFLAGS": " ".join(flags)}
    if options and lto != "none":
        linker = toolchain.tools["ld.lld"]
        variables["LD"] = " ".join([linker, *(f"--mllvm={option}" for option in options)])
    return variables


def profile_variables(profile: Path | None, layout: Path | None = None) -> dict[str, str]:
    """Return the make variables that hand a profile and the prefix of a layout to clang."""
    given = {"CLANG_AUTOFDO_PROFILE": profile, "CLANG_PROPELLER_PROFILE_PREFIX": layout}
    for path in given.values():
        if path is not None and not path.is_absolute():
            raise ArtifactError(
                f"the profile's path must be absolute: {path}",
                details="make changes into the object folder, where a relative path names nothing.",
            )
    return {name: str(path) for name, path in given.items() if path is not None}
