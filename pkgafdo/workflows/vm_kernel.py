"""Which kernel a command of the user's runs on in the VM, and whether it can."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pkgafdo import log
from pkgafdo.artifacts import Vmlinux
from pkgafdo.errors import ConfigError
from pkgafdo.kernel.configure import read_config
from pkgafdo.kernel.kconfig import parse_config
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.vm.virtme import require_options
from pkgafdo.workflows.recordings import read_vmlinux

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class VmKernel:
    """A kernel to boot; config is its configuration, None when nobody knows it.

    modules tells whether virtme-ng may look for its modules: in a build folder it would write.
    """

    image: Path
    vmlinux: Vmlinux
    config: Mapping[str, str] | None
    modules: bool


def kernel_of_run(workdir: Path) -> VmKernel:
    """Return the baseline kernel of a run. Raises ConfigError when it has not been built."""
    entries = require_workdir(workdir).journal.read()
    installed = entries.get("install-baseline")
    if installed is None:
        raise ConfigError(
            f"the run in {workdir} has no baseline kernel yet",
            hint="Build it: `pkgafdo build`; or name a kernel: --kernel IMAGE --vmlinux FILE.",
        )
    built = entries.get("build-baseline")
    kept = built.files.get("config") if built is not None else None
    image = installed.files["image"].path
    vmlinux = Vmlinux(
        path=installed.files["vmlinux"].path,
        build_id=str(installed.facts["build_id"]),
        release=str(installed.facts["release"]),
    )
    return _kernel(image, vmlinux, kept.path if kept is not None else config_beside(image))


def kernel_of_files(image: Path, vmlinux: Path | None) -> VmKernel:
    """Return a kernel by itself.

    Raises ConfigError when a file is missing, ArtifactError when vmlinux is none.
    """
    if vmlinux is None or not image.is_file():
        raise ConfigError(
            f"there is no kernel image {image}" if vmlinux else f"{image} needs its vmlinux",
            hint="Name both, of one build: --kernel bzImage --vmlinux vmlinux.",
        )
    image = image.resolve()
    return _kernel(image, read_vmlinux(vmlinux), config_beside(image))


def require_able(kernel: VmKernel) -> None:
    """Raise HostError when a kernel's configuration says that it cannot; says what it lacks."""
    if kernel.config is None:
        log.note("this kernel's configuration is nowhere to be found: trying it all the same")
    else:
        require_options(kernel.config, str(kernel.image))


def config_beside(image: Path) -> Path | None:
    """Return the configuration by an image: in its modules' folder, in /boot, or in a build folder."""
    places = (
        image.parent / "config",
        image.parent / "build/.config",
        image.with_name(image.name.replace("vmlinuz", "config", 1)),
        *(folder / ".config" for folder in image.parents[2:4]),
    )
    return next((place for place in places if place.is_file() and place != image), None)


def _kernel(image: Path, vmlinux: Vmlinux, config: Path | None) -> VmKernel:
    return VmKernel(
        image=image,
        vmlinux=vmlinux,
        config=parse_config(read_config(config)) if config is not None else None,
        modules=image.name != "bzImage",
    )
