"""Bringing somebody's PKGBUILD to another kernel version, or to another profile."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.packaging.adapt import is_ours, plan_adaptation
from pkgafdo.packaging.adapt_layout import LISTS_STAY, LISTS_SWITCH
from pkgafdo.packaging.adapt_layout import SWITCH as LAYOUT_SWITCH
from pkgafdo.packaging.adapt_wish import Plan, Wish, refuse
from pkgafdo.packaging.bash_edit import apply_edits, unified_diff
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.check_finding import Finding, Severity, finding
from pkgafdo.packaging.kernel_age import why_too_old
from pkgafdo.packaging.pkgbuild_shape import read_shape
from pkgafdo.packaging.update_template import render_anew
from pkgafdo.packaging.update_version import (
    check_version,
    plan_release,
    plan_sources,
    plan_tag,
    plan_version,
    release_of,
)
from pkgafdo.pacman.database import compare_versions
from pkgafdo.profile.magic import require_profile
from pkgafdo.profile.provenance import find_provenance
from pkgafdo.workflows.pkgbuild_adapt import (
    Change,
    changed_only,
    profile_files,
    profile_source,
    write_folder,
)
from pkgafdo.workflows.pkgbuild_check import judge_fit
from pkgafdo.workflows.pkgbuild_reading import NAME, open_sandbox, read_content, read_folder
from pkgafdo.workflows.pkgbuild_trial import try_change

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.packaging.pkgbuild_values import Values
    from pkgafdo.packaging.sandbox import Sandbox
    from pkgafdo.workflows.pkgbuild_reading import Reading
    from pkgafdo.workflows.pkgbuild_trial import Tried


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `pkgbuild update` was asked for."""

    folder: Path
    version: str
    profile: Path | None = None
    vmlinux: Path | None = None
    fetch: bool = False
    template: bool = False
    dry: bool = False
    trusted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Update:
    """What an update comes to: the change, the version, and how the profile fits it.

    offer is the difference that today's template would make, where pkgafdo wrote the PKGBUILD.
    """

    change: Change
    version: str
    findings: tuple[Finding, ...] = field(default=())
    offer: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the update JSON-plain."""
        findings = [{"severity": one.severity, "message": one.message} for one in self.findings]
        return {
            **self.change.plain(),
            "version": self.version,
            "profile": findings,
            "template_diff": self.offer,
        }


def update_folder(order: Order) -> Update:
    """Set version, release, sums and .SRCINFO of a folder's PKGBUILD, and write them.

    Raises ConfigError for what is no version, ArtifactError, with file and line, for what cannot be
    changed safely, or where a new source's checksum is not known.
    """
    version = check_version(order.version)
    if why := why_too_old(version):
        log.warn(why)
    content = read_content(order.folder)
    if order.profile is not None:
        require_profile(order.profile)
    sandbox = open_sandbox(trusted=order.trusted)
    reading = read_folder(sandbox, order.folder)
    anew = render_anew(reading.script, reading.values) if is_ours(reading.shape) else None
    if order.template:
        reading = _with_template(reading, anew)
    source = profile_source(order.folder, order.profile) if order.profile else None
    plan = _plan(reading, version, Wish(profile=source))
    contents = {NAME: apply_edits(reading.script.content, plan.edits)}
    if source is not None and order.profile is not None:
        contents |= profile_files(source, order.profile)
    tried = try_change(sandbox, reading, contents, fetching=order.fetch, renewing=True)
    _require_version(sandbox, reading, tried)
    _require_sources(reading, tried.values)
    change = Change(
        folder=order.folder, before=content, plan=plan,
        contents=changed_only(order.folder, tried.contents),
    )  # fmt: skip
    if not order.dry and change.contents:
        write_folder(order.folder, change.contents)
        change = replace(change, written=True)
    new = tried.values.scalar("pkgver")
    offer = "" if order.template or anew is None else unified_diff(content, anew, NAME)
    findings = _fit(order, reading, new) + _layout_fit(reading, tried.values)
    return Update(change=change, version=new, findings=findings, offer=offer)


def _with_template(reading: Reading, anew: bytes | None) -> Reading:
    """Return the reading of what the template writes now; its variables are the same.

    Raises ArtifactError when pkgafdo did not write the PKGBUILD, or it was changed too much.
    """
    if anew is None:
        refuse(0, "pkgafdo did not write this, or its values no longer fit the template",
               "Leave --template out.")  # fmt: skip
    script = parse_script(anew)
    shape = read_shape(script, reading.values)
    return replace(reading, script=script, shape=shape)


def _plan(reading: Reading, version: str, wish: Wish) -> Plan:
    """Return the edits: version and release, and the profile where one is given."""
    script = reading.script
    plan = Plan()
    if wish.profile is not None:
        if not is_ours(reading.shape) and not reading.shape.is_able:
            refuse(0, "AutoFDO is not foreseen here, so there is no place for a profile",
                   "Run `pkgafdo pkgbuild adapt --profile` first.")  # fmt: skip
        plan = plan_adaptation(reading.shape, wish)
    edits = plan_version(script, version)
    same = not edits
    release = release_of(script) + 1 if same and plan.edits else 1
    if not same or plan.edits:
        edits += plan_release(script, release)
    if not same:
        plan.left = [one for one in plan.left if one != LISTS_STAY]  # _layout_fit says it
        edits += plan_tag(script)
        taken = {edit.start for edit in edits}
        sources = plan_sources(script, reading.values.scalar("pkgver"), version)
        edits += [edit for edit in sources if edit.start not in taken]
    plan.edits += edits
    return plan


def _require_sources(before: Reading, after: Values) -> None:
    """Raise ArtifactError when another version is built from the same sources."""
    if before.values.scalar("pkgver") == after.scalar("pkgver"):
        return
    names = [f"source{suffix}" for suffix in before.values.suffixes()]
    if all(before.values.array(name) == after.array(name) for name in names):
        lines = [one.place.line for one in before.script.assigned("source")]
        refuse(lines[0] if lines else 0, "no source changes with the version",
               "Make the sources depend on $pkgver.")  # fmt: skip


def _require_version(sandbox: Sandbox, before: Reading, tried: Tried) -> None:
    """Say when a version goes back; raises ArtifactError when the name of the packages changes."""
    old, new = before.values.scalar("pkgver"), tried.values.scalar("pkgver")
    if tried.values.scalar("pkgbase") != before.values.scalar("pkgbase"):
        raise ArtifactError(
            f"with {new} the packages would be {tried.values.scalar('pkgbase')}",
            details="Nothing was changed.", hint="Make the change by hand.",
        )  # fmt: skip
    try:
        backwards = compare_versions(sandbox.runner, new, old) < 0
    except HostError:
        return
    if backwards:
        log.warn(f"pacman takes {new} for older than {old}: it is no upgrade without an epoch")


def _fit(order: Order, reading: Reading, version: str) -> tuple[Finding, ...]:
    """Return how the profile that is built with fits the new version."""
    path = order.profile or (
        reading.folder / reading.shape.profile_name if reading.shape.profile_name else None
    )
    if path is None or not path.is_file():
        return ()
    provenance = find_provenance(path)
    return tuple(judge_fit(path, provenance, vmlinux=order.vmlinux, version=version))


def _layout_fit(reading: Reading, after: Values) -> tuple[Finding, ...]:
    """Return that Propeller's lists stay although the version changes."""
    lists = after.scalar(LAYOUT_SWITCH if is_ours(reading.shape) else LISTS_SWITCH)
    old, new = reading.values.scalar("pkgver"), after.scalar("pkgver")
    if old == new or lists in {"", "no"}:
        return ()
    return (
        finding(
            "propeller-stays", Severity.WARNING, 0,
            f"Propeller's lists stay: they come from another kernel than {new}, and do not fit "
            "what changed since",
            "Make them anew from the new kernel's vmlinux and a recording on it.",
        ),
    )  # fmt: skip
