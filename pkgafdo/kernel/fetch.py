"""A kernel tree from wherever the user says: folder, tarball, URL, git, or the host's newest."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pkgafdo import log
from pkgafdo.artifacts import KernelTree
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel import fetch_apt, fetch_git, fetch_tarball, identity, tree
from pkgafdo.kernel.settings import SourceKind
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pkgafdo.kernel.settings import SourceSettings
    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceHost:
    """What decides how “auto” is fetched here.

    keyring is Debian's archive keyring where it is installed, None elsewhere. As root, apt must be
    told not to drop to a user of its own, who could not write to our cache.
    """

    keyring: Path | None
    is_root: bool


def find_keyring(candidates: tuple[Path, ...] = fetch_apt.KEYRINGS) -> Path | None:
    """Return the host's keyring of the Debian archive, or None."""
    return next((path for path in candidates if path.is_file()), None)


def fetch(runner: Runner, settings: SourceSettings, *, cache: Path, host: SourceHost) -> KernelTree:
    """Return the kernel tree that the settings ask for, unpacking it below `cache` when needed.

    Raises ArtifactError when it is no kernel or its checksum is wrong, HostError when the network
    fails, CommandError when git, apt or bsdtar does.
    """
    with _alone(cache):
        found = _fetch(runner, settings, cache=cache, host=host)
    require_readable(runner, found.path)
    return found


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Wait until no other run fetches into the same cache; the kernel frees the lock of the dead."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "fetch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _fetch(
    runner: Runner, settings: SourceSettings, *, cache: Path, host: SourceHost
) -> KernelTree:
    match settings.kind:
        case SourceKind.FOLDER:
            return from_folder(runner, Path(settings.location))
        case SourceKind.TARBALL:
            path = Path(settings.location)
            return fetch_tarball.from_file(runner, path, settings.sha256, cache=cache)
        case SourceKind.URL:
            return fetch_tarball.from_url(runner, settings.location, settings.sha256, cache=cache)
        case SourceKind.GIT:
            return fetch_git.from_git(runner, settings.repository, settings.branch, cache=cache)
        case SourceKind.AUTO:
            return _newest(runner, cache=cache, host=host)
        case unknown:
            assert_never(unknown)


def has_apt(runner: Runner, host: SourceHost) -> bool:
    """Say whether apt can fetch and verify a source of Debian's here."""
    programs = all(runner.which(name) for name in ("apt-get", "dpkg-deb"))
    return programs and host.keyring is not None


def _newest(runner: Runner, *, cache: Path, host: SourceHost) -> KernelTree:
    """Return Debian's newest kernel source where apt can verify it, else the pinned release."""
    if has_apt(runner, host) and host.keyring:
        return fetch_apt.from_apt(runner, cache=cache, keyring=host.keyring, is_root=host.is_root)
    pin = fetch_tarball.PINNED
    log.note(f"without apt and Debian's keyring, the source is Linux {pin.version}")
    return fetch_tarball.from_url(runner, pin.url, pin.sha256, cache=cache)


def require_folder(path: Path) -> Path:
    """Return a folder's whole path; raises ConfigError when there is nothing."""
    if not path.exists():
        raise ConfigError(
            f"there is no kernel source at {path}",
            hint='Set source.location to a kernel tree, a tarball, a git URL or "auto".',
        )
    return path.resolve()


def find_tree(settings: SourceSettings, sha256: str, *, cache: Path) -> Path | None:
    """Return the tree that needs no fetching, or None; sha256 is a tarball's where it is known.

    Raises ConfigError when a folder or tarball of the user's is not there, ArtifactError when the
    tarball is another.
    """
    place = Path(settings.location)
    if settings.kind is SourceKind.FOLDER:
        return require_folder(place)
    if settings.kind is SourceKind.TARBALL:
        fetch_tarball.require_file(place)
        fetch_tarball.require_digest(place, sha256, settings.sha256)
    digest = sha256 or settings.sha256
    return fetch_tarball.find_unpacked(cache, fetch_tarball.key_of(digest)) if digest else None


def from_folder(runner: Runner, path: Path) -> KernelTree:
    """Return the tree in a folder, which is used as it is and never written to."""
    path = require_folder(path)
    facts = tree.inspect(path)
    digest, kind = identity.identify(runner, path)
    return KernelTree(path=path, version=facts.version, digest=digest, kind=kind, origin=str(path))


def unreadable_command(path: Path) -> Command:
    """Return the command that prints the first entry of a tree that the build user cannot read."""
    return Command(
        argv=(
            *("find", str(path)),
            *("-name", ".git", "-prune"),
            *("-o", "!", "-readable", "-print", "-quit"),
        ),
        cwd=Path("/"),
        run_as=RunAs.BUILDER,
        accept=frozenset({0, 1}),
    )


def require_readable(runner: Runner, path: Path) -> None:
    """Raise ArtifactError when the build user cannot read a tree wholly."""
    result = runner.query(unreadable_command(path))
    if result.returncode == 0 and not result.stdout.strip():
        return
    raise ArtifactError(
        f"the build user cannot read all of {path}",
        details=(result.stdout + result.stderr).strip(),
        hint=f"Let others read it: chmod -R a+rX {path} (and its parent folders), "
        "or put the source somewhere that is not private.",
    )
