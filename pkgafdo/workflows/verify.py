"""Saying of any kernel which profile built it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo import elf, files
from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import kconfig
from pkgafdo.kernel.findings import Finding
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.workflows.command_line import again
from pkgafdo.workflows.guidance import LISTS, layout_digest, layout_place
from pkgafdo.workflows.install_stages import check_vmlinux
from pkgafdo.workflows.propeller_stages import check_layout

if TYPE_CHECKING:
    from pathlib import Path


def _salt_finding(salt: str | None, profile: Path | None, what: Path) -> tuple[Finding, ...]:
    if not salt or not salt.startswith("pkgafdo:"):
        raise ArtifactError(
            f"{what} does not say that pkgafdo built it",
            details=f"Its build salt is “{salt}”." if salt else "It has no build salt.",
            hint="Only kernels that pkgafdo configured carry this mark.",
        )
    wanted = kconfig.salt(_digest(profile)) if profile else ""
    # A kernel laid out by Propeller names its layout behind the profile.
    same = not wanted or salt == wanted or salt.startswith(f"{wanted}:propeller:")
    return (Finding(name="build salt", ok=same, wanted=wanted, got=salt, why=_meaning(salt)),)


def _meaning(salt: str) -> str:
    """Say in words what a kernel says of itself in CONFIG_BUILD_SALT."""
    if salt == kconfig.SALT_BASELINE:
        return "The kernel says that it is a baseline, built without a profile."
    digest, _, layout = salt.removeprefix("pkgafdo:autofdo:").partition(":propeller:")
    text = f"The kernel says that it was built with the profile whose SHA-256 begins with {digest}"
    if layout == kconfig.ADDRESS_MAP:
        return f"{text}, and with an address map for Propeller."
    return f"{text}, and with Propeller's layout {layout}." if layout else f"{text}."


def _digest(profile: Path) -> str:
    try:
        return files.sha256_file(profile)
    except OSError as error:
        raise ArtifactError(
            f"the profile {profile} cannot be read",
            details=str(error),
            hint="Name the profile that the kernel was built with, or leave --profile out.",
        ) from error


def verify_vmlinux(vmlinux: Path, profile: Path | None) -> tuple[Finding, ...]:
    """Return what a vmlinux says of its making, against a profile when one is named."""
    return _salt_finding(elf.build_salt(vmlinux), profile, vmlinux)


def verify_notes(notes: Path, profile: Path | None) -> tuple[Finding, ...]:
    """Return what the running kernel's notes say of its making."""
    try:
        blob = notes.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"{notes} cannot be read", details=str(error), hint="Name the kernel with --vmlinux."
        ) from error
    return _salt_finding(elf.build_salt_of(elf.parse_notes(blob)), profile, notes)


def verify_workdir(path: Path, profile: Path | None = None) -> tuple[Finding, ...]:
    """Check the optimised kernels of a work folder anew: the files as they are now.

    Against another profile than the run's own when one is named.
    """
    entries = require_workdir(path).journal.read()
    names = ("install-baseline", "install-optimised", "convert")
    if missing := [name for name in names if name not in entries]:
        raise ArtifactError(
            f"the run in {path} has no optimised kernel yet",
            details=f"Not done: {', '.join(missing)}.",
            hint=f"Run `{again(path, 'rebuild')}` first.",
        )
    baseline, optimised, convert = (entries[name] for name in names)
    digest = _digest(profile or convert.files["profile"].path)
    findings = check_vmlinux(
        optimised.files["vmlinux"].path, digest, baseline.files["vmlinux"].path
    )
    layout, third = entries.get("layout"), entries.get("install-propeller")
    if layout is None or third is None:
        return findings
    lists = [layout.files[name].path for name in LISTS]
    return findings + check_layout(
        third.files["vmlinux"].path,
        layout_place(path),
        profile_sha256=digest,
        layout_sha256=layout_digest(*(_digest(path) for path in lists)),
        salted=bool(elf.build_salt(baseline.files["vmlinux"].path)),
    )
