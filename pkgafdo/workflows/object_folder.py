"""Object folders whose objects must all be of one configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.kernel.make import make_command

if TYPE_CHECKING:
    from pkgafdo.kernel.make import Kbuild
    from pkgafdo.runner.base import Runner

_BY_ROUND: Final = ("CONFIG_BUILD_SALT=",)
"""What a new profile or layout changes, and nothing else depends on."""


def clean_if_stale(runner: Runner, kbuild: Kbuild) -> None:
    """Remove the objects of another configuration than the one that is in the object folder now.

    make would build anew only what it knows to depend on the difference. ThinLTO names the functions
    that it makes visible after their bitcode, so that an object of an older configuration has other
    names than the same object of a kernel that was built afresh, and Propeller's lists do not fit.
    """
    built = kbuild.objects.parent / "built.config"
    config = (kbuild.objects / ".config").read_text(encoding="utf-8")
    if built.is_file() and _lasting(built.read_text(encoding="utf-8")) != _lasting(config):
        log.note("the configuration has changed since these objects were made: building afresh")
        runner.run(make_command(kbuild, "clean", log="configure"))
    files.write_text(built, config)


def _lasting(config: str) -> list[str]:
    return [line for line in config.splitlines() if not line.startswith(_BY_ROUND)]
