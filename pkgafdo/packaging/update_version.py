"""Setting another kernel version in a PKGBUILD, however its pkgver is put together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ConfigError
from pkgafdo.packaging.adapt_wish import refuse
from pkgafdo.packaging.bash_edit import Edit, replace

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.packaging.bash_script import Assignment, Place, Script

TAG_RELEASE: Final = "_tagrel"
"""What linux-cachyos calls the number of its tag; each version's tags begin with 1."""

_VERSION: Final = re.compile(
    r"[0-9]+(\.[0-9]+){1,3}(([.-]?rc|[.-]arch|[.-]zen|[.-]hardened)[0-9]+)?"
)
_KERNEL: Final = re.compile(r"[0-9]+(\.[0-9]+){1,3}(rc[0-9]+)?")
_SUFFIXED: Final = re.compile(r"[0-9]+(?:\.[0-9]+)*([._][a-z]+)[0-9]+")
_PART: Final = re.compile(
    r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$([A-Za-z_][A-Za-z0-9_]*)|([A-Za-z0-9._+]+)"
)


def check_version(version: str) -> str:
    """Return a kernel's version as pacman may have it; raises ConfigError for anything else."""
    if not _VERSION.fullmatch(version):
        raise ConfigError(
            f"{version!r} is no version of the kernel",
            hint="Examples: 6.18.54, 7.3rc2, 7.2.5.arch1",
        )
    return version.replace("-rc", "rc").replace("-", ".")


def plan_version(script: Script, version: str) -> list[Edit]:
    """Return the edits that make pkgver a version, in the spelling that the PKGBUILD has.

    Raises ArtifactError, with the line, where pkgver is not made of simple texts.
    """
    function = script.function("pkgver")
    if function is not None:
        refuse(function.place.line, "pkgver() computes the version", "Change what it is made of.")
    assignment = require_simple(script, "pkgver")
    if assignment.literal is not None:
        new = _like(assignment.literal, version)
        return _set(assignment, new)
    return _plan_parts(script, assignment, version)


def plan_release(script: Script, release: int) -> list[Edit]:
    """Return the edits that set pkgrel."""
    return _set(_require_literal(script, "pkgrel"), str(release))


def plan_tag(script: Script) -> list[Edit]:
    """Return the edits that let the tag's number begin anew, where there is one."""
    if not script.assigned(TAG_RELEASE):
        return []
    return _set(_require_literal(script, TAG_RELEASE), "1")


def release_of(script: Script) -> int:
    """Return pkgrel; refuse where it is no number."""
    assignment = _require_literal(script, "pkgrel")
    text = assignment.literal or ""
    if not text.isdecimal():
        refuse(assignment.place.line, f"pkgrel is “{text}”", "Set it to a number.")
    return int(text)


def require_simple(script: Script, name: str) -> Assignment:
    """Return the one assignment of a variable; refuse where there are others or none."""
    found = script.assigned(name)
    if len(found) != 1 or found[0].nested or found[0].is_array:
        refuse(found[0].place.line if found else 0, f"{name} is not set once and plainly",
               "Set it yourself; `pkgafdo pkgbuild check` says whether all fits.")  # fmt: skip
    return found[0]


def _require_literal(script: Script, name: str) -> Assignment:
    assignment = require_simple(script, name)
    if assignment.literal is None:
        refuse(assignment.place.line, f"{name} is not a plain text", "Set it yourself.")
    return assignment


def _set(assignment: Assignment, value: str) -> list[Edit]:
    if assignment.literal == value:
        return []
    return [replace(assignment.value, value, f"{assignment.name}: {assignment.literal} → {value}")]


def _like(old: str, version: str) -> str:
    """Return a version with the suffix that the old one has, such as .arch1."""
    suffix = _SUFFIXED.fullmatch(old)
    if suffix and _KERNEL.fullmatch(version) and "rc" not in version:
        return version if suffix[1].endswith("rc") else f"{version}{suffix[1]}1"
    return version


def _plan_parts(script: Script, assignment: Assignment, version: str) -> list[Edit]:
    """Return the edits of the variables that pkgver is made of."""
    text = assignment.words[0].text.replace('"', "") if assignment.words else ""
    parts = list(_PART.finditer(text))
    if "".join(part[0] for part in parts) != text:
        refuse(assignment.place.line, f"pkgver is {text}, which is not understood",
               "Set its parts yourself.")  # fmt: skip
    variables = [_require_literal(script, part[1] or part[2]) for part in parts if not part[3]]
    if len({one.name for one in variables}) != len(variables):
        refuse(assignment.place.line, f"pkgver is {text}, with a part twice",
               "Set its parts yourself.")  # fmt: skip
    pattern = "".join(
        re.escape(part[3]) if part[3] else f"({_shape(script, part[1] or part[2])})"
        for part in parts
    )
    matches = (re.fullmatch(pattern, candidate) for candidate in _spellings(version))
    match = next((one for one in matches if one), None)
    if match is None:
        refuse(assignment.place.line, f"pkgver is {text}, which cannot become {version}",
               "Set its parts yourself.")  # fmt: skip
    values = zip(variables, match.groups(), strict=True)
    return [edit for variable, value in values for edit in _set(variable, value)]


def _shape(script: Script, name: str) -> str:
    """Return a pattern for values like the one that a variable has: 7.2 is like 8.13, not like 8."""
    value = _require_literal(script, name).literal or ""
    return re.sub(r"\d+", r"\\d+", re.escape(value))


def _spellings(version: str) -> Iterator[str]:
    """Yield the spellings of a version that PKGBUILDs have: 7.3, 7.3.0; 7.3rc1, 7.3.rc1."""
    yield version
    yield f"{version}.0"
    for separator in "._":
        yield re.sub(r"(?<=\d)rc", f"{separator}rc", version)


def plan_sources(script: Script, old: str, new: str) -> list[Edit]:
    """Return the edits where a source, or a name that it has, spells the version out."""
    edits: list[Edit] = []
    for before, after in _pairs(old, new):
        pattern = re.compile(rf"(?<![0-9.]){re.escape(before)}(?![0-9]|\.[0-9])")
        for place in _spelled(script):
            text = script.text(place)
            changed = _folder(pattern.sub(after, text), old, new) if pattern.search(text) else text
            if changed != text and all(edit.start != place.start for edit in edits):
                edits.append(replace(place, changed, f"a source of {old} → {new}"))
    return edits


def _pairs(old: str, new: str) -> Iterator[tuple[str, str]]:
    """Yield both versions in the kernel's spelling and in pacman's, the longer one first."""
    kernels = [re.sub(r"(?<=\d)rc", "-rc", version) for version in (old, new)]
    yield kernels[0], kernels[1]
    yield old, new


def _spelled(script: Script) -> Iterator[Place]:
    """Yield where versions may be spelled out: words of sources, and texts that begin with _."""
    for one in script.assignments:
        if one.function or one.nested:
            continue
        if one.name == "source" or one.name.startswith("source_"):
            yield from (word.place for word in one.words)
        elif one.name.startswith("_") and one.literal:
            yield one.value


def _folder(text: str, old: str, new: str) -> str:
    """Return a URL of kernel.org with the folder of the new version."""
    major, other = (version.partition(".")[0] for version in (old, new))
    return text.replace(f"/v{major}.x/", f"/v{other}.x/")
