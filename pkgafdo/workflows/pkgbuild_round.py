"""One round of makepkg: the copy of the folder with its profiles, and the packages that come out."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import files, log
from pkgafdo.packaging import makepkg, pkgbuild_copy
from pkgafdo.packaging.builder import give
from pkgafdo.packaging.pkgbuild_folder import checksum
from pkgafdo.packaging.pkgbuild_model import LAYOUT_SUFFIXES
from pkgafdo.workflows.guidance import LISTS, guidance_needs, guidance_of, layout_place
from pkgafdo.workflows.rounds import Round, final_round

if TYPE_CHECKING:
    from pkgafdo.artifacts import PackageFile
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.guidance import Guidance
    from pkgafdo.workflows.session import Session


def prepare_folder(
    session: Session,
    folder: Path,
    copy: Path,
    *,
    which: Round | None = None,
    inputs: Inputs | None = None,
) -> tuple[str, ...]:
    """Make a copy of the folder for a round, or without one as it is; returns the changed names."""
    pkgbuild_copy.copy_folder(folder, copy)
    changed: tuple[str, ...] = ()
    if which is not None and inputs is not None:
        changed = _set_round(session, copy, which, inputs)
    for path in (copy, *copy.rglob("*")):
        give(path, session.builder)
    if changed:
        srcinfo = session.runner.query(makepkg.srcinfo_command(copy)).stdout
        files.write_text(copy / pkgbuild_copy.SRCINFO, srcinfo)
    return changed


def _set_round(session: Session, copy: Path, which: Round, inputs: Inputs) -> tuple[str, ...]:
    path = copy / pkgbuild_copy.PKGBUILD
    text = path.read_text(encoding="utf-8")
    if which is not final_round(session.config):
        # The kernels on the way are older than the one that is wanted in the end.
        text = pkgbuild_copy.set_pkgrel(text, f"0.{1 + list(Round).index(which)}")
        files.write_text(path, text)
    names = (pkgbuild_copy.PKGBUILD, pkgbuild_copy.SRCINFO)
    if not pkgbuild_copy.is_ours(text):
        return (*names, *_adapt(session, copy, which, inputs))
    added = _local_files(session, which, inputs)
    sums = "b2sums" if "\nb2sums=(" in text else "sha256sums"
    for name, source in added.values():
        shutil.copyfile(source, copy / name)
    values = _values(added, sums, address_map=_has_map(session, which))
    files.write_text(path, pkgbuild_copy.set_variables(text, values))
    return (*names, *(name for name, _ in added.values()))


def _has_map(session: Session, which: Round) -> bool:
    """Tell whether Propeller's lists are made from a round's kernel."""
    return which is Round.OPTIMISED and session.config.propeller.enable


def _local_files(session: Session, which: Round, inputs: Inputs) -> dict[str, tuple[str, Path]]:
    """Return what guides a round, by what it is: its name beside the PKGBUILD, and where it lies."""
    guidance = guidance_of(session, which, inputs)
    found: dict[str, tuple[str, Path]] = {}
    if guidance.profile:
        name = guidance.profile.name
        found["_profile"] = (name, inputs.file("convert.profile"))
        found["_provenance"] = (f"{name}.json", inputs.file("convert.provenance"))
    if guidance.layout:
        for part, name in zip(("_cc", "_ld"), LISTS, strict=True):
            file = inputs.file(f"layout.{name}")
            found[part] = (f"{guidance.layout.name}_{name}.txt", file)
    return found


def _values(added: dict[str, tuple[str, Path]], sums: str, *, address_map: bool) -> dict[str, str]:
    """Return the values of a round's variables; those of another round become empty."""
    values = dict.fromkeys(pkgbuild_copy.OURS, "")
    values["_address_map"] = "yes" if address_map else "no"
    for part, (name, path) in added.items():
        values[f"{part}_sum"] = checksum(path.read_bytes(), sums)
        if part in values:
            values[part] = name
        elif part == "_cc":
            values["_propeller"] = name.removesuffix(LAYOUT_SUFFIXES[0])
    return values


def _adapt(session: Session, copy: Path, which: Round, inputs: Inputs) -> tuple[str, ...]:
    """Adapt the copy of somebody's own PKGBUILD to a round."""
    from pkgafdo.workflows.pkgbuild_adapt import Order, adapt_folder

    laid_out = which is Round.PROPELLER
    change = adapt_folder(
        Order(
            folder=copy,
            profile=None if which is Round.BASELINE else inputs.file("convert.profile"),
            propeller=layout_place(session.workdir.path) if laid_out else None,
            address_map=True if _has_map(session, which) else None,
            write=True,
            trusted=True,
        )
    )
    for reason in change.plain()["changes"]:
        log.note(f"in a copy of the PKGBUILD: {reason}")
    return tuple(change.contents)


def objects_guidance(session: Session, which: Round, inputs: Inputs, objects: Path) -> Guidance:
    """Return what guides a round by the paths that its build used: in makepkg's srcdir."""
    guidance = guidance_of(session, which, inputs) if guidance_needs(which) else None
    if guidance is None:
        return guidance_of(session, Round.BASELINE, inputs)
    srcdir = next(path for path in objects.parents if path.name == "src")
    return replace(
        guidance,
        profile=srcdir / guidance.profile.name if guidance.profile else None,
        layout=_prefix_in(srcdir, guidance.layout) if guidance.layout else None,
    )


def _prefix_in(srcdir: Path, layout: Path) -> Path:
    """Return the prefix of the lists in srcdir: ours, or what somebody's own PKGBUILD calls it."""
    suffix = LAYOUT_SUFFIXES[0]
    names = [path.name.removesuffix(suffix) for path in srcdir.glob(f"*{suffix}")]
    return srcdir / (names[0] if len(names) == 1 else layout.name)


def publish_packages(packages: tuple[PackageFile, ...], destination: str | None) -> None:
    """Copy packages and their signatures to the user's own PKGDEST, if there is one."""
    if destination is None:
        return
    for package in packages:
        for path in (makepkg.signature(package.path), package.path):
            if path.is_file():
                files.copy_file(path, Path(destination) / path.name)
    log.note(f"copies of the packages are in {destination}")
