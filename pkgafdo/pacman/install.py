"""Installing package files: into a private root of ours, or into the system beside its kernel."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import HostError
from pkgafdo.pacman import database, program
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile
    from pkgafdo.pacman.package import InstalledPackage
    from pkgafdo.runner.base import Runner

ROOT_KIND: Final = "pacman root"
_CONFIG: Final = """\
[options]
# Only files that this run built come in here, and nothing of them is ever executed here.
SigLevel = Never
LocalFileSigLevel = Never
"""
_NO_SANDBOX: Final = "--disable-sandbox"


def private_command(
    packages: Sequence[PackageFile], *, root: Path, as_root: bool, options: tuple[str, ...] = ()
) -> Command:
    """Return the command that installs packages into a prepared private root.

    Without root's rights fakeroot makes pacman believe that it has them; the files are the user's.
    """
    return Command(
        argv=(
            *(() if as_root else ("fakeroot", "--")),
            *("pacman", "-U", "--noconfirm", "--noprogressbar"),
            *("--root", str(root)),
            *("--config", str(root / "etc/pacman.conf")),
            *("--dbpath", str(root / "var/lib/pacman")),
            *("--cachedir", str(root / "var/cache/pacman/pkg")),
            *("--logfile", str(root / "var/log/pacman.log")),
            # pacman takes the hooks of /etc/pacman.d/hooks even with another root.
            *("--hookdir", str(root / "etc/pacman.d/hooks")),
            "--noscriptlet",
            # What a PKGBUILD's packages depend on (coreutils, an initramfs) has no place in here.
            *("--nodeps", "--nodeps"),
            # All in here is ours: what a killed installation left is written again.
            *("--overwrite", "*"),
            *options,
            "--",
            *(str(package.path) for package in packages),
        ),
        log="pacman",
        hint=(
            "Install pacman and fakeroot (Arch: pacman, fakeroot; "
            "Debian: pacman-package-manager, fakeroot)."
        ),
    )


def system_command(packages: Sequence[PackageFile]) -> Command:
    """Return the command that installs packages into the running system."""
    paths = (str(package.path) for package in packages)
    return Command(
        argv=("pacman", "-U", "--noconfirm", "--noprogressbar", "--", *paths),
        run_as=RunAs.ROOT,
        log="pacman",
        hint=program.PACMAN_HINT,
    )


def sandbox_options(runner: Runner) -> tuple[str, ...]:
    """Return the option that turns pacman's sandbox off, where pacman knows it (7.0).

    Containers forbid the system calls that set it up, and nothing is downloaded here.
    """
    text = runner.query(Command(argv=("pacman", "-U", "--help"), hint=program.PACMAN_HINT)).stdout
    known = {word.rstrip(",") for word in text.split()}
    return (_NO_SANDBOX,) if _NO_SANDBOX in known else ()


def prepare_root(root: Path) -> None:
    """Make a private root of ours, or repair one that a killed installation left.

    Raises ConfigError when the folder holds what is not ours.
    """
    files.mark_folder(root, ROOT_KIND)
    for folder in ("var/lib/pacman", "var/cache/pacman/pkg", "var/log", "etc/pacman.d/hooks"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    files.write_text(root / "etc/pacman.conf", _CONFIG)
    (root / "var/lib/pacman/db.lck").unlink(missing_ok=True)
    for entry in (root / "var/lib/pacman/local").glob("*/"):
        if not all(_has_content(entry / name) for name in ("desc", "files")):
            # pacman refuses to install over an entry that it cannot read.
            shutil.rmtree(entry)


def _has_content(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0


def install_private(
    runner: Runner, packages: Sequence[PackageFile], *, root: Path, as_root: bool
) -> tuple[InstalledPackage, ...]:
    """Install packages into a private root; returns all packages that are in it then."""
    prepare_root(root)
    _note_present(runner, packages, root=root)
    options = sandbox_options(runner)
    runner.run(private_command(packages, root=root, as_root=as_root, options=options))
    return database.installed(runner, root=root)


def _note_present(runner: Runner, packages: Sequence[PackageFile], *, root: Path) -> None:
    if not (root / "var/lib/pacman/local").is_dir():
        return
    present = {(package.name, package.version) for package in database.installed(runner, root=root)}
    for package in packages:
        if (package.pkgname, package.pkgver) in present:
            log.note(
                f"{package.pkgname} {package.pkgver} is installed already; installing it again"
            )


def install_system(
    runner: Runner, packages: Sequence[PackageFile], *, running_release: str
) -> tuple[InstalledPackage, ...]:
    """Install packages into the running system, never in place of its running kernel.

    Returns the installed packages of the same names.
    """
    for package in packages:
        require_not_running(package, package_files(runner, package.path), running_release)
    runner.run(system_command(packages))
    names = {package.pkgname for package in packages}
    everything = database.installed(runner, root=database.SYSTEM)
    return tuple(package for package in everything if package.name in names)


def package_files(runner: Runner, path: Path) -> tuple[str, ...]:
    """Read the file list of a package file, relative to the root; folders end in `/`.

    `pacman -Qlp` will not do: it wants the system's database, which an ordinary user cannot make.
    """
    command = Command(
        argv=("bsdtar", "-tf", str(path)),
        env={"LC_ALL": "C.UTF-8"},
        hint="bsdtar is in Arch's libarchive and Debian's libarchive-tools.",
    )
    # Names with a dot in front, such as .PKGINFO, are about the package and not in it.
    return tuple(
        line for line in runner.query(command).stdout.splitlines() if not line.startswith(".")
    )


def require_not_running(package: PackageFile, paths: Iterable[str], running_release: str) -> None:
    """Raise HostError when a package would write into the running kernel's modules."""
    folder = f"usr/lib/modules/{running_release}/"
    if any(path.startswith(folder) for path in paths):
        raise HostError(
            f"{package.pkgname} would replace the running kernel {running_release}",
            details=f"{package.path} holds /{folder}",
            hint="Boot another kernel first, or build with another local version.",
        )
