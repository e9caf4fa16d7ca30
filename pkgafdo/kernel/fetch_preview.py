"""What getting a kernel source would run, as shell lines; what is ours to do is a comment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pkgafdo.kernel import fetch, fetch_apt, fetch_git, fetch_tarball
from pkgafdo.kernel.settings import SourceKind
from pkgafdo.runner.command import shell

if TYPE_CHECKING:
    from pkgafdo.kernel.fetch import SourceHost
    from pkgafdo.kernel.settings import SourceSettings
    from pkgafdo.runner.base import Runner


def source_lines(
    runner: Runner, settings: SourceSettings, *, sha256: str, cache: Path, host: SourceHost
) -> tuple[str, ...]:
    """Return the lines for a source; sha256 is its tarball's where that is known."""
    title = f"# the kernel source: {settings.label}"
    match settings.kind:
        case SourceKind.FOLDER:
            return (title,)
        case SourceKind.TARBALL:
            return (title, *_unpacking(Path(settings.location), sha256, cache))
        case SourceKind.URL:
            return (title, *_from_url(settings.location, settings.sha256, cache))
        case SourceKind.GIT:
            return (title, *_cloning(settings, cache))
        case SourceKind.AUTO:
            if fetch.has_apt(runner, host):
                return (title, *_from_apt(cache))
            pin = fetch_tarball.PINNED
            return (title, *_from_url(pin.url, pin.sha256, cache))
        case unknown:
            assert_never(unknown)


def _unpacking(tarball: Path, sha256: str, cache: Path) -> tuple[str, ...]:
    if sha256 and (found := fetch_tarball.find_unpacked(cache, fetch_tarball.key_of(sha256))):
        return (f"# it is unpacked in {found}",)
    key = fetch_tarball.key_of(sha256) if sha256 else "sha256-‹digest›"
    folder = fetch_tarball.partial_tree(cache, key)
    return (shell(fetch_tarball.unpack_command(tarball, folder)),)


def _from_url(url: str, sha256: str, cache: Path) -> tuple[str, ...]:
    lines = _unpacking(fetch_tarball.download_place(cache, url), sha256, cache)
    if lines[0].startswith("#"):
        return lines
    return (f"# download {url}, sha256 {sha256}", *lines)


def _cloning(settings: SourceSettings, cache: Path) -> tuple[str, ...]:
    url, branch = settings.repository, settings.branch
    folder = fetch_tarball.partial_tree(cache, "git-‹commit›")
    return (
        shell(fetch_git.ls_remote_command(url, branch)),
        "# unless that commit is in the cache:",
        shell(fetch_git.clone_command(url, branch, folder)),
    )


def _from_apt(cache: Path) -> tuple[str, ...]:
    folder = fetch_apt.apt_folder(cache)
    scratch = fetch_apt.download_folder(folder)
    package = fetch_apt.SourcePackage(name="linux-source-‹newest›", version="‹version›")
    return (
        shell(fetch_apt.update_command(folder)),
        shell(fetch_apt.search_command(folder)),
        "# unless that package is in the cache:",
        shell(fetch_apt.download_command(folder, package)),
        shell(fetch_apt.extract_command(scratch / "‹package›.deb", scratch)),
        *_unpacking(scratch / "files/usr/src/linux-source-‹newest›.tar.xz", "", cache),
    )
