"""Where a run happens: host, runner, folders, build user, toolchain; read once, at the edge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.host.users import closed_folder, require_builder, root_prefix
from pkgafdo.packaging.builder import make_folder
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain
    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.pipeline.workdir import Workdir
    from pkgafdo.runner.local import Builder

SCRATCH_KIND: Final = "pkgafdo build folder, format 1"
_PUBLIC: Final = Path("/var/tmp")  # noqa: S108  marked, owned and never trusted across users
_ROOT_CACHE: Final = Path("/var/cache/pkgafdo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """All that stages share. builder is the user that builds (None: we are unprivileged already)."""

    config: Config
    host: HostFacts
    runner: LocalRunner
    workdir: Workdir
    builder: Builder | None
    toolchain: Toolchain

    @property
    def jobs(self) -> int:
        """How many jobs make runs at once."""
        return self.config.build.jobs or self.host.cores

    @property
    def cache(self) -> Path:
        """Where sources and compiled helpers are kept between runs; the build user can read it."""
        return cache_folder(self.host)

    @property
    def scratch(self) -> Path:
        """Where builds happen: in the work folder if the build user can get there."""
        return scratch_folder(self.workdir.path, self.builder)


def cache_folder(host: HostFacts) -> Path:
    """Return the cache: the user's own; for root a public one, as the build user must read it."""
    return _ROOT_CACHE if host.euid == 0 else host.folders.cache / "pkgafdo"


def scratch_folder(workdir: Path, builder: Builder | None) -> Path:
    """Return the folder for a work folder's builds; the same work folder always has the same."""
    if builder is None or closed_folder(workdir, builder) is None:
        return workdir / "scratch"
    return _PUBLIC / f"pkgafdo-{files.sha256_json(str(workdir))[:12]}"


def make_runner(host: HostFacts, workdir: Workdir | None = None) -> LocalRunner:
    """Return the runner of this machine; with a work folder it keeps logs there."""
    runner = LocalRunner(env=dict(host.environment))
    runner = replace(runner, root=root_prefix(host.euid, runner.which))
    if workdir is None:
        return runner
    return replace(runner, logs=workdir.logs, running=workdir.running)


def plan_session(config: Config, host: HostFacts, workdir: Workdir) -> Session:
    """Find the build user and the toolchain, and change nothing.

    Raises HostError when one of them cannot be had.
    """
    builder = require_builder(host.euid, config.build.user)
    runner = replace(make_runner(host), builder=builder)
    return Session(
        config=config,
        host=host,
        runner=runner,
        workdir=workdir,
        builder=builder,
        toolchain=select(runner, config.toolchain),
    )


def open_session(config: Config, host: HostFacts, workdir: Workdir) -> Session:
    """Return a session whose folders exist. Raises HostError as `plan_session` does."""
    session = plan_session(config, host, workdir)
    runner = replace(make_runner(host, workdir), builder=session.builder)
    session = replace(session, runner=runner)
    make_folder(session.scratch, SCRATCH_KIND, session.builder)
    session.cache.mkdir(parents=True, exist_ok=True)
    return session


def toolchain_recipe(toolchain: Toolchain) -> dict[str, object]:
    """Return what of a toolchain decides what it makes."""
    return {"llvm": ".".join(str(part) for part in toolchain.version), "make": toolchain.make_value}
