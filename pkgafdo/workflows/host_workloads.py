"""The workloads of a run on this machine: which, how much each counts, and how each is started."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ConfigError
from pkgafdo.packaging.builder import make_folder
from pkgafdo.perf.record import Workload
from pkgafdo.perf.workloads import (
    Ground,
    Weighted,
    own_command,
    parse_weighted,
    require_ground,
    require_programs,
    workload_command,
)
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import ExitStack

    from pkgafdo.config.model import Config
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.perf.workloads import HostWorkload
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.session import Session

    Maker = Callable[[Path], Command]

OWN: Final = "command"
ANY: Final = "using the machine"
_GROUND_KIND: Final = "pkgafdo workload folder"


def named(settings: RecordSettings) -> tuple[Weighted, ...]:
    """Return the named workloads; none where the user has a command."""
    if settings.command:
        return ()
    return tuple(parse_weighted(text) for text in settings.workloads)


def weights(settings: RecordSettings) -> dict[str, int]:
    """Return the names of what is recorded, with weights."""
    if settings.command:
        return {OWN: 1}
    return {one.workload.name: one.weight for one in named(settings)} or {ANY: 1}


def require_workloads(runner: Runner, config: Config) -> None:
    """Raise HostError or ConfigError for what the workloads would find missing only when they run."""
    chosen = [one.workload for one in named(config.record)]
    require_programs(runner, chosen)
    if config.package.route == "pkgbuild":
        _require_no_tree(chosen)
    # The tree will be there by then: it is what the run builds.
    ground = Ground(folder=Path(), jobs=1, tree="fetched", package=config.record.package)
    require_ground(chosen, ground)


def _require_no_tree(workloads: list[HostWorkload]) -> None:
    for workload in workloads:
        if workload.needs == "tree":
            raise ConfigError(
                f"the workload {workload.name} has no kernel tree in a run from a PKGBUILD",
                details="makepkg builds inside the tree that it unpacks, which is not clean any more.",
                hint="Choose other workloads: makepkg can build the same folder (record.package), "
                "record.command whatever you like.",
            )


def require_end(settings: RecordSettings) -> None:
    """Raise ConfigError for recordings that only Ctrl-C would end: nobody is there to press it."""
    if settings.road == "host" and ANY in weights(settings) and not settings.seconds:
        raise ConfigError(
            "a run that goes on by itself would record with no end",
            details="There is neither a workload nor a time: record.workloads, record.seconds.",
            hint="Say how long: --set record.seconds=3600. Or leave --go-on out.",
        )


def makers(session: Session, tree: Path) -> dict[str, Maker]:
    """Return, for each workload, what makes its command, given its folder."""
    settings = session.config.record
    run_as = RunAs.BUILDER if session.builder is not None else RunAs.SELF
    if settings.command:
        return {OWN: lambda folder: own_command(settings.command, folder=folder, run_as=run_as)}

    def maker(workload: HostWorkload) -> Maker:
        def make(folder: Path) -> Command:
            ground = Ground(
                folder=folder,
                jobs=session.jobs,
                tree=str(tree),
                package=settings.package,
                llvm=session.toolchain.make_value,
            )
            return workload_command(workload, ground, run_as=run_as)

        return make

    return {one.workload.name: maker(one.workload) for one in named(settings)}


def prepared_workload(
    session: Session, name: str, found: Mapping[str, Maker], stack: ExitStack
) -> Workload | None:
    """Return a workload with a log and a folder of its own, which goes when the stack is closed."""
    if name not in found:
        return None
    folder = session.scratch / "workloads" / name
    files.remove_marked(folder)
    make_folder(folder.parent, _GROUND_KIND, session.builder)
    make_folder(folder, _GROUND_KIND, session.builder)
    stack.callback(files.remove_marked, folder)
    session.workdir.logs.mkdir(exist_ok=True)
    path = session.workdir.logs / f"workload-{name}.log"
    log.step(f"recording {name}; its output is in {path}")
    return Workload(command=found[name](folder), log=stack.enter_context(path.open("ab")))
