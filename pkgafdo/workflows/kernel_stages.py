"""The stage that makes packages of the kernel source: configure, make pacman-pkg, check."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import files, log
from pkgafdo.kernel import configure, image, make, verify
from pkgafdo.kernel.findings import describe
from pkgafdo.kernel.kconfig import RECORDERS
from pkgafdo.packaging import pacman_pkg
from pkgafdo.packaging.builder import give
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import shell
from pkgafdo.toolchain.abilities import find_tuning
from pkgafdo.workflows.following import following
from pkgafdo.workflows.guidance import guidance_needs, guidance_of, hand_over
from pkgafdo.workflows.kept_packages import keep_address_map, keep_packages
from pkgafdo.workflows.object_folder import clean_if_stale
from pkgafdo.workflows.room import require_room_for
from pkgafdo.workflows.rounds import Round, build_settings, kernel_settings
from pkgafdo.workflows.session import toolchain_recipe

if TYPE_CHECKING:
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.runner.command import Command
    from pkgafdo.workflows.session import Session


def plain(settings: object) -> dict[str, Any]:
    """Return a settings object JSON-plain, for a recipe."""
    assert dataclasses.is_dataclass(settings) and not isinstance(settings, type)  # noqa: S101, PT018
    return {key: _plain(value) for key, value in dataclasses.asdict(settings).items()}


def _plain(value: object) -> object:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


_SOURCE_NEEDS = (
    "source.path",
    "source.digest",
    "source.version",
    "source.timestamp",
    "source.makes_debug",
)


def _kbuild(session: Session, which: Round, inputs: Inputs) -> make.Kbuild:
    timestamp = inputs.fact("source.timestamp")
    return make.Kbuild(
        tree=Path(inputs.fact("source.path")),
        objects=session.scratch / which / "objects",
        toolchain=session.toolchain,
        jobs=session.jobs,
        timestamp=timestamp if isinstance(timestamp, int) else None,
    )


def _packaging(session: Session, which: Round, inputs: Inputs) -> pacman_pkg.Packaging:
    settings = build_settings(session.config, which)
    return pacman_pkg.Packaging(
        settings=settings,
        destination=session.scratch / which / "packages",
        scratch=session.scratch / which / "makepkg",
        pkgext=pacman_pkg.choose_pkgext(
            settings, has_zstd=session.runner.which("zstd") is not None
        ),
        has_pacman_database=session.host.pacman_managed,
        makes_debug=bool(inputs.fact("source.makes_debug")),
        gpgkey=session.config.package.gpgkey,
        gnupghome=session.config.package.gnupghome,
    )


def _running(session: Session) -> configure.RunningKernel:
    return configure.RunningKernel(release=session.host.release)


def _config_digests(session: Session) -> dict[str, str]:
    """Return digests of the files that the configuration is made of, so that an edit is seen."""
    kernel = session.config.kernel
    paths = [Path(path) for path in kernel.fragments]
    if kernel.base not in {"small", "running", "defconfig"}:
        paths.append(Path(kernel.base))
    if kernel.localmodconfig:
        paths.append(Path(kernel.localmodconfig))
    digests = {str(path): files.sha256_file(path) for path in paths if path.is_file()}
    if kernel.base == "running":
        digests["running"] = files.sha256_json(configure.running_config(_running(session)))
    for fragment in kernel.fragments:
        if configure.is_built_in(fragment):
            digests[str(fragment)] = files.sha256_json(configure.fragment_text(fragment))
    if kernel.base == "small":
        digests["small"] = files.sha256_json(configure.small_config())
    return digests


def build_stage(session: Session, which: Round) -> Stage:
    """Return the stage that configures a kernel and makes its packages with make pacman-pkg."""
    settings = kernel_settings(session.config, which)
    tuned = which is not Round.BASELINE and settings.tuning
    laid_out = which is Round.PROPELLER
    tuning = find_tuning(session.runner, session.toolchain, laid_out=laid_out) if tuned else ()
    propeller = which is not Round.BASELINE and session.config.propeller.enable
    recorder = _recorder(session)

    def command(inputs: Inputs) -> Command:
        variables = guidance_of(session, which, inputs).variables()
        variables |= make.code_variables(session.toolchain, settings.lto, tuning)
        kbuild = _kbuild(session, which, inputs)
        return make.make_command(kbuild, variables=variables, log=f"build-{which}")

    def run(inputs: Inputs) -> Produced:
        require_room_for(session, which)
        kbuild = _kbuild(session, which, inputs)
        for folder in (kbuild.objects.parent, kbuild.objects):
            folder.mkdir(parents=True, exist_ok=True)
            give(folder, session.builder)
        guidance = guidance_of(session, which, inputs)
        hand_over(session, inputs, guidance)
        findings = configure.configure(
            session.runner,
            kbuild,
            settings,
            running=_running(session),
            profile_sha256=guidance.profile_sha256,
            layout=guidance.layout_name,
            recorder=recorder,
        )
        if guidance.propeller:
            clean_if_stale(session.runner, kbuild)
        make_it = command(inputs)
        with following(session, which, key=_build_key(kbuild, make_it)) as course:
            packages = pacman_pkg.build_packages(
                session.runner,
                make_it,
                _packaging(session, which, inputs),
                builder=session.builder,
                on_line=course.on_line,
            )
        built = image.read_kernel(kbuild.objects, machine=session.host.machine)
        findings += verify.require_guided(kbuild.objects, guidance.profile, guidance.layout)
        place = session.workdir.path / "packages"
        mapped = guidance.propeller and not guidance.layout
        maps = keep_address_map(kbuild.objects, place, which) if mapped else {}
        kept = keep_packages(packages, place / which)
        log.note(f"{built.release}: " + ", ".join(package.path.name for package in kept))
        return Produced(
            files={
                "config": _keep(built.config, place / f"{which}.config"),
                **{f"package-{number}": package.path for number, package in enumerate(kept)},
                **maps,
            },
            facts={
                "packages": [plain(package) for package in kept],
                "release": built.release,
                "build_id": built.vmlinux.build_id,
                "objects": str(kbuild.objects),
                "object_vmlinux": str(built.vmlinux.path),
                "checks": [describe(finding) for finding in findings],
                "compiled": course.watch.done,
                "tuning": list(tuning),
            },
        )

    def preview(inputs: Inputs) -> tuple[str, ...]:
        kbuild = _kbuild(session, which, inputs)
        commands = (
            *configure.config_commands(kbuild, settings),
            pacman_pkg.pacman_pkg_command(command(inputs), _packaging(session, which, inputs)),
        )
        return tuple(shell(one) for one in commands)

    return Stage(
        name=f"build-{which}",
        title=f"build the {which} kernel and its packages",
        recipe={
            "kernel": plain(settings),
            "files": _config_digests(session),
            "build": {
                key: value
                for key, value in plain(build_settings(session.config, which)).items()
                if key not in {"jobs", "user", "disk_gib"}
            },
            "toolchain": toolchain_recipe(session.toolchain),
            "tuning": list(tuning),
            **({"propeller": True} if propeller else {}),
            **({"recorder": recorder} if recorder else {}),
            **_signer(session),
        },
        needs=(*_SOURCE_NEEDS, *guidance_needs(which)),
        run=run,
        preview=preview,
    )


def _recorder(session: Session) -> str:
    """Return what of this machine will record the kernels, where that needs an option of them."""
    facility = session.host.cpu.branch_records.value
    on_host = session.config.record.road == "host" and not session.config.profile.file
    return facility if on_host and facility in RECORDERS else ""


def _signer(session: Session) -> dict[str, str]:
    """Return who signs the packages, for the recipe; nothing where nobody does."""
    key = session.config.package.gpgkey
    return {"gpgkey": key} if session.config.build.sign and key else {}


def _build_key(kbuild: make.Kbuild, command: Command) -> str:
    """Return what is the same while make goes on with the objects of an interrupted build."""
    folder = kbuild.objects
    return files.sha256_json(
        [shell(command), files.sha256_file(folder / ".config"), folder.stat().st_ino]
    )


def _keep(path: Path, place: Path) -> Path:
    with files.replacing(place) as temporary:
        shutil.copyfile(path, temporary)
    return place
