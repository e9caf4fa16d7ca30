"""Whether branches can really be recorded here: by recording for a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.perf.keeper import REAL_PLACES
from pkgafdo.perf.record import Request, Workload, record
from pkgafdo.perf.refusals import Refusal, Refused, next_move
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.perf.events import Event
    from pkgafdo.perf.keeper import Places
    from pkgafdo.perf.program import Perf
    from pkgafdo.runner.local import LocalRunner

SECONDS: Final = 1.0
PERIOD: Final = 10_007
"""A second of system calls on one core is some ten million branches."""
_SYSCALLS: Final = Command(
    argv=("dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=100000000"),
    hint="Install coreutils.",
)
_POINTLESS_TO_GO_ON: Final = frozenset(
    {Refusal.NO_RIGHT, Refusal.BUSY, Refusal.NO_PERF, Refusal.TOO_OLD}
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One event that was tried: samples that it gave, and what spoke against it."""

    event: Event
    samples: int = 0
    reason: str = ""
    why: Refusal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Probed:
    """The event that works, None when there is none, and all that was tried."""

    event: Event | None
    attempts: tuple[Attempt, ...]

    @property
    def reason(self) -> str:
        """Why, in one sentence."""
        if self.event is not None:
            return f"{self.event.name} gave {self.attempts[-1].samples:,} samples in {SECONDS:g} s"
        if not self.attempts:
            return "no event is known that records branches here"
        return self.attempts[-1].reason


def probe(
    runner: LocalRunner,
    perf: Perf,
    events: Iterable[Event],
    *,
    run_as: RunAs = RunAs.ROOT,
    places: Places = REAL_PLACES,
) -> Probed:
    """Try events until one gives branch stacks of the kernel."""
    attempts = []
    for event in events:
        attempt = _try(runner, perf, event, run_as, places)
        attempts.append(attempt)
        if attempt.samples:
            return Probed(event=event, attempts=tuple(attempts))
        if attempt.why in _POINTLESS_TO_GO_ON:
            break
    return Probed(event=None, attempts=tuple(attempts))


def _try(runner: LocalRunner, perf: Perf, event: Event, run_as: RunAs, places: Places) -> Attempt:
    request = Request(
        perf=perf.path,
        event=event,
        period=PERIOD,
        run_as=run_as,
        seconds=SECONDS,
        workload=Workload(command=_SYSCALLS),
        places=places,
        keep_interrupted=False,
    )
    try:
        outcome = record(runner, request)
    except (ArtifactError, CommandError) as error:
        return Attempt(event=event, reason=f"{error.message} ({event.name})")
    if isinstance(outcome, Refused):
        return Attempt(event=event, reason=str(outcome), why=outcome.why)
    if not outcome.table.branches:
        return Attempt(event=event, reason=f"{event.name} sampled no branches of the kernel")
    return Attempt(event=event, samples=outcome.table.meta.samples)


def require_event(probed: Probed) -> Event:
    """Return the event that works; raises HostError that says why none does."""
    if probed.event is not None:
        return probed.event
    last = probed.attempts[-1].why if probed.attempts else None
    raise HostError(
        "this CPU, or this virtual machine, cannot record branches",
        details="\n".join(f"{one.event.name}: {one.reason}" for one in probed.attempts),
        hint=next_move(last or Refusal.NO_STACKS),
    )
