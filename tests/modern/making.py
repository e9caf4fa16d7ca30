"""Making a root with debootstrap, and what must be in it before scripts/setup can run there."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import CommandError, HostError
from pkgafdo.kernel.fetch_apt import KEYRINGS, indextargets_command, mirror_from
from pkgafdo.runner.command import Command
from tests.modern.entering import USER, enter, inside
from tests.modern.place import KIND, Place, require_unmounted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pkgafdo.runner.base import Runner

LOCAL_CERTIFICATES: Final = Path("usr/local/share/ca-certificates")
APT_CONF: Final = "etc/apt/apt.conf.d/90host"
_ACQUIRE: Final = re.compile(
    r'^Acquire::(?:https?|ftp|Retries|Check-\S+|Max-FutureTime)\b\S* ".+";$', re.MULTILINE
)
_LLVM: Final = re.compile(r"^(clang|lld|llvm)-(\d+)$", re.MULTILINE)
_DPKG: Final = """\
# A root that is made anew when its making is cut short needs no journal on the disk.
force-unsafe-io
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
"""
_SUDOERS: Final = f"{USER} ALL=(ALL) NOPASSWD: ALL\n"


def require_mirror(runner: Runner) -> str:
    """Return the mirror that the system's apt uses. Raises HostError when there is none."""
    mirror = mirror_from(runner.query(indextargets_command()).stdout)
    if mirror is None:
        raise HostError(
            "apt's sources name no mirror of the Debian archive",
            details="`apt-get indextargets` lists none of origin Debian.",
            hint="Run it on Debian, or name a mirror with --mirror.",
        )
    return mirror


def require_keyring(candidates: Iterable[Path] = KEYRINGS) -> Path:
    """Return Debian's archive keyring. Raises HostError when it is not installed."""
    for keyring in candidates:
        if keyring.is_file():
            return keyring
    raise HostError(
        "Debian's archive keyring is not installed",
        hint="Install it (Arch and Debian: debian-archive-keyring).",
    )


def debootstrap_command(suite: str, root: Path, *, mirror: str, keyring: Path) -> Command:
    """Return the command that unpacks a suite's smallest system into a root."""
    return Command(
        argv=(
            *("debootstrap", "--variant=minbase", f"--keyring={keyring}"),
            *(suite, str(root), mirror),
        ),
        log="debootstrap",
        hint="Install debootstrap (Arch: debootstrap, Debian: debootstrap).",
        on_failure="Is there a network, and room on the disk?",
    )


def acquire_settings(dump: str) -> str:
    """Return what of `apt-config dump` decides how packages are fetched: proxies, checks; pure."""
    return "".join(f"{found[0]}\n" for found in _ACQUIRE.finditer(dump))


def newest_llvm(names: str) -> int | None:
    """Return the newest LLVM whose clang, lld and llvm are all in a list of packages; pure."""
    found: dict[int, set[str]] = {}
    for part, version in _LLVM.findall(names):
        found.setdefault(int(version), set()).add(part)
    return max((version for version, parts in found.items() if len(parts) == 3), default=None)


@contextmanager
def left_out(place: Place) -> Iterator[None]:
    """Turn a failed command into HostError: nothing was tested, so nothing is known to be broken."""
    try:
        yield
    except CommandError as error:
        raise HostError(
            f"no root of {place.suite} can be made and entered here: {error.message}",
            details=error.details,
            hint=error.hint,
        ) from error


def make_root(
    runner: Runner, place: Place, environment: Mapping[str, str], *, mirror: str | None
) -> None:
    """Make a suite's root anew and enter it: base system, user with sudo, the newest LLVM there is.

    What scripts/setup installs is left to it. Deletes an older root of ours only.
    """
    require_unmounted(place, Path("/proc/self/mountinfo").read_text(encoding="utf-8"))
    keyring = require_keyring()
    mirror = mirror or require_mirror(runner)
    files.remake_marked(place.folder, KIND)
    log.step(f"making {place.name} in {place.root}")
    runner.run(debootstrap_command(place.suite, place.root, mirror=mirror, keyring=keyring))
    copy_host_settings(runner, place.root)
    enter(runner, place)
    for command in user_commands(place, environment):
        runner.run(command)
    files.write_text(place.root / "etc/sudoers.d/user", _SUDOERS)
    install_llvm(runner, place, environment)


def require_packages(runner: Runner, place: Place, environment: Mapping[str, str]) -> None:
    """Raise CommandError when a root's package lists cannot be had: there is no network then."""
    update = ("apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any")
    runner.run(inside(place, update, environment, user=None, log="root"))


def copy_host_settings(runner: Runner, root: Path) -> None:
    """Give a root the host's way to the network, and a dpkg that is quick."""
    if (
        runner.which("apt-config") is not None
    ):  # elsewhere than on Debian there are no such settings
        dump = runner.query(Command(argv=("apt-config", "dump"))).stdout
        files.write_text(root / APT_CONF, acquire_settings(dump))
    files.write_text(root / "etc/dpkg/dpkg.cfg.d/test-root", _DPKG)
    target = root / LOCAL_CERTIFICATES
    for certificate in (Path("/") / LOCAL_CERTIFICATES).glob("*.crt"):
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(certificate, target / certificate.name)


def user_commands(place: Place, environment: Mapping[str, str]) -> tuple[Command, ...]:
    """Return the commands that install sudo and make the user."""
    lines = (
        ("apt-get", "update", "-qq"),
        (
            *("apt-get", "install", "-y", "-qq", "--no-install-recommends"),
            *("sudo", "ca-certificates"),
        ),
        ("useradd", "--create-home", "--shell", "/bin/bash", USER),
    )
    return tuple(inside(place, line, environment, user=None, log="root") for line in lines)


def install_llvm(runner: Runner, place: Place, environment: Mapping[str, str]) -> None:
    """Install the LLVM asked for or else the newest, as on Arch; scripts/setup is content with it."""
    search = ("apt-cache", "pkgnames")
    names = runner.query(inside(place, search, environment, user=None)).stdout
    version = place.llvm or newest_llvm(names)
    if version is None:
        return
    parts = (f"{part}-{version}" for part in ("clang", "lld", "llvm"))
    install = ("apt-get", "install", "-y", "-qq", "--no-install-recommends", *parts)
    runner.run(inside(place, install, environment, user=None, log="root"))
