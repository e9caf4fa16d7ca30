"""The stages that install what was built and prove what it is: install, verify."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pkgafdo import elf, log
from pkgafdo.artifacts import PackageFile
from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import kconfig
from pkgafdo.kernel.findings import Finding, describe, failed
from pkgafdo.pacman import install, vmlinux
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import shell
from pkgafdo.vm.modules import depmod_command
from pkgafdo.workflows.rounds import naming

if TYPE_CHECKING:
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session


def packages_of(facts: object) -> tuple[PackageFile, ...]:
    """Return the packages that a build's journal entry names; none in a plan."""
    if not isinstance(facts, list):
        return ()
    return tuple(
        PackageFile(
            **(
                data
                | {
                    "path": Path(data["path"]),
                    "conflicts": tuple(data["conflicts"]),
                    "provides": tuple(data["provides"]),
                }
            )
        )
        for data in facts
    )


def install_stage(session: Session, which: Round) -> Stage:
    """Return the stage that installs a kernel's packages into the run's private root and finds vmlinux."""
    build = f"build-{which}"
    root = session.workdir.path / "root"
    pkgbase = naming(session.config, which).pkgbase

    def run(inputs: Inputs) -> Produced:
        packages = packages_of(inputs.fact(f"{build}.packages"))
        as_root = session.host.euid == 0
        install.install_private(session.runner, packages, root=root, as_root=as_root)
        release = inputs.fact(f"{build}.release")
        session.runner.run(depmod_command(root / "usr", release))
        found = _find_vmlinux(session.runner, inputs, build, root, pkgbase)
        log.note(f"vmlinux with line tables and build-id {found[1]}: {found[0]}")
        return Produced(
            files={
                "vmlinux": found[0],
                "image": root / "usr/lib/modules" / release / "vmlinuz",
            },
            facts={"release": release, "build_id": found[1], "root": str(root)},
        )

    def preview(inputs: Inputs) -> tuple[str, ...]:
        packages = packages_of(inputs.fact(f"{build}.packages"))
        command = install.private_command(packages, root=root, as_root=session.host.euid == 0)
        shown = shell(command)
        return (shown if packages else f"{shown} ‹packages of {pkgbase}›",)

    return Stage(
        name=f"install-{which}",
        title=f"install the {which} packages into a private root and find vmlinux",
        recipe={"pkgbase": pkgbase},
        needs=(
            f"{build}.packages", f"{build}.release", f"{build}.build_id",
            f"{build}.object_vmlinux", "source.makes_debug",
        ),
        run=run,
        preview=preview,
    )  # fmt: skip


def _find_vmlinux(
    runner: Runner, inputs: Inputs, build: str, root: Path, pkgbase: str
) -> tuple[Path, str]:
    expected = inputs.fact(f"{build}.build_id")
    if not inputs.fact("source.makes_debug"):
        log.note("this tree packages no vmlinux (before 6.12): taking the one of the build folder")
        return Path(inputs.fact(f"{build}.object_vmlinux")), expected
    found = vmlinux.require_vmlinux(runner, root=root, pkgbase=pkgbase, expected_build_id=expected)
    return found.path, found.build_id


def cold_parts(path: Path) -> int:
    """Count the functions of a vmlinux that were split into a hot and a cold part (`NAME.cold`)."""
    return elf.symbols(path).strings.count(b".cold\0")


def check_vmlinux(path: Path, profile_sha256: str, baseline: Path) -> tuple[Finding, ...]:
    """Check a vmlinux by itself: its salt names the profile, and more functions were split than without."""
    wanted, got = kconfig.salt(profile_sha256), elf.build_salt(path) or ""
    before, after = cold_parts(baseline), cold_parts(path)
    return (
        Finding(name="build salt", ok=got == wanted, wanted=wanted, got=got,
                why="The kernel itself says which profile built it (CONFIG_BUILD_SALT)."),
        Finding(name="cold parts", ok=after > before, wanted=f"more than {before}", got=str(after),
                why="With a profile, -fsplit-machine-functions parts functions into hot and cold."),
    )  # fmt: skip


def verify_stage(session: Session) -> Stage:
    """Return the stage that proves that the optimised kernel was built with the profile."""

    def run(inputs: Inputs) -> Produced:
        findings = check_vmlinux(
            inputs.file("install-optimised.vmlinux"),
            inputs.digest("convert.profile"),
            inputs.file("install-baseline.vmlinux"),
        )
        if wrong := failed(findings):
            raise ArtifactError(
                "the optimised kernel does not show the profile's work",
                details="\n".join(describe(finding) for finding in wrong),
                hint=f"Remove {session.scratch} and run again.",
            )
        checks = [describe(finding) for finding in findings]
        for line in (*inputs.fact("build-optimised.checks")[-2:], *checks):
            log.note(line.partition("\n")[0])
        return Produced(facts={"checks": [*inputs.fact("build-optimised.checks"), *checks]})

    return Stage(
        name="verify",
        title="verify that clang used the profile",
        recipe={},
        needs=(
            "install-optimised.vmlinux",
            "install-baseline.vmlinux",
            "convert.profile",
            "build-optimised.checks",
        ),
        run=run,
    )


def system_stage(session: Session) -> Stage:
    """Return the stage that installs the optimised packages into this system, beside its kernel."""

    def run(inputs: Inputs) -> Produced:
        packages = packages_of(inputs.fact("build-optimised.packages"))
        installed = install.install_system(
            session.runner, packages, running_release=session.host.release
        )
        return Produced(facts={"installed": [f"{one.name} {one.version}" for one in installed]})

    return Stage(
        name="install-system",
        title="install the optimised packages into this system",
        recipe={"release": session.host.release},
        needs=("build-optimised.packages",),
        run=run,
        preview=lambda inputs: (
            shell(install.system_command(packages_of(inputs.fact("build-optimised.packages")))),
        ),
    )
