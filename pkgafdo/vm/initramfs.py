"""Packing the guest's root: an uncompressed cpio archive made by bsdtar from a list of entries."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.runner.command import Command
from pkgafdo.vm.guest import step_files
from pkgafdo.vm.plugin import native_source
from pkgafdo.vm.programs import closure, find_programs

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pkgafdo.runner.base import Runner
    from pkgafdo.vm.suites import Suite

_FOLDERS: Final = (
    "bin/applets",
    "dev",
    "etc",
    "mnt",
    "modules",
    "proc",
    "root",
    "steps",
    "sys",
    "tmp",
)
_LOADER_CACHE: Final = Path("/etc/ld.so.cache")
_TEXTS: Final = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/hosts": "127.0.0.1 localhost guest\n",
}


def _escaped(text: str) -> str:
    """Write a path as mtree(5) wants it: bytes outside the printable set, space and # in octal."""
    return "".join(
        chr(byte) if 33 <= byte <= 126 and chr(byte) not in "#\\" else f"\\{byte:03o}"
        for byte in os.fsencode(text)
    )


def render_mtree(copies: Mapping[str, Path], executable: frozenset[str] = frozenset()) -> str:
    """Return the mtree(5) text of an archive: every folder on the way, then the files; pure.

    All belong to root and carry time 0, so that equal content makes an equal archive. Files under
    a bin, sbin or lib folder and those named in `executable` may be executed.
    """
    folders = {str(folder) for path in copies for folder in PurePosixPath(path).parents}
    folders |= {str(folder) for path in _FOLDERS for folder in (path, *PurePosixPath(path).parents)}
    lines = ["#mtree", "/set uid=0 gid=0 time=0.0"]
    lines += [
        f"./{_escaped(folder)} type=dir mode={'1777' if folder == 'tmp' else '0755'}"
        for folder in sorted(folders - {"."})
    ]
    for path in sorted(copies):
        parts = PurePosixPath(path).parts[:-1]
        runs = path in executable or any(
            part in {"bin", "sbin"} or part.startswith("lib") for part in parts
        )
        mode = "0755" if runs else "0644"
        lines.append(
            f"./{_escaped(path)} type=file mode={mode} contents={_escaped(str(copies[path]))}"
        )
    return "\n".join(lines) + "\n"


def pack_command(mtree: Path, output: Path) -> Command:
    """Return the command that turns an mtree list into a cpio archive."""
    return Command(
        argv=("bsdtar", "--format", "newc", "-cf", str(output), f"@{mtree}"),
        hint="bsdtar is in Arch's libarchive and Debian's libarchive-tools.",
    )


def make_initramfs(
    runner: Runner,
    suite: Suite,
    *,
    window: Path,
    modules: Iterable[Path],
    step_timeout: int,
    folder: Path,
) -> Path:
    """Pack a suite into folder/SUITE.cpio: busybox, the programs with their libraries, modules, steps.

    modules are stripped .ko files in the order of loading. Raises HostError when a program is absent.
    """
    programs = find_programs(runner, ("busybox", *suite.files))
    copies = {entry.path.lstrip("/"): entry.source for entry in closure(runner, programs)}
    copies |= {
        "bin/busybox": programs[0].resolve(),
        "bin/window": window,
        "bin/sh": programs[0].resolve(),
    }
    if _LOADER_CACHE.is_file():
        # Libraries outside the loader's own folders are found through it; paths are the same here.
        copies["etc/ld.so.cache"] = _LOADER_CACHE
    modules = tuple(modules)
    copies |= {f"modules/{module.name}": module for module in modules}
    texts = dict(_TEXTS) | dict(step_files(suite, step_timeout))
    texts["modules/order"] = "".join(f"{module.stem}\n" for module in modules)
    texts["init"] = native_source("init.sh")
    stage = folder / f"{suite.name}.root"
    for path, text in texts.items():
        files.write_text(stage / path, text)
        copies[path] = stage / path
    mtree = folder / f"{suite.name}.mtree"
    runs = {path for path, source in copies.items() if source.stat().st_mode & 0o111}
    files.write_text(mtree, render_mtree(copies, executable=frozenset({"init", *runs})))
    output = folder / f"{suite.name}.cpio"
    with files.replacing(output) as temporary:
        runner.run(pack_command(mtree, temporary))
    return output
