"""What is looked at before the first slow minute: the tools of the main job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.errors import PkgafdoError
from pkgafdo.host import doctor, facts, tools
from pkgafdo.toolchain.select import select
from pkgafdo.workflows.session import make_runner

if TYPE_CHECKING:
    from pkgafdo.config.model import Config


def require_tools_for(host: facts.HostFacts) -> None:
    """Raise HostError that names every missing tool of the main job, with its package."""
    tools.require_tools(make_runner(host), family=host.family, verbs=("run",))


def _toolchain_finding(config: Config, host: facts.HostFacts) -> doctor.Finding:
    try:
        found = select(make_runner(host), config.toolchain)
    except PkgafdoError as error:
        return doctor.Finding(
            topic="toolchain",
            name="LLVM",
            level=doctor.Level.MISSING,
            text=error.message,
            hint=error.hint,
        )
    version = ".".join(str(part) for part in found.version)
    return doctor.Finding(
        topic="toolchain",
        name="LLVM",
        level=doctor.Level.FINE,
        text=f"{version} (make LLVM={found.make_value})",
    )


def diagnose_host(config: Config) -> doctor.Diagnosis:
    """Return everything that is known about this machine's fitness for the main job."""
    host = facts.read_facts()
    checked = tools.check_tools(make_runner(host), family=host.family)
    return doctor.diagnose(host, checked, [_toolchain_finding(config, host)])
