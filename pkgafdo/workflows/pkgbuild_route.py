"""The stages of a run whose kernels makepkg builds, from a PKGBUILD's folder that stays as it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.kernel import image, verify
from pkgafdo.kernel.findings import Finding, describe
from pkgafdo.packaging import makepkg, pkgbuild_copy
from pkgafdo.packaging.builder import give
from pkgafdo.packaging.srcinfo_read import read_srcinfo
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import shell
from pkgafdo.workflows.following import following
from pkgafdo.workflows.guidance import guidance_needs
from pkgafdo.workflows.kept_packages import keep_address_map, keep_packages
from pkgafdo.workflows.kernel_stages import plain
from pkgafdo.workflows.pkgbuild_makepkg import makepkg_job, read_wishes
from pkgafdo.workflows.pkgbuild_round import (
    objects_guidance,
    prepare_folder,
    publish_packages,
)
from pkgafdo.workflows.room import require_room_for
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.session import toolchain_recipe

if TYPE_CHECKING:
    from pkgafdo.artifacts import PackageFile
    from pkgafdo.kernel.image import BuiltKernel
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.session import Session

_NEEDS: Final = ("source.path", "source.digest", "source.timestamp", "source.makes_debug")


def folder_of(session: Session) -> Path:
    """Return the PKGBUILD's folder."""
    return Path(session.config.package.folder).absolute()


def pkgbuild_source_stage(session: Session) -> Stage:
    """Return the stage “source” of this route: it reads what the PKGBUILD makes."""
    folder = folder_of(session)

    def run(_: Inputs) -> Produced:
        require_room_for(session, Round.BASELINE)
        copy = session.scratch / "pkgbuild"
        prepare_folder(session, folder, copy)
        srcinfo = session.runner.query(makepkg.srcinfo_command(copy)).stdout
        _warn_when_stale(folder, srcinfo)
        read = read_srcinfo(srcinfo)
        log.note(f"{read.pkgbase} {read.version}: {', '.join(read.packages)}")
        return Produced(
            files={"pkgbuild": folder / pkgbuild_copy.PKGBUILD},
            facts={
                "path": str(folder),
                "version": read.pkgver,
                "digest": pkgbuild_copy.folder_digest(folder),
                "kind": "pkgbuild",
                "origin": str(folder),
                "pkgbase": read.pkgbase,
                "makes_debug": any(name.endswith(("-debug", "-dbg")) for name in read.packages),
                "timestamp": _timestamp(folder),
            },
        )

    return Stage(
        name="source",
        title="read the PKGBUILD",
        recipe={"folder": str(folder), "digest": pkgbuild_copy.folder_digest(folder)},
        run=run,
        preview=lambda _: (f"# the PKGBUILD in {folder}",),
        foretell=lambda: {"path": str(folder), "timestamp": _timestamp(folder)},
    )


def _timestamp(folder: Path) -> int:
    return int((folder / pkgbuild_copy.PKGBUILD).stat().st_mtime)


def _warn_when_stale(folder: Path, printed: str) -> None:
    path = folder / pkgbuild_copy.SRCINFO
    if path.is_file() and path.read_text(encoding="utf-8") != printed:
        log.warn(f"{path} is not what makepkg --printsrcinfo prints")


def pkgbuild_build_stage(session: Session, which: Round) -> Stage:
    """Return the stage that builds a round's packages with makepkg, in a copy of the folder."""
    settings = session.config.package
    folder = folder_of(session)
    guided = guidance_needs(which)
    needs = (*_NEEDS, *guided, *(("convert.provenance",) if guided else ()))

    def run(inputs: Inputs) -> Produced:
        require_room_for(session, which)
        copy = session.scratch / which / "pkgbuild"
        copy.parent.mkdir(parents=True, exist_ok=True)
        give(copy.parent, session.builder)
        changed = prepare_folder(session, folder, copy, which=which, inputs=inputs)
        wishes = read_wishes(session)
        job = makepkg_job(session, which, wishes, timestamp=inputs.fact("source.timestamp"))
        with following(session, which) as course:
            packages = makepkg.build(
                session.runner,
                job,
                log_name=f"build-{which}",
                builder=session.builder,
                on_line=course.on_line,
            )
        built = image.read_kernel(makepkg.find_objects(job.build), machine=session.host.machine)
        findings = _verify(session, which, inputs, built)
        kept = keep_packages(packages, session.workdir.path / "packages" / which)
        publish_packages(kept, wishes.get("PKGDEST"))
        place = session.workdir.path / "pkgbuild" / which
        pkgbuild_copy.keep_changes(copy, folder, place, changed)
        log.note(f"{built.release}: " + ", ".join(package.path.name for package in kept))
        return Produced(
            files=_outputs(session, which, built, kept),
            facts={
                "packages": [plain(package) for package in kept],
                "release": built.release,
                "build_id": built.vmlinux.build_id,
                "objects": str(built.objects),
                "object_vmlinux": str(built.vmlinux.path),
                "checks": [describe(finding) for finding in findings],
                "compiled": course.watch.done,
                "tuning": _tuning(built.objects),
                "pkgbuild": str(place),
            },
        )

    def preview(inputs: Inputs) -> tuple[str, ...]:
        job = makepkg_job(session, which, {}, timestamp=inputs.fact("source.timestamp"))
        return (shell(makepkg.build_command(job, log_name=f"build-{which}")),)

    return Stage(
        name=f"build-{which}",
        title=f"build the {which} kernel and its packages with makepkg",
        recipe={
            "package": plain(settings),
            "build": {
                key: value
                for key, value in plain(session.config.build).items()
                if key not in {"jobs", "user", "disk_gib", "pkgbase"}
            },
            # Not by the name of what compiles: which clang that is, the PKGBUILD decides.
            "llvm": toolchain_recipe(session.toolchain),
        },
        needs=needs,
        run=run,
        preview=preview,
    )


def _verify(
    session: Session, which: Round, inputs: Inputs, built: BuiltKernel
) -> tuple[Finding, ...]:
    """Return the findings; raises ArtifactError unless AutoFDO is on, with the round's profile."""
    guidance = objects_guidance(session, which, inputs, built.objects)
    if guidance.profile is None:
        return verify.verify_objects(built.objects, None)
    return verify.require_guided(built.objects, guidance.profile, guidance.layout)


def _outputs(
    session: Session, which: Round, built: BuiltKernel, kept: tuple[PackageFile, ...]
) -> dict[str, Path]:
    folder = session.workdir.path / "packages"
    config = folder / f"{which}.config"
    files.copy_file(built.config, config)
    outputs = {"config": config}
    outputs |= {f"package-{number}": package.path for number, package in enumerate(kept)}
    if which is Round.OPTIMISED and session.config.propeller.enable:
        outputs |= keep_address_map(built.objects, folder, which)
    return outputs


def _tuning(objects: Path) -> list[str]:
    """Return the LLVM options that a PKGBUILD of ours says it handed to the code generator."""
    path = objects / "provenance.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    options = (line.removeprefix("tuning: ") for line in lines if line.startswith("tuning: "))
    return [option for text in options for option in text.split()]
