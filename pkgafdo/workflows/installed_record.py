"""The record of the kernels that we installed into this system, kept in the user's state folder."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.workflows.rounds import naming

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session

_NAME: Final = "installed.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledKernel:
    """The packages of one kernel that a run installed.

    packages maps pkgname to the version installed; workdir is the run's folder.
    """

    pkgbase: str
    release: str
    packages: dict[str, str]
    workdir: str


def record_path(host: HostFacts) -> Path:
    """Return where the record is."""
    return host.folders.state / "pkgafdo" / _NAME


def read_record(path: Path) -> tuple[InstalledKernel, ...]:
    """Read the record; one that cannot be read says nothing, with a warning."""
    if not path.is_file():
        return ()
    try:
        return tuple(InstalledKernel(**one) for one in files.read_json(path))
    except (OSError, ValueError, TypeError) as error:
        log.warn(f"the record of installed kernels {path} is unreadable ({error})")
        return ()


def write_record(path: Path, kernels: Iterable[InstalledKernel]) -> None:
    """Write the record by rename; an empty one is removed."""
    listed = [asdict(kernel) for kernel in kernels]
    if listed:
        files.write_json(path, listed)
    else:
        path.unlink(missing_ok=True)


def remember(path: Path, kernel: InstalledKernel) -> None:
    """Add a kernel to the record, in place of an earlier one of the same release."""
    others = [one for one in read_record(path) if one.release != kernel.release]
    write_record(path, [*others, kernel])


def remember_packages(
    session: Session, which: Round, release: str, packages: Sequence[PackageFile]
) -> None:
    """Write down that a round's packages come into this system, so that uninstall may remove them."""
    kernel = InstalledKernel(
        pkgbase=naming(session.config, which).pkgbase,
        release=release,
        packages={package.pkgname: package.pkgver for package in packages},
        workdir=str(session.workdir.path),
    )
    remember(record_path(session.host), kernel)
