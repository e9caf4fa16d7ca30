"""The reboot in the middle of a run: what must run, whether it does, and how it comes to boot."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from pkgafdo import log
from pkgafdo.errors import WaitingError
from pkgafdo.host import boot_loader, installed
from pkgafdo.workflows import boot_once
from pkgafdo.workflows.autofdo import run_stages
from pkgafdo.workflows.boot_gate import ROOT, awaited_round
from pkgafdo.workflows.waiting import Waiting, forget, read_waiting, write_waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Stage
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session

_PAST_THE_BOOT: Final = frozenset({"record", "convert"})
"""Stages whose end means that no kernel has to be booted any more."""
COUNTDOWN: Final = 10
"""Seconds before --reboot reboots."""


def run_or_wait(
    session: Session,
    stages: Sequence[Stage],
    *,
    reboot: bool = False,
    filesystem: Path = ROOT,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Entry]:
    """Bring the stages up to date; where a kernel must be booted first, arrange for that and say so.

    Raises WaitingError with one sentence; with `reboot`, after a countdown, this machine restarts.
    """
    try:
        entries = run_stages(session, tuple(stages))
    except WaitingError as waiting:
        entries = session.workdir.journal.read()
        awaited = awaited_round(stages, entries, filesystem=filesystem)
        if awaited is None:
            raise
        state = _arrange(session, awaited, waiting.message, filesystem=filesystem)
        if reboot and state.entry:
            count_down(session.runner, sleep=sleep)
        raise WaitingError(
            state.sentence, hint="Then give the same command again; it goes on from where it was."
        ) from None
    if _PAST_THE_BOOT & {stage.name for stage in stages}:
        forget(session.workdir.path)
    return entries


def _arrange(session: Session, which: Round, sentence: str, *, filesystem: Path) -> Waiting:
    """Set the one-shot entry where that can be done, and remember what is waited for."""
    facts = session.workdir.journal.read()[f"install-{which}"].facts
    before = read_waiting(session.workdir.path)
    loader = boot_loader.detect(filesystem)
    target = boot_once.target_of(session, which, facts["release"], filesystem=filesystem)
    if installed.is_installed(filesystem, target.release):
        armed = boot_once.arm(session.runner, loader, target)
    else:
        armed = boot_once.Armed(why_not=f"{target.pkgbase} is not installed")
    boot = installed.boot_identity(filesystem)
    missed = before is not None and bool(before.entry) and before.boot not in {"", boot}
    state = Waiting(
        release=target.release,
        build_id=facts["build_id"],
        pkgbase=target.pkgbase,
        boot=boot,
        entry=armed.entry,
        loader=loader.name,
        sentence=_sentence(session, which, sentence, loader, armed, missed=missed),
    )
    write_waiting(session.workdir.path, state)
    # What is written so far must be found again after the boot, whatever ends this one.
    session.runner.run(boot_once.sync_command())
    return state


def _sentence(
    session: Session,
    which: Round,
    why: str,
    loader: boot_loader.BootLoader,
    armed: boot_once.Armed,
    *,
    missed: bool,
) -> str:
    """Return the one sentence that says which kernel is expected, which runs, and the next move."""
    runs = why.partition(":")[0] if ":" in why else why
    if missed:
        runs += f", although {loader.name} was told to boot the other once"
    if armed.entry:
        return (
            f"{runs}: reboot now; {loader.name} boots it once (entry {armed.entry}), "
            f"and after that {armed.after or f'{session.host.release} again'}"
        )
    if armed.why_not.endswith("is not installed"):
        folder = session.workdir.path / "packages" / which
        return f"{runs}: {armed.why_not}; install it (`pacman -U {folder}/*`) and boot it"
    return f"{runs}: no one-shot boot was set ({armed.why_not}). {loader.by_hand}"


def count_down(runner: Runner, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """Reboot this machine after a countdown; Ctrl-C keeps it up."""
    log.step(f"rebooting in {COUNTDOWN} seconds; Ctrl-C keeps this system up")
    for left in range(COUNTDOWN, 0, -1):
        log.progress(f"rebooting in {left} s")
        sleep(1)
    log.done_progress()
    runner.run(boot_once.reboot_command())
