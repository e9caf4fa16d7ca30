"""Kernel source from tarballs: verified, unpacked once, keyed by their digest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo import download, files, log
from pkgafdo.artifacts import KernelTree
from pkgafdo.errors import ArtifactError, CommandError, ConfigError
from pkgafdo.kernel import tree
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.runner.base import Runner

SOURCE_MARK: Final = "kernel-source"
_TREE: Final = "tree"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A release of kernel.org with the checksum of its tarball."""

    version: str
    url: str
    sha256: str


PINNED: Final = Pin(
    version="6.18.54",
    url="https://cdn.kernel.org/pub/linux/kernel/v6.x/linux-6.18.54.tar.xz",
    # kernel.org's v6.x/sha256sums.asc, as quoted alike by two independent public recipes:
    # llm-net/llm-gate-vm-image (build.sh) and FreeLinX Desktop (its build of kernel and modules).
    sha256="9df30b02dd8102bbd0be52556288ef6889ddbe7f1ddb96fbf847d0becf3eacac",
)
"""A longterm release for hosts that have no other verified source."""


def unpack_command(tarball: Path, folder: Path) -> Command:
    """Return the command that unpacks a tarball into a folder, without its top folder."""
    return Command(
        argv=(
            *("bsdtar", "-xf", str(tarball)),
            *("-C", str(folder)),
            *("--strip-components", "1"),
            "--no-same-owner",
        ),
        hint="Install bsdtar (Arch: libarchive, Debian: libarchive-tools).",
        log="fetch",
    )


def source_folder(cache: Path, key: str) -> Path:
    """Return where the source with a key (a digest) lies in the cache."""
    return cache / "sources" / key


def find_unpacked(cache: Path, key: str) -> Path | None:
    """Return the tree that was unpacked under a key, or None; it is whole when it is there."""
    found = source_folder(cache, key) / _TREE
    return found if found.is_dir() else None


def key_of(sha256: str) -> str:
    """Return the key of a tarball's tree."""
    return f"sha256-{sha256[:32]}"


def partial_tree(cache: Path, key: str) -> Path:
    """Return where a source is unpacked before it gets its final name."""
    return source_folder(cache, f".{key}.partial") / _TREE


def download_place(cache: Path, url: str) -> Path:
    """Return where the tarball of a URL is downloaded to."""
    return cache / "downloads" / url.rpartition("/")[2]


def begin(cache: Path, key: str) -> Path:
    """Return an empty folder of ours to unpack into; what an interrupted run left is removed."""
    tree_folder = partial_tree(cache, key)
    files.remake_marked(tree_folder.parent, SOURCE_MARK)
    tree_folder.mkdir()
    return tree_folder


def finish(cache: Path, key: str) -> Path:
    """Give an unpacked source its final name; if no kernel, remove it and raise ArtifactError."""
    partial = partial_tree(cache, key).parent
    try:
        tree.inspect(partial / _TREE)
    except ArtifactError:
        files.remove_marked(partial)
        raise
    final = source_folder(cache, key)
    files.remove_marked(final)
    partial.rename(final)
    return final / _TREE


def unpack(runner: Runner, tarball: Path, sha256: str, *, cache: Path) -> Path:
    """Return the tree of a verified tarball, unpacking it unless that was done before."""
    key = key_of(sha256)
    if (found := find_unpacked(cache, key)) is not None:
        return found
    log.note(f"unpacking {tarball.name}")
    folder = begin(cache, key)
    try:
        runner.run(unpack_command(tarball, folder))
        return finish(cache, key)
    except CommandError as error:
        files.remove_marked(folder.parent)
        raise ArtifactError(
            f"{tarball} could not be unpacked",
            details=error.details,
            hint="Check that it is a whole tarball and that the disk has 2 GiB free.",
        ) from error
    except ArtifactError as error:
        raise ArtifactError(
            f"{tarball} holds no Linux kernel source tree",
            details=error.details,
            hint="Name a tarball whose one top folder is the kernel's.",
        ) from error


def require_file(tarball: Path) -> None:
    """Raise ConfigError when there is no such tarball."""
    if not tarball.is_file():
        raise ConfigError(f"there is no tarball at {tarball}", hint="Check source.location.")


def require_digest(tarball: Path, found: str, wanted: str) -> None:
    """Raise ArtifactError when a tarball's SHA-256 is not the one that is wanted, if any is."""
    if wanted and found != wanted:
        raise ArtifactError(
            f"{tarball} is not the tarball that was asked for",
            details=f"sha256 expected {wanted}\n       but got  {found}",
            hint="Download it again, or correct source.sha256.",
        )


def from_file(runner: Runner, tarball: Path, sha256: str, *, cache: Path) -> KernelTree:
    """Return the tree of a tarball on this machine; checks its sha256 when one is given."""
    require_file(tarball)
    found = files.sha256_file(tarball)
    require_digest(tarball, found, sha256)
    return _tree(unpack(runner, tarball, found, cache=cache), found, origin=str(tarball))


def from_url(runner: Runner, url: str, sha256: str, *, cache: Path) -> KernelTree:
    """Return the tree of a tarball behind a URL, downloading and unpacking it once."""
    path = find_unpacked(cache, key_of(sha256))
    if path is None:
        target = download_place(cache, url)
        log.step(f"downloading {url}")
        with log.working():
            download.download(url, sha256=sha256, target=target, progress=download.show_progress)
        path = unpack(runner, target, sha256, cache=cache)
        target.unlink()  # the tree is what is kept; a tarball more would waste 150 MB
    return _tree(path, sha256, origin=url)


def _tree(path: Path, sha256: str, *, origin: str) -> KernelTree:
    version = tree.inspect(path).version
    return KernelTree(path=path, version=version, digest=sha256, kind="tarball", origin=origin)
