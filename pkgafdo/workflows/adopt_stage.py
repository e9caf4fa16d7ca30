"""The stage that takes a profile from elsewhere in place of recording and converting."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.profile.check import check_summary, render_findings
from pkgafdo.profile.conversion import adopt_profile
from pkgafdo.profile.info import read_info
from pkgafdo.profile.lineage import MISMATCH, render_unknown
from pkgafdo.profile.provenance import Provenance, llvm_major, write_provenance
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.profile.info import ProfileInfo
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.session import Session


def read_foreign(runner: Runner, toolchain: Toolchain, settings: ProfileSettings) -> ProfileInfo:
    """Read the profile that the configuration names; ArtifactError when it cannot be used."""
    path = Path(settings.file)
    info = read_info(runner, toolchain, path)
    findings = check_summary(info.summary.functions, info.summary.samples, settings)
    if findings:
        raise ArtifactError(
            f"The profile {path} is too thin to build a kernel with",
            details=render_findings(findings),
            hint="Bring another, or lower the limits in the [profile] settings.",
        )
    return info


def origin_notes(provenance: Provenance | None, *, release: str, llvm: int) -> list[str]:
    """Return what a person should know about where a profile comes from, one sentence each."""
    if provenance is None:
        return ["the profile has no provenance: nobody knows which kernel and LLVM it is of"]
    notes = []
    if provenance.unknown_origins:
        notes.append(f"the profile {render_unknown(provenance)}")
    # What follows the version is local: `uname -r` of two builds of one tree may differ there.
    if provenance.kernelrelease.partition("-")[0] != release.partition("-")[0]:
        notes.append(
            f"the profile is of kernel {provenance.kernelrelease or 'unknown'}, this one is "
            f"{release}: functions that changed lose it (`pkgafdo profile drift` says how many)"
        )
    major = llvm_major(provenance)
    if major is not None and major != llvm:
        notes.append(f"the profile was made with LLVM {major}, this build uses {llvm}")
    if not provenance.build_id_checked:
        notes.append("nobody compared the build-id of the recording that the profile was made of")
    if provenance.mismatch:
        notes.append(f"the profile was {MISMATCH}")
    return notes


def adopt_stage(session: Session) -> Stage:
    """Return the stage “convert” of a run whose profile is brought: it checks and copies it."""
    source = Path(session.config.profile.file)

    def run(inputs: Inputs) -> Produced:
        info = read_foreign(session.runner, session.toolchain, session.config.profile)
        release, llvm = inputs.fact("install-baseline.release"), session.toolchain.version[0]
        for note in origin_notes(info.provenance, release=release, llvm=llvm):
            log.warn(note)
        log.note(f"{info.summary.functions:,} functions, {info.summary.samples:,} samples")
        profile, provenance = _take(source, info, session.workdir.path / "profiles")
        return Produced(
            files={"profile": profile, "provenance": provenance},
            facts={
                "functions": info.summary.functions,
                "samples": info.summary.samples,
                "adopted": str(source),
            },
        )

    return Stage(
        name="convert",
        title=f"take the profile {source.name}",
        recipe={
            "file": str(source),
            "digest": files.sha256_file(source) if source.is_file() else "",
        },
        needs=("install-baseline.release",),
        run=run,
        preview=lambda _: (f"# the profile: {source}",),
    )


def _take(source: Path, info: ProfileInfo, folder: Path) -> tuple[Path, Path]:
    """Copy a profile into the work folder under a name with its digest, its provenance beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    copy = folder / ".brought.afdo"
    shutil.copyfile(source, copy)
    summary = info.summary
    profile = adopt_profile(copy, folder, functions=summary.functions, samples=summary.samples)
    provenance = info.provenance or Provenance(
        profile_sha256=profile.sha256,
        functions=profile.functions,
        counts=profile.samples,
        source=str(source),
        build_id_checked=False,
        unknown_origins=(info.sha256,),
        created_by=f"pkgafdo {version()}",
    )
    return profile.path, write_provenance(
        profile.path, replace(provenance, profile_sha256=profile.sha256)
    )
