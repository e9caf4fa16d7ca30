"""The stages that count both kernels in the VM model, on the training and on the held-out suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.errors import ConfigError
from pkgafdo.measure.counts import StepCounts, SuiteCounts, step_counts
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.runner.command import shell
from pkgafdo.vm.lbr import measure, preview_command
from pkgafdo.vm.suites import require_suite, suite_of
from pkgafdo.workflows.guest import guest_needs, kernel_stage, native_of, prepared
from pkgafdo.workflows.profile_stages import vm_recipe

if TYPE_CHECKING:
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.vm.suites import Suite
    from pkgafdo.workflows.session import Session


def measured_suites(session: Session) -> dict[str, Suite]:
    """Return the suites by their part in the comparison. Raises ConfigError when both are the same."""
    train, heldout = (
        suite_of(session.config.workload),
        require_suite(session.config.measure.heldout),
    )
    if train == heldout:
        raise ConfigError(
            f"“{heldout.name}” cannot be both the training and the held-out suite",
            details="A profile must be judged by work that it was not made from.",
            hint="Change workload.suite or measure.heldout.",
        )
    return {"train": train, "heldout": heldout}


def stage_name(part: str, which: str) -> str:
    """Return the name of the stage that counts a kernel on a part."""
    return f"measure-{part}-{which}"


def measure_stage(session: Session, part: str, suite: Suite, which: str) -> Stage:
    """Return the stage that counts one kernel on one suite."""

    def run(inputs: Inputs) -> Produced:
        native = native_of(session)
        with prepared(session, inputs, which, suite, native) as guest:
            windows = measure(session.runner, session.config.vm, native, guest)
        steps = [(step.name, step.operations, step.unit) for step in suite.steps]
        counts = SuiteCounts(suite=suite.name, steps=step_counts(windows, steps))
        totals = counts.totals()
        log.note(
            f"{totals['instructions']:,} kernel instructions, {totals['taken_branches']:,} taken branches"
        )
        return Produced(
            facts={
                "suite": suite.name,
                "steps": [
                    {"name": s.name, "operations": s.operations, "unit": s.unit, **s.counts}
                    for s in counts.steps
                ],
            }
        )

    return Stage(
        name=stage_name(part, which),
        title=f"count the {which} kernel on “{suite.name}” (model)",
        recipe=vm_recipe(session, suite),
        needs=guest_needs(which),
        run=run,
        preview=lambda inputs: (
            shell(
                preview_command(
                    session.config.vm, inputs.file(f"{kernel_stage(which)}.image"), suite, "measure"
                )
            ),
        ),
    )


def counts_of(entry: Entry) -> SuiteCounts:
    """Return the counts that a measuring stage left in the journal."""
    steps = tuple(
        StepCounts(
            name=step["name"],
            operations=step["operations"],
            unit=step["unit"],
            counts={k: v for k, v in step.items() if k not in {"name", "operations", "unit"}},
        )
        for step in entry.facts["steps"]
    )
    return SuiteCounts(suite=entry.facts["suite"], steps=steps)
