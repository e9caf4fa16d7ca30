"""Being inside a root: what is mounted there, and commands that run there."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.runner.base import Runner
    from tests.modern.place import Place

USER: Final = "user"
"""Who works inside: an ordinary user with sudo, as on a desktop."""
HOME: Final = f"/home/{USER}"
COPY: Final = f"{HOME}/pkgafdo"
OUTSIDE: Final = "PKGAFDO_OUTSIDE"
"""Environment variable: the mount name space of whoever started scripts/test-modern."""

_CHANGE_ROOT: Final = (
    'mount --rbind "$1" "$1" && cd "$1" && shift && mount --move . / && exec chroot . "$@"'
)
"""What switch_root(8) does: in what chroot alone enters, nobody may make a user name space.

So bubblewrap, which an ordinary user has on Arch, would work for root alone.
"""
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_PASSED: Final = (
    "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
    "PIP_CERT", "PIP_DEFAULT_TIMEOUT", "PIP_INDEX_URL", "PIP_PROXY", "PIP_TRUSTED_HOST",
)  # fmt: skip


def environment_inside(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of commands inside: a login's, and the host's way to the network."""
    passed = {name: environ[name] for name in _PASSED if environ.get(name)}
    return {
        "PATH": _PATH,
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "DEBIAN_FRONTEND": "noninteractive",
        **passed,
    }


def inside(
    place: Place,
    argv: tuple[str, ...],
    environment: Mapping[str, str],
    *,
    user: str | None = USER,
    log: str | None = None,
    accept: frozenset[int] = frozenset({0}),
) -> Command:
    """Return a command that runs in a root, in the copy of the checkout: as the user, or as root."""
    drop: tuple[str, ...] = ()
    where = "/"
    home = "/root"
    if user is not None:
        drop = ("setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups")
        where, home = COPY, HOME
    words = (f"{name}={value}" for name, value in sorted(environment.items()))
    return Command(
        argv=(
            *("unshare", "--mount", "bash", "-c", _CHANGE_ROOT, "change-root", str(place.root)),
            *drop,
            *("env", "-i", f"--chdir={where}", f"HOME={home}", *words),
            *argv,
        ),
        log=log,
        accept=accept,
    )


def require_own_namespace(environ: Mapping[str, str]) -> None:
    """Raise HostError unless our mounts vanish with us."""
    outside = environ.get(OUTSIDE)
    if outside is None or outside == str(Path("/proc/self/ns/mnt").readlink()):
        raise HostError(
            "the mounts of a test root would outlive this program",
            hint="Start it with scripts/test-modern.",
        )


def mount_commands(root: Path) -> tuple[Command, ...]:
    """Return the commands that give a root its kernel's file systems."""
    return (
        Command(argv=("mount", "-t", "proc", "proc", str(root / "proc"))),
        Command(argv=("mount", "--rbind", "/sys", str(root / "sys"))),
        Command(argv=("mount", "--rbind", "/dev", str(root / "dev"))),
    )


def enter(runner: Runner, place: Place) -> None:
    """Mount what a root needs and let it find names as the host does."""
    for command in mount_commands(place.root):
        runner.run(command)
    for path in (Path("/etc/resolv.conf"), Path("/etc/hosts")):
        if path.is_file():
            shutil.copyfile(path, place.root / "etc" / path.name)


def tracked_files(runner: Runner, checkout: Path) -> tuple[str, ...]:
    """Return the files of a checkout as they are now: those that git tracks or would."""
    listing = Command(
        argv=(
            *("git", "-c", "safe.directory=*", "-C", str(checkout)),
            *("ls-files", "-z", "--cached", "--others", "--exclude-standard"),
        ),
        hint="Install git (Arch: git, Debian: git).",
    )
    names = runner.query(listing).stdout.split("\0")
    return tuple(sorted({name for name in names if name and (checkout / name).is_file()}))


def describe_checkout(runner: Runner, checkout: Path) -> str:
    """Return which commit a checkout is at, with a plus sign when it has changes beside."""
    git = ("git", "-c", "safe.directory=*", "-C", str(checkout))
    commit = runner.query(Command(argv=(*git, "rev-parse", "--short=10", "HEAD"))).stdout.strip()
    changed = runner.query(Command(argv=(*git, "status", "--porcelain"))).stdout.strip()
    return f"{commit}+" if changed else commit


def copy_checkout(runner: Runner, checkout: Path, place: Place) -> None:
    """Put a clean copy of the checkout into a root; only its .venv stays from an earlier one."""
    target = place.root / COPY.lstrip("/")
    target.mkdir(parents=True, exist_ok=True)
    for entry in target.iterdir():
        if entry.name == ".venv":
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for name in tracked_files(runner, checkout):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(checkout / name, target / name, follow_symlinks=False)
    runner.run(Command(argv=("chroot", str(place.root), "chown", "-R", f"{USER}:{USER}", HOME)))
