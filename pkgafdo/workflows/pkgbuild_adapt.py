"""Adapting somebody's PKGBUILD: the change, tried in a copy, shown, and written if asked for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import files
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.kernel.make import layout_prefix, profile_file
from pkgafdo.packaging.adapt import is_ours, plan_adaptation
from pkgafdo.packaging.adapt_layout import SUFFIXES, list_names
from pkgafdo.packaging.adapt_state import revert, write_changes
from pkgafdo.packaging.adapt_sums import digest, digest_of
from pkgafdo.packaging.adapt_wish import LayoutSource, Lto, March, Plan, ProfileSource, Wish
from pkgafdo.packaging.bash_edit import apply_edits, unified_diff
from pkgafdo.packaging.kernel_age import why_too_old
from pkgafdo.packaging.pkgbuild_values import SUMS
from pkgafdo.packaging.update_version import plan_release, release_of
from pkgafdo.profile.magic import require_profile
from pkgafdo.profile.provenance import find_provenance, provenance_path
from pkgafdo.workflows.pkgbuild_given import layout_lists, read_lists
from pkgafdo.workflows.pkgbuild_reading import (
    NAME,
    open_sandbox,
    read_content,
    read_folder,
)
from pkgafdo.workflows.pkgbuild_trial import try_change

if TYPE_CHECKING:
    from pkgafdo.packaging.bash_script import Script
    from pkgafdo.packaging.pkgbuild_values import Values


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `pkgbuild adapt` was asked for; propeller is the prefix of the two lists."""

    folder: Path
    profile: Path | None = None
    propeller: Path | None = None
    address_map: bool | None = None
    lto: Lto | None = None
    march: March | None = None
    write: bool = False
    fetch: bool = False
    trusted: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """The new contents of a folder's files, the old PKGBUILD, and what is said about them."""

    folder: Path
    before: bytes
    contents: dict[str, bytes]
    plan: Plan
    written: bool = False

    @property
    def diff(self) -> str:
        """The change of the PKGBUILD, as `patch -p1` takes it."""
        return unified_diff(self.before, self.contents.get(NAME, self.before), NAME)

    def plain(self) -> dict[str, Any]:
        """Return the change JSON-plain."""
        return {
            "folder": str(self.folder),
            "diff": self.diff,
            "files": sorted(self.contents),
            "already": self.plan.already,
            "changes": [edit.reason for edit in self.plan.edits],
            "left": self.plan.left,
            "written": self.written,
        }


def adapt_folder(order: Order) -> Change:
    """Adapt a folder's PKGBUILD; write it when the order says so.

    Raises ArtifactError, with file and line, for what cannot be adapted safely.
    """
    content = read_content(order.folder)
    if order.profile is not None:
        require_profile(order.profile)
    sandbox = open_sandbox(trusted=order.trusted)
    reading = read_folder(sandbox, order.folder)
    source = profile_source(order.folder, order.profile) if order.profile else None
    lists = read_lists(layout_lists(order.propeller)) if order.propeller else ()
    wish = Wish(
        profile=source,
        layout=layout_source(*lists) if lists else None,
        address_map=order.address_map,
        lto=order.lto,
        march=order.march,
    )
    plan = plan_adaptation(reading.shape, wish)
    raised = _raise_release(plan, reading.script, wish)
    if why := why_too_old(reading.values.scalar("pkgver")):
        plan.left.append(why)
    contents = {NAME: apply_edits(content, plan.edits)}
    if wish.layout is not None:
        ours = tuple(f"{wish.layout.prefix}{suffix}" for suffix in SUFFIXES)
        names = ours if is_ours(reading.shape) else list_names(reading.shape)
        contents |= dict(zip(names, lists, strict=True))
    if source is not None and order.profile is not None:
        contents |= profile_files(source, order.profile)
    tried = try_change(sandbox, reading, contents, fetching=order.fetch)
    _judge_names(plan, reading.values, tried.values, wish, raised=raised)
    contents = changed_only(order.folder, tried.contents)
    if order.write and contents:
        write_folder(order.folder, contents)
    return Change(
        folder=order.folder, before=content, contents=contents, plan=plan,
        written=order.write and bool(contents),
    )  # fmt: skip


def _raise_release(plan: Plan, script: Script, wish: Wish) -> bool:
    """Raise pkgrel where the kernel is built with another profile or layout, and say whether it was.

    Packages of one version that differ cannot be told apart, neither by pacman nor by a repository.
    """
    if not plan.edits or (wish.profile is None and wish.layout is None):
        return False
    try:
        plan.edits += plan_release(script, release_of(script) + 1)
    except ArtifactError as error:
        plan.left.append(
            f"pkgrel stays: {error.message}; raise it, or both kernels have one version"
        )
        return False
    return True


def layout_source(clusters: bytes, symbols: bytes) -> LayoutSource:
    """Return Propeller's lists as sources."""
    digests = [files.sha256_bytes(clusters), files.sha256_bytes(symbols)]
    return LayoutSource(
        prefix=layout_prefix(Path(), files.sha256_json(digests)).name,
        sums={kind: (digest_of(kind, clusters), digest_of(kind, symbols)) for kind in SUMS},
    )


def write_folder(folder: Path, contents: dict[str, bytes]) -> None:
    """Write the changed files; raises HostError where the folder cannot be written to."""
    try:
        write_changes(folder, contents)
    except OSError as error:
        raise HostError(
            f"{folder} cannot be written to", details=str(error),
            hint="Use a copy that is yours; every file there is whole.",
        ) from error  # fmt: skip


def revert_folder(folder: Path) -> tuple[str, ...]:
    """Take back what was written into a folder; returns the names of the files."""
    try:
        return revert(folder)
    except OSError as error:
        raise HostError(
            f"{folder} cannot be written to", details=str(error), hint="Use a copy that is yours."
        ) from error


def profile_source(folder: Path, profile: Path) -> ProfileSource:
    """Return a profile as a source, under a name that only its digest makes.

    Raises ArtifactError when its provenance is damaged or of another profile.
    """
    origin = provenance_path(profile) if find_provenance(profile) else None
    return ProfileSource(
        name=profile_file(folder, files.sha256_file(profile)).name,
        sums={kind: digest(kind, profile) for kind in SUMS},
        provenance={kind: digest(kind, origin) for kind in SUMS} if origin else {},
    )


def profile_files(source: ProfileSource, profile: Path) -> dict[str, bytes]:
    """Return what comes to lie beside the PKGBUILD: the profile, and its provenance if it has one."""
    found = {source.name: profile.read_bytes()}
    if source.provenance:
        found[f"{source.name}.json"] = provenance_path(profile).read_bytes()
    return found


def changed_only(folder: Path, contents: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files whose contents are not what is there already."""
    return {
        name: new
        for name, new in contents.items()
        if not (folder / name).is_file() or (folder / name).read_bytes() != new
    }


def _judge_names(plan: Plan, before: Values, after: Values, wish: Wish, *, raised: bool) -> None:
    """Say that packages get another name, where the LTO that was asked for does that.

    Raises ArtifactError when name or version change although nobody asked for it.
    """
    for name in ("pkgbase", "pkgver", *(() if raised else ("pkgrel",))):
        old, new = before.scalar(name), after.scalar(name)
        if old == new:
            continue
        if name == "pkgbase" and wish.lto is not None:
            plan.left.append(f"with this LTO the PKGBUILD renames its packages: {old} → {new}")
            continue
        raise ArtifactError(
            f"with the change {name} would be {new} and not {old}",
            details="Nothing was changed.",
            hint="An option of this PKGBUILD renames the packages: make the change by hand.",
        )
