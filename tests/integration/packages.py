"""Small real pacman packages, packed with bsdtar as makepkg packs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.artifacts import PackageFile
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.runner.base import Runner

_MTREE_OPTIONS = "!all,use-set,type,uid,gid,mode,time,size,md5,sha256,link"


def pack(
    runner: Runner, folder: Path, name: str, files: dict[str, bytes | str], *, base: str
) -> PackageFile:
    """Pack files (a text is the target of a link) into a package file in a folder."""
    tree = folder / f"{name}.tree"
    for inside, content in files.items():
        place = tree / inside
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            place.symlink_to(content)
        else:
            place.write_bytes(content)
    info = {"pkgname": name, "pkgbase": base, "pkgver": "1.0-1", "pkgdesc": "test", "url": ""}
    info |= {"builddate": "1700000000", "packager": "test", "size": "1", "arch": "any"}
    (tree / ".PKGINFO").write_text("".join(f"{key} = {value}\n" for key, value in info.items()))
    tops = sorted(entry.name for entry in tree.iterdir())
    mtree = ("bsdtar", "-czf", ".MTREE", "--format=mtree", f"--options={_MTREE_OPTIONS}")
    runner.run(Command(argv=(*mtree, *tops), cwd=tree))
    path = folder / f"{name}-1.0-1-any.pkg.tar.zst"
    packed = ("bsdtar", "--zstd", "-cf", str(path), ".MTREE", *tops)
    runner.run(Command(argv=packed, cwd=tree))
    return PackageFile(path=path, pkgname=name, pkgbase=base, pkgver="1.0-1", arch="any")
