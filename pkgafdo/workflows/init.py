"""Looking at the host and deciding on a pkgafdo.toml that fits it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.config.load import load_config
from pkgafdo.errors import ConfigError
from pkgafdo.host import boot_loader
from pkgafdo.host.container import container_name
from pkgafdo.host.resources import GIB
from pkgafdo.host.secure_boot import read_secure_boot
from pkgafdo.kernel.memory import estimate_memory
from pkgafdo.perf.settings import RecordSettings
from pkgafdo.vm.settings import WorkloadSettings
from pkgafdo.workflows.init_text import render

if TYPE_CHECKING:
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.workflows.recorder import Road

_TREES: Final = {
    "cachyos": "https://github.com/CachyOS/linux",
    "arch": "https://github.com/archlinux/linux",
}
"""Where a distribution keeps the tree of its kernel, by os-release's ID."""
_RELEASE: Final = re.compile(r"(\d+\.\d+)(?:\.\d+)?")
_KERNEL_PKGBUILD: Final = re.compile(r"^\s*(?:pkgbase|pkgname)=[(\"']*linux", re.MULTILINE)
_ARCH_RELEASE: Final = re.compile(r"(\d+\.\d+(?:\.\d+)?-arch\d+)-\d+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A value and why it fits this machine."""

    value: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What the file will say.

    module_list is modprobed-db's, or empty. route is how packages are made: the kernel's own
    pacman-pkg, or makepkg with the PKGBUILD in `folder`.
    """

    machine: str
    location: Choice
    branch: str
    base: Choice
    lto: Choice
    module_list: str
    road: Choice
    install: Choice
    workload: Choice
    route: Choice
    folder: str = ""


def choose(host: HostFacts, road: Road, *, here: Path, filesystem: Path = Path("/")) -> Choices:
    """Decide by what this machine is; `road` is where branches can be recorded, `here` the folder."""
    modules = host.folders.config / "modprobed.db"
    base = _base(host)
    recorded = _road(host, road, filesystem)
    location, branch = _tree(host)
    on_host = recorded.value == "host"
    is_kernel = _has_kernel_pkgbuild(here)
    return Choices(
        machine=f"{host.distribution}, {host.cpu.model_name or host.machine}, {host.cores} cores, "
        f"{host.memory / GIB:.0f} GiB",
        location=location,
        branch=branch,
        base=base,
        lto=_lto(host, base.value),
        module_list=str(modules) if modules.is_file() and base.value == "running" else "",
        road=recorded,
        install=_install(on_host=on_host, filesystem=filesystem),
        workload=workload(on_host=on_host),
        route=Choice(value="pkgbuild", why="there is a kernel's PKGBUILD here")
        if is_kernel
        else Choice(value="pacman-pkg", why="the kernel's own; a PKGBUILD's folder goes as well"),
        folder=str(here) if is_kernel else "",
    )


def _has_kernel_pkgbuild(folder: Path) -> bool:
    path = folder / "PKGBUILD"
    if not path.is_file():
        return False
    return _KERNEL_PKGBUILD.search(path.read_text(encoding="utf-8", errors="replace")) is not None


def workload(*, on_host: bool) -> Choice:
    """Return the workload of a road; on a machine several, with commas between."""
    if on_host:
        names = ", ".join(RecordSettings().workloads)
        return Choice(value=names, why="replace them by what this machine is for")
    return Choice(
        value=WorkloadSettings().suite,
        why="the shipped training suite; a command of your own is better",
    )


def _tree(host: HostFacts) -> tuple[Choice, str]:
    """Return the tree and its branch: the distribution's own, at the version that runs."""
    release, arch = _RELEASE.match(host.release), _ARCH_RELEASE.fullmatch(host.release)
    if host.distribution == "cachyos" and release:
        return Choice(value=_TREES["cachyos"], why="CachyOS's tree"), f"{release[1]}/base"
    if host.distribution == "arch" and arch:
        return Choice(value=_TREES["arch"], why="Arch's tree"), f"v{arch[1]}"
    return Choice(value="auto", why="Debian's newest linux-source, or kernel.org's"), ""


def _base(host: HostFacts) -> Choice:
    if host.kernel_config is None:
        return Choice(value="defconfig", why="the running kernel's is not readable here")
    if not host.pacman_managed:
        return Choice(
            value="small", why="a kernel for the VM, built in minutes: nothing is installed"
        )
    return Choice(value="running", why=f"that of {host.release} ({host.kernel_config})")


def _lto(host: HostFacts, base: str) -> Choice:
    needed = estimate_memory(base, jobs=host.cores)
    if host.memory < needed / 2:
        return Choice(
            value="none",
            why=f"{host.memory / GIB:.0f} GiB are too few for ThinLTO of this kernel",
        )
    return Choice(value="thin", why="the profile works across files")


def _road(host: HostFacts, road: Road, filesystem: Path) -> Choice:
    container = container_name(filesystem)
    if road.name != "host" or container or not host.pacman_managed:
        why = f"in a {container} container" if container else road.why
        if road.name == "host" and not container:
            why = "pacman does not manage this system, so nothing is installed and booted"
        return Choice(value="vm", why=why)
    if read_secure_boot(filesystem).refuses:
        return Choice(value="vm", why="Secure Boot is on: the kernel to record would not boot")
    return Choice(value="host", why=road.why)


def _install(*, on_host: bool, filesystem: Path) -> Choice:
    if not on_host:
        return Choice(value="no", why="packages end in the work folder; --install installs them")
    loader = boot_loader.detect(filesystem)
    how = "boots it once" if loader.oneshot is not boot_loader.OneShot.NONE else "asks you"
    return Choice(value="yes", why=f"the kernel is recorded where it runs; {loader.name} {how}")


def write_new(path: Path, choices: Choices) -> None:
    """Write the configuration; it has been loaded once before it gets its name.

    Raises ConfigError when the file exists: what a user wrote is never overwritten.
    """
    if path.exists() or path.is_symlink():
        raise ConfigError(
            f"{path} exists and is left as it is",
            hint="Name another file (--output), or move it away.",
        )
    with files.replacing(path) as temporary:
        temporary.write_text(render(choices), encoding="utf-8")
        load_config(temporary)
