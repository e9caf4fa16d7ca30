"""Installing a kernel on the way into this system, to be booted and recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.host import boot_loader
from pkgafdo.pacman import install
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import shell
from pkgafdo.workflows.boot_gate import ROOT
from pkgafdo.workflows.boot_once import arming_lines, target_of
from pkgafdo.workflows.install_stages import packages_of
from pkgafdo.workflows.installed_record import remember_packages

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session


def system_round_stage(session: Session, which: Round, *, filesystem: Path = ROOT) -> Stage:
    """Return the stage that installs a round's packages into this system, to boot and record them."""
    build = f"build-{which}"

    def run(inputs: Inputs) -> Produced:
        packages = packages_of(inputs.fact(f"{build}.packages"))
        release = inputs.fact(f"{build}.release")
        # Before: what a power cut interrupts may be removed, too.
        remember_packages(session, which, release, packages)
        done = install.install_system(
            session.runner, packages, running_release=session.host.release
        )
        log.note(f"installed: {', '.join(f'{one.name} {one.version}' for one in done)}")
        # Known by its digest: a kernel that was removed since is installed again.
        image = filesystem / "usr/lib/modules" / release / "vmlinuz"
        return Produced(
            files={"image": image},
            facts={"installed": [f"{one.name} {one.version}" for one in done]},
        )

    def preview(inputs: Inputs) -> tuple[str, ...]:
        release = str(inputs.fact(f"{build}.release"))
        packages = packages_of(inputs.fact(f"{build}.packages"))
        shown = shell(install.system_command(packages))
        target = target_of(session, which, release, filesystem=filesystem)
        return (
            shown if packages else f"{shown} ‹packages of {target.pkgbase}›",
            *arming_lines(boot_loader.detect(filesystem), target),
        )

    return Stage(
        name=f"install-system-{which}",
        title=f"install the {which} packages into this system, to be booted",
        recipe={},
        needs=(f"{build}.packages", f"{build}.release"),
        run=run,
        preview=preview,
    )
