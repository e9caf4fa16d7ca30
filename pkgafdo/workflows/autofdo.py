"""The main job, in the order of the kernel's own how-to (Documentation/dev-tools/autofdo.rst)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.errors import ConfigError
from pkgafdo.pipeline.execute import execute
from pkgafdo.workflows.adopt_stage import adopt_stage
from pkgafdo.workflows.install_stages import install_stage, system_stage, verify_stage
from pkgafdo.workflows.measure_stages import measure_stage, measured_suites
from pkgafdo.workflows.preflight import require_propeller_lto
from pkgafdo.workflows.profile_stages import convert_stage, record_stage
from pkgafdo.workflows.propeller_stages import layout_stage, verify_layout_stage
from pkgafdo.workflows.road import recording_stages
from pkgafdo.workflows.rounds import Round, final_round, rounds
from pkgafdo.workflows.route import build_stage, source_stage
from pkgafdo.workflows.twin_stage import twin_stage
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Stage
    from pkgafdo.workflows.session import Session


def last_stage(session: Session, verb: str) -> str | None:
    """Return how far a verb goes; None to the end."""
    final = final_round(session.config)
    return {
        "build": "install-baseline",
        "record": "record",
        "convert": "convert",
        "rebuild": "verify-layout" if final is Round.PROPELLER else "verify",
        "measure": f"measure-heldout-{final}",
    }.get(verb)


def autofdo_stages(session: Session) -> tuple[Stage, ...]:
    """Return all stages of the main job; constructing them does no work."""
    stages = [
        source_stage(session),
        build_stage(session, Round.BASELINE),
        install_stage(session, Round.BASELINE),
        *profile_stages(session),
        build_stage(session, Round.OPTIMISED),
        install_stage(session, Round.OPTIMISED),
        verify_stage(session),
        *(propeller_stages(session) if session.config.propeller.enable else ()),
        *measure_stages(session),
        # For the report: where the last kernel branches, beside where the baseline did.
        record_stage(session, final_round(session.config)),
    ]
    if session.config.install.system:
        stages.append(system_stage(session))
    return tuple(stages)


def measure_stages(session: Session) -> tuple[Stage, ...]:
    """Return the stages that count the kernels, the baseline's twin among them where it is wanted."""
    twin = (twin_stage(session),) if session.config.measure.noise_floor else ()
    kernels = (*(stage.name for stage in twin), *rounds(session.config))
    return *twin, *(
        measure_stage(session, part, suite, which)
        for part, suite in measured_suites(session).items()
        for which in kernels
    )


def profile_stages(session: Session) -> tuple[Stage, ...]:
    """Return the stages that end with a profile: made here, or brought from elsewhere."""
    if session.config.profile.file:
        return (adopt_stage(session),)
    return *recording_stages(session), convert_stage(session)


def propeller_stages(session: Session) -> tuple[Stage, ...]:
    """Return the stages from the optimised kernel to the one with its blocks laid out.

    The order of Documentation/dev-tools/propeller.rst: train the AutoFDO kernel, build again.
    Raises ConfigError for an LTO that keeps the layout from the linker.
    """
    require_propeller_lto(session.config.kernel.lto)
    return (
        *recording_stages(session, Round.OPTIMISED),
        layout_stage(session),
        build_stage(session, Round.PROPELLER),
        install_stage(session, Round.PROPELLER),
        verify_layout_stage(session),
    )


def stages_until(stages: tuple[Stage, ...], last: str) -> tuple[Stage, ...]:
    """Return the stages up to and with `last`."""
    for number, stage in enumerate(stages, 1):
        if stage.name == last:
            return stages[:number]
    raise ConfigError(
        f"this run has no stage “{last}”",
        hint="With profile.file set, nothing is recorded: go on with `pkgafdo rebuild`.",
    )


def run_stages(session: Session, stages: tuple[Stage, ...]) -> dict[str, Entry]:
    """Bring the stages up to date; returns their journal entries."""
    runner = session.runner
    return execute(
        stages,
        session.workdir.journal,
        commands=runner.commands,
        version=version(),
        spent=runner.spent,
    )
