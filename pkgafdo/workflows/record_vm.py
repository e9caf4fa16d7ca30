"""Recording a command of the user's in a VM that runs a kernel of ours: `pkgafdo record --vm`."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pkgafdo import log
from pkgafdo.branches.marks import accept_faults, mark_faults
from pkgafdo.branches.store import write_table
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.packaging.builder import give
from pkgafdo.toolchain.select import select
from pkgafdo.vm.guest import find_trouble
from pkgafdo.vm.plugin import build_native
from pkgafdo.vm.virtme import require_virtme
from pkgafdo.workflows.host_recording import Recording, interruption, require_faultless
from pkgafdo.workflows.record_here import require_absent, require_writable
from pkgafdo.workflows.recordings import describe_table
from pkgafdo.workflows.session import cache_folder
from pkgafdo.workflows.vm_kernel import kernel_of_files, kernel_of_run, require_able
from pkgafdo.workflows.vm_road import choose_road
from pkgafdo.workflows.vm_stay import Machine, stay

if TYPE_CHECKING:
    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.runner.local import LocalRunner
    from pkgafdo.vm.errand import Errand, Outcome
    from pkgafdo.workflows.vm_stay import Stay, VmWish


def record_in_vm(
    runner: LocalRunner, host: HostFacts, config: Config, wish: VmWish
) -> dict[str, Any]:
    """Record a command in the VM into a table at `wish.output`; returns what it holds, JSON-plain.

    After the table has been written, raises CommandError when something speaks against using it,
    KeyboardInterrupt when we are to end.
    """
    require_writable(wish.output)
    require_absent(wish.output)
    program = require_virtme(runner, Path(sys.executable).parent)
    wish = replace(wish, errand=resolved(runner, wish.errand))
    kernel = (
        kernel_of_files(wish.image, wish.vmlinux) if wish.image else kernel_of_run(wish.workdir)
    )
    require_able(kernel)
    road = choose_road(runner, host, config)
    native = build_native(
        runner, select(runner, config.toolchain), qemu=config.vm.qemu, cache=cache_folder(host)
    )
    log.step(f"recording in a VM that runs {kernel.vmlinux.release or kernel.image}")
    log.note(
        f"the processor's own LBR: {road.why}"
        if road.lbr_format
        else f"the virtual LBR, exact but many times slower: {road.why}"
    )
    machine = Machine(kernel=kernel, native=native, road=road, program=program)
    recording = _judged(stay(runner, config, wish, machine), wish, config.record)
    write_table(recording.table, wish.output)
    for path in (wish.output, *wish.kept.values()):
        give(path, runner.builder)
    if recording.terminated:
        raise interruption(recording, wish.output)
    require_faultless(
        {recording.table.meta.extra["workload"]: recording},
        use_failed=config.record.use_failed,
        kept=f"in {wish.output}, and what it said in {wish.kept['output']}",
    )
    return describe_table(recording.table) | {
        "path": str(wish.output),
        "seconds": round(recording.seconds, 1),
        "interrupted": recording.interrupted,
        "vmlinux": str(kernel.vmlinux.path),
        **{name: str(path) for name, path in wish.kept.items()},
    }


def resolved(runner: LocalRunner, errand: Errand) -> Errand:
    """Return the errand with its program's path, which the guest has too.

    Raises HostError when it is not here: the guest has this machine's programs and no others.
    """
    name = errand.command[0]
    path = errand.environ.get("PATH") or runner.env.get("PATH")
    found = shutil.which(str(errand.folder / name) if "/" in name else name, path=path)
    if found is None:
        raise HostError(
            f"{name} is not installed",
            hint="The guest has the programs of this machine. Install it here, or check the name.",
        )
    return replace(errand, program=found)


def _judged(left: Stay, wish: VmWish, settings: RecordSettings) -> Recording:
    """Return the recording, marked with what speaks against it. Raises ArtifactError for an empty one."""
    table, outcome = left.table, left.outcome
    faults = tuple(faults_of(outcome, left.said, left.damage))
    if not table.branches:
        raise ArtifactError(
            "not one branch of the kernel was recorded",
            details=f"The command's exit code was {outcome.status}.",
            hint=f"Look at {wish.kept['output']} and {wish.kept['console']}.",
        )
    marked = mark_faults(table, faults)
    for place in outcome.unwritable:
        log.warn(f"{place} could not be written in the guest")
    log.note(
        f"{wish.errand.title}: {outcome.seconds:.0f} s, {table.branches:,} taken branches, "
        f"{table.distinct_branches:,} distinct"
    )
    return Recording(
        table=accept_faults(marked) if settings.use_failed else marked,
        seconds=outcome.seconds,
        size=0,
        interrupted=outcome.interrupted,
        faults=faults,
        terminated=outcome.terminated,
    )


def faults_of(outcome: Outcome, said: str, damage: str = "") -> list[str]:
    """Return what speaks against using a recording, one sentence each; pure.

    said is what the guest's kernel said, damage what is wrong with the recording's end.
    """
    ended_by_us = outcome.interrupted or outcome.expired
    faults = []
    if outcome.status:
        faults.append(f"its workload failed with exit code {outcome.status}")
    if trouble := find_trouble(said):
        faults.append(f"the guest's kernel broke: {trouble[0]}")
    if outcome.status is None and not ended_by_us:
        faults.append("the guest ended before its workload did")
    if damage and not ended_by_us:
        faults.append(f"it broke off: {damage}")
    return faults
