"""The programs that pkgafdo drives: why, for which verbs, and which packages hold them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError
from pkgafdo.host.facts import Family

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class Tool:
    """One thing that must be installed.

    programs are names of which one is enough (none: `name`), headers files below /usr/include of
    which one is enough instead of a program. verbs are those of the command line that need it.
    """

    name: str
    why: str
    arch: str
    debian: str
    verbs: frozenset[str]
    programs: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    optional: bool = False
    only: Family | None = None

    def package(self, family: Family) -> str:
        """Return the package of a family's distributions."""
        return self.debian if family is Family.DEBIAN else self.arch


@dataclass(frozen=True, kw_only=True, slots=True)
class ToolFinding:
    """Where a tool was found, or None."""

    tool: Tool
    path: str | None


_BUILD: Final = frozenset({"build", "rebuild"})
_RECORD: Final = frozenset({"record", "measure"})
_CONVERT: Final = frozenset({"convert"})
_INSTALL: Final = frozenset({"build", "rebuild", "install"})
_CHROOT: Final = frozenset({"pkgbuild"})
_WORKLOAD: Final = frozenset({"record", "measure"})


def _llvm(name: str) -> tuple[str, ...]:
    """Return an LLVM program's names: plain, and with the suffixes that Debian gives them."""
    return (name, *(f"{name}-{version}" for version in range(30, 16, -1)))


def _row(
    name: str,
    why: str,
    packages: tuple[str, str],
    verbs: frozenset[str],
    *,
    programs: tuple[str, ...] = (),
    headers: tuple[str, ...] = (),
    optional: bool = False,
    only: Family | None = None,
) -> Tool:
    arch, debian = packages
    return Tool(
        name=name, why=why, arch=arch, debian=debian, verbs=verbs,
        programs=programs, headers=headers, optional=optional, only=only,
    )  # fmt: skip


TOOLS: Final = (
    _row("make", "builds the kernel", ("make", "make"), _BUILD),
    _row("flex", "builds Kconfig", ("flex", "flex"), _BUILD),
    _row("bison", "builds Kconfig", ("bison", "bison"), _BUILD),
    _row("bc", "computes the kernel's time constants", ("bc", "bc"), _BUILD),
    _row("perl", "runs the kernel's scripts", ("perl", "perl"), _BUILD),
    _row("rsync", "installs the kernel's headers", ("rsync", "rsync"), _BUILD),
    _row("depmod", "installs modules", ("kmod", "kmod"), _BUILD),
    _row("tar", "packs and unpacks sources", ("tar", "tar"), _BUILD),
    _row("xz", "unpacks kernel sources", ("xz", "xz-utils"), _BUILD),
    _row("zstd", "compresses packages and kernels", ("zstd", "zstd"), _BUILD),
    _row("git", "fetches kernel trees", ("git", "git"), _BUILD),
    _row("cpio", "packs the kernel's headers", ("cpio", "cpio"), _BUILD, optional=True),
    _row("pahole", "makes BTF (DEBUG_INFO_BTF)", ("pahole", "dwarves"), _BUILD, optional=True),
    _row("clang", "compiles", ("clang", "clang-19"), _BUILD, programs=_llvm("clang")),
    _row("ld.lld", "links", ("lld", "lld-19"), _BUILD, programs=_llvm("ld.lld")),
    _row("llvm-ar", "archives", ("llvm", "llvm-19"), _BUILD, programs=_llvm("llvm-ar")),
    _row(
        "cc", "compiles the virtual LBR", ("gcc", "gcc"), _RECORD,
        programs=("cc", "gcc", *_llvm("clang")),
    ),
    _row("libelf", "objtool reads objects", ("libelf", "libelf-dev"), _BUILD, headers=("gelf.h",)),
    _row(
        "openssl headers", "module signing", ("openssl", "libssl-dev"), _BUILD,
        headers=("openssl/opensslv.h",),
    ),
    _row(
        "llvm-profgen", "makes profiles", ("llvm", "llvm-19"), _CONVERT,
        programs=_llvm("llvm-profgen"),
    ),
    _row(
        "llvm-profdata", "reads profiles", ("llvm", "llvm-19"), _CONVERT,
        programs=_llvm("llvm-profdata"),
    ),
    _row("makepkg", "packs the kernel", ("pacman", "makepkg"), _BUILD),
    _row("bsdtar", "packs and reads packages", ("libarchive", "libarchive-tools"), _BUILD),
    _row("fakeroot", "owns packed files as root", ("fakeroot", "fakeroot"), _INSTALL),
    _row("pacman", "installs packages", ("pacman", "pacman-package-manager"), _INSTALL),
    _row("setpriv", "drops to the build user", ("util-linux", "util-linux"), _BUILD),
    _row("apt-get", "fetches Debian's kernel source", ("apt", "apt"), _BUILD, only=Family.DEBIAN),
    _row(
        "qemu-system-x86_64", "runs kernels", ("qemu-system-x86", "qemu-system-x86"), _RECORD
    ),
    _row("busybox", "is the guest's user space", ("busybox", "busybox-static"), _RECORD),
    _row("stress-ng", "is part of the workloads", ("stress-ng", "stress-ng"), _WORKLOAD),
    _row("perf", "is part of the workloads", ("perf", "linux-perf"), _WORKLOAD),
    _row("hackbench", "is part of the workloads", ("rt-tests", "rt-tests"), _WORKLOAD),
    _row(
        "bwrap", "reads other people's PKGBUILDs", ("bubblewrap", "bubblewrap"), _CHROOT,
        optional=True,
    ),
    _row(
        "pkgctl", "builds packages in clean chroots", ("devtools", "–"), _CHROOT,
        optional=True, only=Family.ARCH,
    ),
    _row(
        "vng", "runs your own workload in a VM", ("virtme-ng", "virtme-ng"), _RECORD,
        optional=True,
    ),
)  # fmt: skip
"""Package names of Arch and of Debian 12 … 13.

Arch's were looked up on 2026-11-29. Most stand in scripts/setup, each with its source. bison, fakeroot,
flex, gcc, make and pacman come with base-devel, tar and util-linux with base (their PKGBUILDs in
archlinux/svntogit-packages, which ends in 2023). devtools (1:1.1.0-3) and virtme-ng (1.36-1) are in
extra (archlinux/state).
"""

