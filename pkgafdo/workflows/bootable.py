"""What must hold before a run that reboots begins, and what must not change over the reboot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.host.boot_loader import mounted_on
from pkgafdo.host.secure_boot import REMEDY, read_secure_boot
from pkgafdo.kernel import configure
from pkgafdo.workflows.boot_gate import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.config.model import Config
    from pkgafdo.kernel.configure import RunningKernel

_PINNED: Final = "running.config"


def require_bootable(
    config: Config, workdir: Path, *, reboots: bool, filesystem: Path = ROOT
) -> None:
    """Say before the first slow minute why a kernel that will be installed will not boot here.

    Raises HostError for Secure Boot when the run itself depends on that boot (`reboots`), ConfigError
    for a work folder that a reboot empties.
    """
    if not config.install.system:
        return
    _require_unsigned(config, reboots=reboots, filesystem=filesystem)
    mountinfo = filesystem / "proc/self/mountinfo"
    if reboots and mountinfo.is_file():
        kind, _ = mounted_on(mountinfo.read_text(encoding="utf-8"), str(workdir))
        if kind in {"tmpfs", "ramfs"}:
            raise ConfigError(
                f"the work folder {workdir} lies in memory: a reboot would empty it",
                details=f"Its file system is {kind}.",
                hint="Name a folder on a disk (--workdir).",
            )


def _require_unsigned(config: Config, *, reboots: bool, filesystem: Path) -> None:
    if config.install.signed or not read_secure_boot(filesystem).refuses:
        return
    sentence = "Secure Boot is on: a kernel that nobody signed will not boot on this machine"
    hint = f"{REMEDY} If kernels are signed here in another way: --set install.signed=true"
    if reboots:
        raise HostError(sentence, details="This run records on the kernel it builds.", hint=hint)
    log.warn(f"{sentence}. {hint}")


def pinned(config: Config, running: RunningKernel, workdir: Path, *, write: bool) -> Config:
    """Return the configuration with the running kernel's .config as it was when the run began.

    After the reboot another kernel runs, with another configuration; it must not be taken for the
    base. `write`: keep it now if that was not done before.
    """
    if config.kernel.base != "running":
        return config
    path = workdir / _PINNED
    if write and not path.is_file():
        files.write_text(path, configure.running_config(running))
    if not path.is_file():
        return config
    return replace(config, kernel=replace(config.kernel, base=str(path)))
