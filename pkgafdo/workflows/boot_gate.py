"""The gate of stages that need a kernel of ours to run: which one, and whether it does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.host.running import (
    BootedKernel,
    other_kernel_runs,
    running_build_id,
    running_kernel,
)
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Inputs, Stage

ROOT: Final = Path("/")


def gate_needs(which: Round) -> tuple[str, ...]:
    """Return the outputs that a stage needs whose gate waits for a round's kernel."""
    return f"install-{which}.release", f"install-{which}.build_id"


def boot_gate(which: Round, *, filesystem: Path = ROOT) -> Callable[[Inputs], str | None]:
    """Return a stage's gate: None when a round's kernel runs, else which runs in its place."""

    def gate(inputs: Inputs) -> str | None:
        release, build_id = (inputs.fact(key) for key in gate_needs(which))
        expected = BootedKernel(release=release, build_id=build_id)
        return other_kernel_runs(running_kernel(filesystem), expected)

    return gate


def awaited_round(
    stages: Sequence[Stage], entries: Mapping[str, Entry], *, filesystem: Path = ROOT
) -> Round | None:
    """Return the round whose kernel must run for the first gate that is closed; None for no such."""
    running = running_build_id(filesystem)
    for stage in stages:
        for which in Round:
            if stage.gate is None or not set(gate_needs(which)) <= set(stage.needs):
                continue
            entry = entries.get(f"install-{which}")
            if entry is not None and entry.facts["build_id"] != running:
                return which
    return None
