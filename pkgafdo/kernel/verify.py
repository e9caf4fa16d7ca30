"""Did clang really use the profile? Kbuild's recorded commands tell."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import findings
from pkgafdo.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

_AUTOFDO_FLAG: Final = "-fdebug-info-for-profiling"
"""On every command that CONFIG_AUTOFDO_CLANG reaches; files that opt out lack it."""
_COMPILE: Final = "-fprofile-sample-use="
_LINK: Final = "--lto-sample-profile="
_THINLTO: Final = "-plugin-opt=thinlto"
_BLOCK_LIST: Final = "-fbasic-block-sections=list="
_LINK_BLOCK_LIST: Final = "--lto-basic-block-sections="


def recorded_commands(objects: Path) -> Iterator[tuple[str, str]]:
    """Yield each object's name and the command that Kbuild recorded for it (`.NAME.o.cmd`)."""
    for folder, _, names in os.walk(objects):
        for name in names:
            if name.startswith(".") and name.endswith(".o.cmd"):
                path = Path(folder, name)
                # The first line is the command; the rest lists a thousand dependencies.
                with path.open(encoding="utf-8", errors="replace") as stream:
                    line = stream.readline()
                yield str(path.relative_to(objects)), line.partition(":=")[2]


def profile_of(command: str, option: str) -> str:
    """Return the profile that a recorded command passes with an option; empty when none."""
    for word in command.split():
        if word.startswith(option):
            return word.removeprefix(option)
    return ""


def verify_objects(objects: Path, profile: Path | None) -> tuple[Finding, ...]:
    """Check the commands of an object folder: with this profile, or without any when None.

    Raises ArtifactError when the folder holds no commands of an AutoFDO build.
    """
    compiled: Counter[str] = Counter()
    linked: Counter[str] = Counter()
    for _, command in recorded_commands(objects):
        if _THINLTO in command:
            linked[profile_of(command, _LINK)] += 1
        elif _AUTOFDO_FLAG in command:
            compiled[profile_of(command, _COMPILE)] += 1
    if not compiled:
        raise ArtifactError(
            f"{objects} holds no objects of an AutoFDO build",
            details=f"No recorded command (.*.o.cmd) has {_AUTOFDO_FLAG}.",
            hint="Name the object folder (make's O=) of a kernel with CONFIG_AUTOFDO_CLANG.",
        )
    wanted = str(profile) if profile else ""
    checks = [_judge("compile commands", compiled, wanted, _COMPILE)]
    if linked:
        checks.append(_judge("ThinLTO link commands", linked, wanted, _LINK))
    return tuple(checks)


def _judge(name: str, counts: Counter[str], wanted: str, option: str) -> Finding:
    """Return the finding: every command names the wanted profile, and no other."""
    total = counts.total()
    right = counts[wanted]
    others = ", ".join(f"{path or 'no profile'} ({count})" for path, count in counts.items())
    return Finding(
        name=name,
        ok=0 < right == total,
        wanted=f"{option}{wanted}" if wanted else f"no {option}",
        got=f"{right} of {total}",
        why=f"Kbuild recorded: {others}.",
    )


def verify_layout(objects: Path, layout: Path) -> tuple[Finding, ...]:
    """Check that every command with basic block sections names this layout's list of clusters.

    Files that opt out (PROPELLER_PROFILE := n) have no such option; no ThinLTO link opts out.
    """
    wanted = f"{layout}_cc_profile.txt"
    compiled: Counter[str] = Counter()
    linked: Counter[str] = Counter()
    for _, command in recorded_commands(objects):
        if _THINLTO in command:
            linked[profile_of(command, _LINK_BLOCK_LIST)] += 1
        elif _BLOCK_LIST in command:
            compiled[profile_of(command, _BLOCK_LIST)] += 1
    checks = [_judge("compile commands with clusters", compiled, wanted, _BLOCK_LIST)]
    if linked:
        checks.append(_judge("ThinLTO links with clusters", linked, wanted, _LINK_BLOCK_LIST))
    return tuple(checks)


def require_guided(
    objects: Path, profile: Path | None, layout: Path | None = None
) -> tuple[Finding, ...]:
    """Return the findings; raises ArtifactError when any object was built otherwise.

    A kernel without a profile has nothing to be checked.
    """
    if profile is None:
        return ()
    found = verify_objects(objects, profile)
    if layout:
        found += verify_layout(objects, layout)
    wrong = findings.failed(found)
    if wrong:
        raise ArtifactError(
            f"the kernel in {objects} was not wholly built with {(layout or profile).name}",
            details="\n".join(findings.describe(finding) for finding in wrong),
            hint="Remove the object folder and rebuild.",
        )
    return found
