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
from pkgafdo.workflows.installed_record import remember_packages
from pkgafdo.workflows.rounds import final_round, naming

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


def private_root(session: Session, which: Round) -> Path:
    """Return the root that a round's packages are installed into, and nothing else of this machine.

    All packages of a PKGBUILD have the same names: each round's get a root of their own.
    """
    apart = session.config.package.route == "pkgbuild"
    return session.workdir.path / (f"root-{which}" if apart else "root")


def install_stage(session: Session, which: Round) -> Stage:
    """Return the stage that installs a kernel's packages into the run's private root and finds vmlinux."""
    build = f"build-{which}"
    root = private_root(session, which)
    pkgbase = naming(session.config, which).pkgbase

    def run(inputs: Inputs) -> Produced:
        packages = packages_of(inputs.fact(f"{build}.packages"))
        as_root = session.host.euid == 0
        install.install_private(session.runner, packages, root=root, as_root=as_root)
        release = inputs.fact(f"{build}.release")
        session.runner.run(depmod_command(root / "usr", release))
        found = _find_vmlinux(session.runner, inputs, build, root, packages[0].pkgbase)
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


def hot_text(path: Path) -> int:
    """Return how many bytes of a vmlinux's code lie in its hot text (vmlinux.lds.h); 0 without one."""
    symbols = elf.symbols(path)
    start, end = (symbols.address_of(f"__hot_text_{edge}") for edge in ("start", "end"))
    return end - start if start is not None and end is not None else 0


def check_vmlinux(path: Path, profile_sha256: str, baseline: Path) -> tuple[Finding, ...]:
    """Check a vmlinux by itself: its salt names the profile, and hot and cold code lie apart.

    LLVM 19 splits no functions where it emits an address map; the hot ones still lie together.
    """
    wanted, got = kconfig.salt(profile_sha256), elf.build_salt(path) or ""
    if got == kconfig.salt(profile_sha256, kconfig.ADDRESS_MAP):
        wanted = got
    before, after = ((cold_parts(one), hot_text(one)) for one in (baseline, path))
    described = [f"{cold} cold parts, {hot} bytes of hot text" for cold, hot in (before, after)]
    # Somebody's own PKGBUILD may leave the salt alone; then neither kernel has one of ours.
    salted = (elf.build_salt(baseline) or got) != ""
    salt = Finding(
        name="build salt",
        ok=got == wanted,
        wanted=wanted,
        got=got,
        why="The kernel itself says which profile built it (CONFIG_BUILD_SALT).",
    )
    return (
        *([salt] if salted else []),
        Finding(name="hot and cold code", ok=after[0] > before[0] or after[1] > before[1],
                wanted=f"more than {described[0]}", got=described[1],
                why="With a profile, clang puts hot functions together and cold parts elsewhere."),
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
    """Return the stage that installs the last kernel's packages into this system, beside its own."""
    which = final_round(session.config)
    needed = f"build-{which}.packages"

    def run(inputs: Inputs) -> Produced:
        packages = packages_of(inputs.fact(needed))
        # Before: what a power cut interrupts may be removed, too.
        remember_packages(session, which, inputs.fact(f"build-{which}.release"), packages)
        installed = install.install_system(
            session.runner, packages, running_release=session.host.release
        )
        return Produced(facts={"installed": [f"{one.name} {one.version}" for one in installed]})

    def preview(inputs: Inputs) -> tuple[str, ...]:
        packages = packages_of(inputs.fact(needed))
        shown = shell(install.system_command(packages))
        pkgbase = naming(session.config, which).pkgbase
        return (shown if packages else f"{shown} ‹packages of {pkgbase}›",)

    return Stage(
        name="install-system",
        title=f"install the {which} packages into this system",
        # Which kernel runs is none of it: to boot the one that was installed changes nothing here.
        recipe={},
        needs=(needed, f"build-{which}.release"),
        run=run,
        preview=preview,
    )
