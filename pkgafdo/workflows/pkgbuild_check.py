"""Everything that can be found wrong with a kernel's PKGBUILD, without building it."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.config.load import load_config
from pkgafdo.errors import ArtifactError, HostError, PkgafdoError
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.check_finding import (
    Finding,
    Severity,
    finding,
    render_finding,
    sort_findings,
)
from pkgafdo.packaging.check_package import (
    check_api_headers,
    check_srcinfo,
    check_sums,
    check_version,
)
from pkgafdo.packaging.check_rules import RULES
from pkgafdo.packaging.check_tools import check_bash, check_namcap, check_shellcheck
from pkgafdo.packaging.pkgbuild_shape import read_shape
from pkgafdo.pacman.database import compare_versions
from pkgafdo.profile.drift import Verdict
from pkgafdo.profile.magic import require_profile
from pkgafdo.profile.provenance import find_provenance
from pkgafdo.workflows import judging
from pkgafdo.workflows.pkgbuild_reading import (
    NAME,
    Reading,
    evaluate,
    make_srcinfo,
    open_sandbox,
    read_content,
    read_srcinfo,
)
from pkgafdo.workflows.profiles import open_workbench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pkgafdo.packaging.sandbox import Sandbox
    from pkgafdo.profile.provenance import Provenance

_VERSION: Final = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_DRIFT: Final = {
    Verdict.FRESH: Severity.NOTE,
    Verdict.USABLE: Severity.WARNING,
    Verdict.STALE: Severity.ERROR,
}
_RECORD: Final = "Measure it: `pkgafdo pkgbuild check --vmlinux` with the new kernel's vmlinux."


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What a check found."""

    folder: Path
    findings: tuple[Finding, ...]

    @property
    def errors(self) -> int:
        """How many findings are errors."""
        return sum(one.severity is Severity.ERROR for one in self.findings)

    def plain(self) -> dict[str, Any]:
        """Return the outcome JSON-plain."""
        findings = [asdict(one) for one in self.findings]
        return {"folder": str(self.folder), "errors": self.errors, "findings": findings}

    def text(self) -> str:
        """Return the findings one after the other, and their number."""
        lines = [render_finding(one) for one in self.findings]
        kinds = {kind: sum(one.severity is kind for one in self.findings) for kind in Severity}
        counts = ", ".join(f"{count} {kind}{'s' * (count != 1)}" for kind, count in kinds.items())
        return "\n".join([*lines, f"{self.folder}: {counts}"])


def check_folder(folder: Path, *, vmlinux: Path | None, trusted: bool) -> Outcome:
    """Check a folder's PKGBUILD.

    Raises ConfigError when there is none, HostError when it cannot be read safely here.
    """
    content = read_content(folder)
    sandbox = open_sandbox(trusted=trusted)
    findings = list(check_bash(sandbox.runner, folder / NAME))
    if not findings:
        findings += _check_readable(sandbox, folder, content, vmlinux)
    findings += check_shellcheck(sandbox.runner, folder / NAME)
    return Outcome(folder=folder, findings=sort_findings(findings))


def require_good(outcome: Outcome) -> None:
    """Raise ArtifactError when a check found errors."""
    if outcome.errors:
        raise ArtifactError(
            f"{outcome.folder / NAME} has {outcome.errors} error{'s' * (outcome.errors != 1)}",
            hint="Each finding names its remedy.",
        )


def _check_readable(
    sandbox: Sandbox, folder: Path, content: bytes, vmlinux: Path | None
) -> Iterator[Finding]:
    """Check what bash can read, as far as it can be run."""
    script = parse_script(content)
    for fault in script.faults:
        yield finding(
            "not-understood", Severity.WARNING, fault.line,
            f"“{fault.text}” is not understood; what it belongs to is not checked",
        )  # fmt: skip
    try:
        values = evaluate(sandbox, folder, script)
        made = make_srcinfo(sandbox, folder)
    except ArtifactError as error:
        why = ": ".join((error.message, *error.details.splitlines()))
        yield finding("unreadable", Severity.ERROR, 0, why, error.hint)
        return
    reading = Reading(
        folder=folder, sandbox=sandbox, script=script, values=values,
        shape=read_shape(script, values),
    )  # fmt: skip
    # What builds no kernel is told so, and nothing about kernels.
    for rule in RULES if reading.shape.is_kernel else RULES[:1]:
        yield from rule(reading.shape)
    yield from check_sums(script, values)
    yield from check_version(script, values, _comparer(sandbox))
    yield from check_api_headers(reading.shape)
    yield from check_srcinfo(read_srcinfo(folder), made)
    yield from check_namcap(sandbox, folder)
    yield from check_profile(reading, vmlinux)


def _comparer(sandbox: Sandbox) -> Callable[[str, str], int] | None:
    """Return pacman's comparison of versions, where there is a pacman."""
    try:
        compare_versions(sandbox.runner, "1", "1")
    except HostError:
        return None
    return lambda first, second: compare_versions(sandbox.runner, first, second)


def check_profile(reading: Reading, vmlinux: Path | None) -> Iterator[Finding]:
    """Find a profile that is missing, is none, or is for another kernel."""
    name = reading.shape.profile_name
    if not name or not reading.shape.is_on:
        return
    path = reading.folder / name
    try:
        require_profile(path)
        provenance = find_provenance(path)
    except ArtifactError as error:
        yield finding("profile", Severity.ERROR, 0, error.message, error.hint, file=name)
        return
    version = reading.values.scalar("pkgver")
    yield from judge_fit(path, provenance, vmlinux=vmlinux, version=version)


def judge_fit(
    path: Path, provenance: Provenance | None, *, vmlinux: Path | None, version: str
) -> Iterator[Finding]:
    """Say how well a profile fits a kernel: measured, or by the version that it was recorded on."""
    if vmlinux is not None:
        yield drift_finding(path, vmlinux)
    elif provenance is not None and provenance.kernelrelease:
        yield from compare_releases(provenance.kernelrelease, version, path.name)
    else:
        why = "its .json is not beside it" if provenance is None else "its .json does not tell"
        yield finding(
            "profile-unknown", Severity.NOTE, 0,
            f"nothing says which kernel it was recorded on: {why}", _RECORD, file=path.name,
        )  # fmt: skip


def compare_releases(release: str, version: str, name: str) -> Iterator[Finding]:
    """Find that a profile was recorded on another version than the one that is built."""
    old, new = _VERSION.match(release), _VERSION.match(version)
    if old is None or new is None or old.groups("0") == new.groups("0"):
        return
    near = old.groups()[:2] == new.groups()[:2]
    yield finding(
        "profile-drift", Severity.NOTE if near else Severity.WARNING, 0,
        f"it was recorded on {release}, and {version} is built", _RECORD, file=name,
    )  # fmt: skip


def drift_finding(profile: Path, vmlinux: Path) -> Finding:
    """Return how well a profile fits a kernel, as a finding."""
    try:
        found = judging.drift(open_workbench(load_config(None, ())), profile, vmlinux)
    except PkgafdoError as error:
        return finding(
            "profile-drift", Severity.ERROR, 0, error.message, error.hint, file=profile.name
        )
    verdict = Verdict(found["verdict"])
    return finding(
        "profile-drift", _DRIFT[verdict], 0,
        f"it is {verdict} for {vmlinux}: {found['function_share']:.1%} of the samples find their "
        f"function, {found['line_share']:.1%} of the hot ones their line",
        "" if verdict is Verdict.FRESH else "Record anew.", file=profile.name,
    )  # fmt: skip
