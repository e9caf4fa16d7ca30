"""The room on the disks that builds, their source and what follows will take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.host.resources import GIB, Need, require_room
from pkgafdo.kernel import configure, disk, fetch_tarball, kconfig
from pkgafdo.kernel.settings import SourceKind
from pkgafdo.packaging import pkgbuild_copy
from pkgafdo.workflows.rounds import Round, rounds

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.config.model import Config
    from pkgafdo.kernel.settings import SourceSettings
    from pkgafdo.workflows.session import Session

_MARGIN: Final = 512 << 20
"""Bytes beyond the builds: recordings, profiles, reports."""
_KEPT: Final = disk.PACKAGES / 2 / (1 + disk.PACKAGES)
"""The share of a build that lies in the work folder: kept packages and the private root."""
_HINT: Final = (
    "Make room there, choose a folder on another disk (--workdir), "
    "or set build.disk_gib to what one build is known to take."
)


def require_room_for(session: Session, which: Round, *, besides: Iterable[Need] = ()) -> None:
    """Raise HostError when a round does not fit on the disks; with the first, all have to.

    `besides` is what has to fit too: a kernel source that is yet to be fetched.
    """
    first = which is Round.BASELINE
    needs = build_needs(
        session.config,
        configure.RunningKernel(release=session.host.release),
        scratch=session.scratch if first else session.scratch / which,
        workdir=session.workdir.path,
        builds=len(rounds(session.config)) if first else 1,
    )
    require_room([*needs, *besides], purpose=f"the {which} build and what follows", hint=_HINT)


def source_needs(settings: SourceSettings, cache: Path, *, sha256: str = "") -> list[Need]:
    """Return what a source that has to be fetched takes in the cache; sha256 is a tarball's, if known."""
    digest = sha256 or settings.sha256
    is_there = settings.kind is SourceKind.FOLDER or (
        digest and fetch_tarball.find_unpacked(cache, fetch_tarball.key_of(digest))
    )
    need = Need(path=cache, size=disk.SOURCE, what="the kernel source", begun=False)
    return [] if is_there else [need]


def build_needs(
    config: Config,
    running: configure.RunningKernel,
    *,
    scratch: Path,
    workdir: Path,
    builds: int,
) -> list[Need]:
    """Return what builds take where they happen, and where their results go.

    Raises ConfigError when the configuration that the kernels are made of cannot be read.
    """
    size = builds * _build_size(config, running)
    what = f"{builds} build{'s' * (builds > 1)} of “{_label(config)}”"
    needs = [Need(path=scratch, size=int(size * (1 - _KEPT)), what=what)]
    if _by_makepkg(config):
        unpacked = Need(path=scratch, size=builds * disk.SOURCE, what="the sources of each")
        needs.append(unpacked)
    kept = int(size * _KEPT) + _MARGIN
    return [*needs, Need(path=workdir / "root", size=kept, what="packages and recordings")]


def _by_makepkg(config: Config) -> bool:
    return config.package.route == "pkgbuild"


def _label(config: Config) -> str:
    return config.package.folder if _by_makepkg(config) else config.kernel.base


def _build_size(config: Config, running: configure.RunningKernel) -> int:
    """Return the bytes of one build with its packages and their root."""
    if config.build.disk_gib:
        return int(config.build.disk_gib * GIB)
    if _by_makepkg(config):
        objects = _objects_of_pkgbuild(Path(config.package.folder))
    else:
        objects = disk.objects_of(config.kernel, running)
    return int(objects * (1 + disk.PACKAGES))


def _objects_of_pkgbuild(folder: Path) -> int:
    """Return the bytes of the largest configuration's objects among a PKGBUILD's files.

    Fragments and patches beside a whole configuration do not count.
    """
    found = [path for path in pkgbuild_copy.content_of(folder) if path.name.startswith("config")]
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in found]
    whole = [text for text in texts if disk.is_whole(kconfig.parse_config(text))]
    return max((disk.estimate_objects(text) for text in whole or texts), default=disk.SMALL)
