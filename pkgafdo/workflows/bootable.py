"""What must hold before a run that reboots begins, and what must not change over the reboot."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ConfigError, HostError
from pkgafdo.host.mounts import mounted_on
from pkgafdo.host.secure_boot import REMEDY, read_secure_boot
from pkgafdo.kernel import configure
from pkgafdo.workflows.boot_gate import ROOT
from pkgafdo.workflows.recorder import only_in_vm

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.config.model import Config
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.kernel.configure import RunningKernel

_PINNED: Final = "running.config"


def require_real_kernel(config: Config) -> None:
    """Raise ConfigError when kernels for the VM alone would be booted on this machine."""
    on_host = config.record.road == "host" and not config.profile.file
    why = only_in_vm(config)
    if why and (on_host or config.install.system):
        raise ConfigError(
            f"{'record.road=host' if on_host else 'install.system'} needs a kernel of real machines",
            details=f"{why}.",
            hint='Set kernel.base to "running", "defconfig" or a .config\'s path; or record in the VM '
            "and install nothing (record.road=vm, install.system=false).",
        )


def require_pacman(config: Config, host: HostFacts) -> None:
    """Raise HostError when kernels would be installed into a system that is not pacman's."""
    if config.install.system and not host.pacman_managed:
        raise HostError(
            "pacman does not manage this system: no kernel can be installed into it",
            details="Its database (/var/lib/pacman/local) holds no package.",
            hint="Leave out --install (install.system=false): packages end in the work folder, for a "
            "machine of pacman's; record in the VM (record.road=vm).",
        )


def require_bootable(
    config: Config, host: HostFacts, workdir: Path, *, reboots: bool, filesystem: Path = ROOT
) -> None:
    """Say before the first slow minute why a kernel cannot be installed here, or will not boot.

    `reboots`: the run itself goes on only after such a boot. Raises HostError for a system that is
    not pacman's, and for Secure Boot; ConfigError for a work folder that a reboot empties.
    """
    require_pacman(config, host)
    if reboots:
        require_disk_folder(workdir, filesystem=filesystem)
    if reboots or config.install.system:
        _require_unsigned(config, reboots=reboots, filesystem=filesystem)


def require_disk_folder(workdir: Path, *, filesystem: Path = ROOT) -> None:
    """Raise ConfigError when a reboot would empty the work folder."""
    mountinfo = filesystem / "proc/self/mountinfo"
    if not mountinfo.is_file():
        return
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
