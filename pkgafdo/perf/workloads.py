"""Named workloads for a real machine: what runs, with what, and which parts of the kernel it exercises.

They are shell scripts that run as the user in an empty folder of their own, with $1 jobs, $2 a kernel
tree, $3 a folder with a PKGBUILD, $4 what `make LLVM=` gets. docs/recording.md has the same table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ConfigError, HostError
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pkgafdo.runner.base import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class HostWorkload:
    """One workload. programs are (name, Arch package, Debian package); needs is `tree` or `package`."""

    name: str
    about: str
    script: str
    programs: tuple[tuple[str, str, str], ...] = ()
    needs: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Weighted:
    """A workload with its weight in the merged recording."""

    weight: int
    workload: HostWorkload


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """What workloads work on: see the module."""

    folder: Path
    jobs: int
    tree: str = ""
    package: str = ""
    llvm: str = "1"


def _stress(*groups: str, seconds: int = 15) -> str:
    """Return a script that runs groups of stress-ng's stressors, one after the other."""
    lines = []
    for group in groups:
        stressors = " ".join(f"--{name} 2" for name in group.split())
        lines.append(f"stress-ng --quiet --temp-path . --timeout {seconds}s {stressors} || exit 1")
    return "\n".join(lines)


_STRESS_NG: Final = ("stress-ng", "stress-ng", "stress-ng")

WORKLOADS: Final = (
    HostWorkload(
        name="kernel-build",
        about="compiling Linux (defconfig): fork, exec, page faults, mmap, page cache, path lookup, "
        "pipes, the scheduler under load",
        programs=(("make", "make", "make"),),
        needs="tree",
        script='make -s -C "$2" O="$PWD" LLVM="$4" defconfig || exit 1\n'
        'exec make -s -C "$2" O="$PWD" LLVM="$4" -j"$1" vmlinux',
    ),
    HostWorkload(
        name="makepkg",
        about="building a package as the AutoFDO guide does: compiling, archives, compression, "
        "fakeroot's messages; what `package` names",
        programs=(("makepkg", "pacman", "makepkg"),),
        needs="package",
        # Nothing comes to lie where the user keeps packages.
        script='cp -r "$3"/. . || exit 1\nexport PKGDEST="$PWD" BUILDDIR="$PWD/build"\n'
        "exec makepkg --force --clean --skipinteg --noconfirm",
    ),
    HostWorkload(
        name="cachyos-benchmarker",
        about="CachyOS's benchmarks: stress-ng, perf sched and mem, compilation of ffmpeg and Linux, "
        "xz, blender, x265; downloads what it needs",
        programs=(("cachyos-benchmarker", "cachyos-benchmarker", "(CachyOS only)"),),
        # It asks whether it may drop the page cache: no.
        script='echo n | cachyos-benchmarker "$PWD"',
    ),
    HostWorkload(
        name="stress-ng",
        about="system calls in breadth: processes, threads, futexes, pipes, signals, timers, shared "
        "memory, message queues, mmap and page faults",
        programs=(_STRESS_NG,),
        script=_stress(
            "fork vfork exec pthread clone",
            "futex pipe eventfd poll epoll switch",
            "msg sem-sysv shm mq kill sigq",
            "mmap fault brk mremap madvise",
            "timer timerfd nanosleep yield get",
        ),
    ),
    HostWorkload(
        name="sysbench",
        about="threads and mutexes (futexes, the scheduler), memory, random and sequential file I/O",
        programs=(("sysbench", "sysbench", "sysbench"),),
        script="for test in threads mutex memory; do\n"
        'sysbench "$test" --threads="$1" --time=15 run || exit 1\ndone\n'
        "file='sysbench fileio --file-total-size=1G --file-num=8'\n"
        "$file prepare && $file --file-test-mode=rndrw --time=20 run &&\n"
        "$file --file-test-mode=seqwr --time=15 run && $file cleanup",
    ),
    HostWorkload(
        name="network",
        about="TCP, UDP and Unix sockets over loopback, epoll, sendfile, splice",
        programs=(_STRESS_NG,),
        script=_stress("sock sockmany udp", "sockpair sendfile splice epoll", "udp-flood sock"),
    ),
    HostWorkload(
        name="file-system",
        about="the file system that the work folder is on: create, rename, link, remove, directories, "
        "attributes, read-ahead, copies, fallocate, fsync",
        programs=(_STRESS_NG,),
        script=_stress(
            "dentry dir rename open getdent",
            "link symlink chmod fstat utime",
            "hdd seek readahead copy-file",
            "fallocate sync-file",
        ),
    ),
)

BY_NAME: Final = {workload.name: workload for workload in WORKLOADS}


def parse_weighted(text: str) -> Weighted:
    """Read `NAME`, or `WEIGHT,NAME`; raises ConfigError for what is no workload."""
    head, comma, rest = text.partition(",")
    weight, name = (head, rest) if comma else ("1", head)
    if name.strip() not in BY_NAME:
        raise ConfigError(
            f"there is no workload “{name.strip()}”", hint=f"There are: {', '.join(BY_NAME)}."
        )
    if not weight.strip().isdecimal() or not int(weight):
        raise ConfigError(
            f"“{weight}” is no weight", hint=f"Give an integer of at least 1: 3,{name.strip()}"
        )
    return Weighted(weight=int(weight), workload=BY_NAME[name.strip()])


def require_programs(runner: Runner, workloads: Iterable[HostWorkload]) -> None:
    """Raise HostError that names every program that these workloads lack, with its packages."""
    absent = dict.fromkeys(
        program
        for workload in workloads
        for program in workload.programs
        if runner.which(program[0]) is None
    )
    if absent:
        raise HostError(
            f"the workloads need what is not installed: {', '.join(name for name, *_ in absent)}",
            details="\n".join(
                f"{name}: Arch: {arch}; Debian: {debian}" for name, arch, debian in absent
            ),
            hint="Install it, or choose other workloads (record.workloads).",
        )


def require_ground(workloads: Iterable[HostWorkload], ground: Ground) -> None:
    """Raise ConfigError when a workload has nothing to work on."""
    for workload in workloads:
        if workload.needs == "tree" and not ground.tree:
            raise ConfigError(
                f"the workload {workload.name} needs a kernel tree",
                hint="Name one with source.location (--source FOLDER), or choose other workloads.",
            )
        if workload.needs == "package" and not ground.package:
            raise ConfigError(
                f"the workload {workload.name} needs a folder with a PKGBUILD",
                hint="Name one: record.package.",
            )


def workload_command(workload: HostWorkload, ground: Ground, *, run_as: RunAs) -> Command:
    """Return the command of a workload; its folder must exist and be empty."""
    return Command(
        argv=(
            "sh", "-c", workload.script, workload.name,
            str(ground.jobs), ground.tree, ground.package, ground.llvm,
        ),
        cwd=ground.folder,
        run_as=run_as,
    )  # fmt: skip


def own_command(line: str, *, folder: Path | None, run_as: RunAs) -> Command:
    """Return a user's own shell line as a command."""
    return Command(argv=("sh", "-c", line), cwd=folder, run_as=run_as)
