"""Which road a run's recordings take: the VM, or this machine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.workflows.profile_stages import record_stage
from pkgafdo.workflows.record_host import record_host_stage
from pkgafdo.workflows.recorder import Road, expected_road, possible_road, probed_road
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.system_stages import system_round_stage

if TYPE_CHECKING:
    from pkgafdo.pipeline.stage import Stage
    from pkgafdo.workflows.session import Session


def recording_stages(session: Session, which: Round = Round.BASELINE) -> tuple[Stage, ...]:
    """Return the stages that end with a recording of a round's kernel, on the road that was taken.

    On this machine the kernel must be installed and booted first; where the user does not want us to
    install it, the gate says what is to be done by hand.
    """
    if session.config.record.road != "host":
        return (record_stage(session, which),)
    installed = (system_round_stage(session, which),) if session.config.install.system else ()
    return *installed, record_host_stage(session, which)


def on_road(session: Session, *, probe: bool) -> Session:
    """Return the session with the road decided where the user left it to us.

    What is recorded already stays recorded. `probe`: see whether this machine really can; a plan only
    believes what the processor announces.
    """
    settings = session.config.record
    if settings.road != "auto" or session.config.profile.file:
        return session
    road = _taken(session) or possible_road(session.config)
    if road is None and probe:
        road = probed_road(session.runner, session.host, settings)
    road = road or expected_road(session.host, settings)
    on_host = road.name == "host"
    log.note(f"branches are recorded {'on this machine' if on_host else 'in the VM'}: {road.why}")
    decided = replace(settings, road="host" if on_host else "vm")
    return replace(session, config=replace(session.config, record=decided))


def _taken(session: Session) -> Road | None:
    """Return the road of the recording that the journal holds."""
    entry = session.workdir.journal.read().get("record")
    if entry is None:
        return None
    name = str(entry.recipe.get("road", "vm"))
    return Road(name=name, why="so it was done before")
