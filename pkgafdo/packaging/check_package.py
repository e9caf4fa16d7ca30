"""What is wrong with a package's outside: sums, versions, its set of packages, .SRCINFO."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pkgafdo.packaging.check_finding import Finding, Severity, finding
from pkgafdo.packaging.pkgbuild_values import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pkgafdo.packaging.bash_script import Script
    from pkgafdo.packaging.pkgbuild_shape import Shape
    from pkgafdo.packaging.pkgbuild_values import Values

SRCINFO: Final = ".SRCINFO"

_VCS: Final = re.compile(r"([^:]*::)?(git|svn|hg|bzr|fossil)(\+|://)")
SIGNATURES: Final = (".sig", ".sign", ".asc")
_PRERELEASE: Final = re.compile(r"[._+]?(rc|pre|alpha|beta)[0-9]*$", re.IGNORECASE)
_WHERE: Final = "Regenerate it: makepkg --printsrcinfo > .SRCINFO"


def source_name(entry: str) -> str:
    """Return the name of the file that an entry of source=() becomes."""
    name, separator, _ = entry.partition("::")
    return name if separator else entry.rpartition("/")[2]


def is_fetched(entry: str) -> bool:
    """Tell whether an entry of source=() comes from elsewhere."""
    return "://" in entry


def needs_sum(entry: str) -> bool:
    """Tell whether a sum says something about an entry: not for clones, nor for signatures."""
    return not _VCS.match(entry) and not entry.endswith(SIGNATURES)


def check_sums(script: Script, values: Values) -> Iterator[Finding]:
    """Find sources without a checksum; each source array needs one kind, which need not be others'."""
    for suffix in values.suffixes():
        source = f"source{suffix}"
        kinds = [f"{kind}{suffix}" for kind in KINDS if values.array(f"{kind}{suffix}")]
        if values.array(source) and not kinds:
            yield finding(
                "sums-missing", Severity.ERROR, _line(script, source),
                f"{source} has no checksums: makepkg stops", "updpkgsums writes them.",
            )  # fmt: skip
        for kind in kinds:
            yield from _check_array(script, values, source, kind)


def _check_array(script: Script, values: Values, source: str, kind: str) -> Iterator[Finding]:
    entries, sums = values.array(source), values.array(kind)
    line = _line(script, kind)
    if len(entries) != len(sums):
        yield finding(
            "sums-count", Severity.ERROR, line,
            f"{kind} has {len(sums)} entries and {source} {len(entries)}: makepkg stops",
            "updpkgsums writes them.",
        )  # fmt: skip
        return
    for entry, digest in zip(entries, sums, strict=True):
        if digest == "SKIP" and needs_sum(entry):
            yield finding(
                "sums-skip", Severity.WARNING, line,
                f"{source_name(entry)} has no checksum (SKIP)", "updpkgsums writes it.",
            )  # fmt: skip


def check_version(
    script: Script, values: Values, compare: Callable[[str, str], int] | None
) -> Iterator[Finding]:
    """Find a release candidate that pacman takes for newer than its release."""
    version = values.scalar("pkgver")
    release = _PRERELEASE.sub("", version)
    if release == version or compare is None:
        return
    if compare(version, release) > 0:
        # Some give x.y.0 to what kernel.org calls x.y; that at least is newer.
        worst = compare(version, f"{release}.0") > 0
        yield finding(
            "pkgver-sorts-wrongly", Severity.ERROR if worst else Severity.WARNING,
            _line(script, "pkgver"),
            f"pacman takes {version} for newer than {release}, its release"
            + ("" if worst else f" (not than {release}.0)"),
            f"Write {release}{version.removeprefix(release).lstrip('._+')}.",
        )  # fmt: skip


def check_api_headers(shape: Shape) -> Iterator[Finding]:
    """Find a package that replaces the system's own kernel headers."""
    values = shape.values
    clashing = [name for name in values.array("pkgname") if name.endswith("-api-headers")]
    claims = [*values.array("conflicts"), *values.array("provides"), *values.array("replaces")]
    if clashing or any(re.split("[<=>]", one)[0] == "linux-api-headers" for one in claims):
        yield finding(
            "api-headers", Severity.ERROR, _line(shape.script, "pkgname"),
            "a package of the set replaces linux-api-headers, which glibc is built with",
            "Leave it out: the system's own stays.",
        )  # fmt: skip


def check_srcinfo(written: str | None, made: str | None) -> Iterator[Finding]:
    """Find a .SRCINFO that is missing or not what makepkg prints."""
    if made is None:
        yield finding(
            "srcinfo-unchecked", Severity.NOTE, 0,
            "makepkg is not installed, so .SRCINFO was not compared",
            "Install makepkg (Arch: pacman, Debian: makepkg).", file=SRCINFO,
        )  # fmt: skip
    elif written is None:
        yield finding(
            "srcinfo-missing", Severity.WARNING, 0, "there is no .SRCINFO", _WHERE, file=SRCINFO
        )
    elif _lines(written) != _lines(made):
        line, old, new = _difference(_lines(written), _lines(made))
        yield finding(
            "srcinfo-stale", Severity.ERROR, line,
            f".SRCINFO is stale: it says “{old}”, and makepkg “{new}”", _WHERE, file=SRCINFO,
        )  # fmt: skip


def _lines(text: str) -> list[str]:
    """Return the lines that say something; older makepkgs put empty lines elsewhere."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _difference(written: list[str], made: list[str]) -> tuple[int, str, str]:
    """Return line and texts of the first difference; the line counts what says something."""
    length = max(len(written), len(made))
    padded = [
        [*lines, *("nothing" for _ in range(length - len(lines)))] for lines in (written, made)
    ]
    for number, (old, new) in enumerate(zip(*padded, strict=True), 1):
        if old != new:
            return number, old, new
    return 0, "", ""


def _line(script: Script, name: str) -> int:
    return next((one.place.line for one in script.assigned(name)), 0)