LLVM: Final = frozenset({"clang", "ld.lld", "llvm-ar", "llvm-profgen", "llvm-profdata"})
"""Chosen by `toolchain.select`, which also looks where the configuration points."""

_INSTALLERS: Final = {
    Family.ARCH: "pacman -S --needed",
    Family.DEBIAN: "apt-get install --no-install-recommends",
}


def check_tools(
    runner: Runner, *, family: Family, verbs: Iterable[str] = (), filesystem: Path = Path("/")
) -> tuple[ToolFinding, ...]:
    """Look for every tool that a family of distributions needs; for these verbs, or for all."""
    wanted = frozenset(verbs)
    return tuple(
        ToolFinding(tool=tool, path=_locate(runner, tool, filesystem))
        for tool in TOOLS
        if tool.only in {None, family} and (not wanted or wanted & tool.verbs)
    )


def _locate(runner: Runner, tool: Tool, filesystem: Path) -> str | None:
    if tool.headers:
        return next((str(place) for place in _headers(filesystem / "usr/include", tool)), None)
    places = (runner.which(program) for program in tool.programs or (tool.name,))
    return next((place for place in places if place), None)


def _headers(folder: Path, tool: Tool) -> list[Path]:
    """Return a tool's headers that exist; Debian keeps some in a folder of the architecture."""
    folders = (folder, *folder.glob("*-linux-gnu"))
    return [place / name for name in tool.headers for place in folders if (place / name).is_file()]


def require_tools(
    runner: Runner,
    *,
    family: Family,
    verbs: Iterable[str] = (),
    filesystem: Path = Path("/"),
    besides: frozenset[str] = frozenset(),
) -> None:
    """Raise one HostError that names every tool that is missing for these verbs, or for all.

    `besides` names tools that somebody else looks for.
    """
    findings = check_tools(runner, family=family, verbs=verbs, filesystem=filesystem)
    missing = [
        one.tool
        for one in findings
        if one.path is None and not one.tool.optional and one.tool.name not in besides
    ]
    if missing:
        names = ", ".join(tool.name for tool in missing)
        raise HostError(
            f"{names} {'is' if len(missing) == 1 else 'are'} not installed",
            details="\n".join(f"{tool.name}: {tool.why}" for tool in missing),
            hint=install_hint(missing, family),
        )


def install_hint(tools: Iterable[Tool], family: Family) -> str:
    """Return how to install tools here, with the other family's package names too."""
    listed = tuple(tools)
    names = {one: _packages(listed, one) for one in _INSTALLERS}
    if family in _INSTALLERS:
        line = f"Install with `{_INSTALLERS[family]} {' '.join(names[family])}` as root"
    else:
        line = "Install what holds them"
    both = "; ".join(f"{one.title()}: {', '.join(names[one])}" for one in names)
    return f"{line} ({both}), or run scripts/setup."


def _packages(tools: Iterable[Tool], family: Family) -> list[str]:
    return sorted({tool.package(family) for tool in tools})
