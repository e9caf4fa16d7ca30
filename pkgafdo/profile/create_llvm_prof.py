"""Converting with create_llvm_prof: the installed one, or a pinned release that is downloaded."""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from pkgafdo import elf, log
from pkgafdo.branches.texts import create_llvm_prof_text, write_lines
from pkgafdo.download import download, show_progress
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.profile.conversion import convert_with
from pkgafdo.profile.info import plain_name, read_functions
from pkgafdo.profile.merge import WeightedProfile, merge_command
from pkgafdo.profile.tools import require_tool
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pkgafdo.artifacts import Toolchain, Vmlinux
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.elf import Segment
    from pkgafdo.profile.conversion import Conversion
    from pkgafdo.profile.settings import ProfileSettings
    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable

NAME: Final = "create_llvm_prof"
_LARGEST: Final = 1 << 29
"""Bytes that the unpacked program may have; the release is far smaller."""
_LEAST_RAN: Final = 0.9
"""The share of the counts that must be of functions that ran; shifted addresses give far less."""
_PF_X: Final = 1  # elf(5)
_ANY_EXIT: Final = frozenset(range(256))
_FORMATS: Final = re.compile(r"'(text|binary|extbinary)'")
_OPTION: Final = re.compile(r"^ +--?(\w+) \(", re.MULTILINE)
"""The beginning of an option's help: `-name (text) type: …` of gflags, `--name (text); …` of abseil."""
_FS_SYMBOL: Final = "__llvm_fs_discriminator__"
"""In binaries that clang compiled with -enable-fs-discriminator (its AsmPrinter emits it)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pin:
    """A release: where it lies, and what it must be."""

    version: str
    url: str
    sha256: str


RELEASE: Final = Pin(
    version="v0.30.1",
    url="https://github.com/google/autofdo/releases/download/v0.30.1/"
    "create_llvm_prof-x86_64-v0.30.1.zip",
    sha256="8e104e6b4881eac659636dae17a6668af5d023a1d8dfe02d7f5a4df828838fb0",
)
"""The newest release that has a program (2024-07-25)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Abilities:
    """What one create_llvm_prof can do, as its help tells."""

    formats: frozenset[str]
    has_symbol_list: bool
    has_fs_discriminators: bool

    @property
    def format(self) -> str:
        """The best format that it writes; the binary one of 0.19 fails on its own name table."""
        return "extbinary" if "extbinary" in self.formats else "text"


def probe_command(program: str) -> Command:
    """Return the command that prints all options; it ends with 1, by gflags' custom."""
    return Command(argv=(program, "--helpfull"), accept=_ANY_EXIT)


def probe(runner: Runner, program: str) -> Abilities:
    """Ask a create_llvm_prof what it can do; HostError when it does not run."""
    found = runner.query(probe_command(program))
    abilities = parse_abilities(found.stdout + found.stderr)
    if "extbinary" not in abilities.formats:
        log.warn(f"{program} is an old one: it cannot read DWARF 5 (its profile is empty then)")
    return abilities


def parse_abilities(text: str) -> Abilities:
    """Parse what `probe_command` prints; HostError when it is not create_llvm_prof's help."""
    _, *parts = _OPTION.split(text)
    help_of = dict(zip(parts[::2], parts[1::2], strict=True))
    formats = frozenset(_FORMATS.findall(help_of.get("format", "")))
    if not formats & {"text", "extbinary"} or "profiler" not in help_of:
        raise HostError(
            "create_llvm_prof does not run here, or is another program",
            details="\n".join(text.splitlines()[:5]),
            hint="Convert with --tool llvm-profgen, or install create_llvm_prof "
            "(Arch: autofdo from the AUR, Debian: autofdo).",
        )
    return Abilities(
        formats=formats,
        has_symbol_list="prof_sym_list" in help_of,
        has_fs_discriminators="use_fs_discriminator" in help_of,
    )


def create_command(
    program: str,
    abilities: Abilities,
    *,
    vmlinux: Path,
    output: Path,
    counts: Path | None = None,
    recording: Path | None = None,
    fs_discriminators: bool = False,
) -> Command:
    """Return the command that converts counts at file offsets, or a perf.data file.

    Without --prof_sym_list=false clang takes every function that the profile lacks for cold.
    """
    profiler, profile = ("text", counts) if recording is None else ("perf", recording)
    fs = fs_discriminators and abilities.has_fs_discriminators
    return Command(
        argv=(
            program,
            f"--profiler={profiler}",
            f"--profile={profile}",
            f"--binary={vmlinux}",
            f"--format={abilities.format}",
            *(("--prof_sym_list=false",) if abilities.has_symbol_list else ()),
            *(("--use_fs_discriminator",) if fs else ()),
            f"--out={output}",
        ),
        env={"GLOG_logtostderr": "1"},  # else old ones leave log files in the temporary folder
    )


@contextmanager
def program_of(runner: Runner, cache: Path, *, url: str = "", pin: Pin = RELEASE) -> Iterator[str]:
    """Yield the installed program, or else the pinned one, downloaded once and verified now.

    url names a mirror of the release. Raises HostError when it cannot be had, ArtifactError when
    what was served is not what was pinned.
    """
    installed = runner.which(NAME)
    if installed is not None:
        yield installed
        return
    folder = cache / NAME
    with log.working():
        archive = download(
            url or pin.url,
            sha256=pin.sha256,
            target=folder / f"{NAME}-{pin.version}.zip",
            progress=show_progress,
        )
    content = archive.read_bytes()
    if hashlib.sha256(content).hexdigest() != pin.sha256:
        raise ArtifactError(f"{archive} was changed while it was read", hint="Run it again.")
    # Unpacked anew for each use, from the bytes that were just verified.
    with tempfile.TemporaryDirectory(dir=folder, prefix=".run.") as name:
        program = Path(name, NAME)
        program.write_bytes(unpack_program(content))
        program.chmod(0o700)
        yield str(program)


def unpack_program(content: bytes, *, largest: int = _LARGEST) -> bytes:
    """Return the one program that a zip holds; ArtifactError when it holds anything else."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [entry for entry in archive.infolist() if not entry.is_dir()]
            names = [entry.filename for entry in members]
            if [PurePosixPath(name) for name in names] != [PurePosixPath(NAME)]:
                raise _unexpected(f"It holds {', '.join(names[:5]) or 'nothing'}.")
            with archive.open(members[0]) as stream:
                program = stream.read(largest + 1)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        raise _unexpected(f"{type(error).__name__}: {error}") from error
    if len(program) > largest:
        raise _unexpected(f"The program is larger than {largest} bytes.")
    if not program.startswith(b"\x7fELF"):
        raise _unexpected(f"The program begins with {program[:4]!r}.")
    return program


def _unexpected(evidence: str) -> ArtifactError:
    return ArtifactError(
        f"The downloaded archive does not hold {NAME} alone",
        details=evidence,
        hint="Convert with --tool llvm-profgen.",
    )


def convert_with_create_llvm_prof(
    runner: Runner,
    toolchain: Toolchain,
    program: str,
    *,
    table: BranchTable,
    vmlinux: Vmlinux,
    folder: Path,
    settings: ProfileSettings,
    allow_mismatch: bool = False,
    recording: Path | None = None,
) -> Conversion:
    """Convert a table to `kernel-<digest>.afdo` in `folder`, and judge the result.

    With the recording that the table was read from, the program reads that instead of the table.
    Raises as `convert_with` does; HostError when the program does not run.
    """
    abilities = probe(runner, program)
    profdata = require_tool(toolchain, "llvm-profdata")
    symbols = elf.symbols(vmlinux.path)
    is_fs = symbols.address_of(_FS_SYMBOL) is not None
    if is_fs and not abilities.has_fs_discriminators:
        log.warn(f"{program} is too old for this kernel's flow-sensitive discriminators")

    def run(scratch: Path) -> Path:
        made, output = scratch / "made", scratch / "kernel.afdo"
        command = create_command(
            program, abilities,
            vmlinux=vmlinux.path, output=made, counts=scratch / "counts.txt", recording=recording,
            fs_discriminators=is_fs,
        )  # fmt: skip
        runner.run(command)
        if not made.is_file() or not made.stat().st_size:
            raise ArtifactError(
                f"{NAME} ended without an error and wrote an empty profile",
                hint="Old ones (Debian's 0.19) cannot read DWARF 5; use --tool llvm-profgen.",
            )
        # Whatever format and order it wrote, this LLVM's own comes out.
        runner.run(merge_command(profdata, [WeightedProfile(path=made)], output))
        return output

    def make(records: BranchTable, scratch: Path) -> Path:
        if recording is not None:
            return run(scratch)
        for segments in conventions(elf.segments(vmlinux.path), abilities):
            write_lines(scratch / "counts.txt", create_llvm_prof_text(records, segments))
            output = run(scratch)
            names = read_functions(runner, toolchain, output)
            if share_that_ran(names, records, symbols) >= _LEAST_RAN:
                return output
        raise ArtifactError(
            f"{NAME} put the counts into functions that did not run",
            hint="Use --tool llvm-profgen.",
        )

    return convert_with(
        make, runner, toolchain,
        tool=NAME, table=table, vmlinux=vmlinux, folder=folder, settings=settings,
        allow_mismatch=allow_mismatch,
    )  # fmt: skip


def conventions(
    segments: Sequence[Segment], abilities: Abilities
) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
    """Return the executable segments in both conventions of its text's addresses, likelier first.

    New ones (symbol_map.cc, get_static_vaddr) take offsets in the file, old ones (0.19,
    VaddrOfFirstLoadSegment) distances from the first loaded segment. No option tells which.
    """
    loaded = [segment for segment in segments if segment.type == "PT_LOAD"]
    code = tuple(segment for segment in loaded if segment.flags & _PF_X)
    distances = tuple(replace(one, offset=one.vaddr - loaded[0].vaddr) for one in code)
    return (code, distances) if "extbinary" in abilities.formats else (distances, code)


def share_that_ran(totals: Mapping[str, int], records: BranchTable, symbols: SymbolTable) -> float:
    """Return what part of a profile's counts is of functions where recorded ranges begin.

    1 for an empty profile, of which that cannot be said.
    """
    found = symbols.find(records.range_start)
    ran = {plain_name(name) for name in symbols.names(set(found[found >= 0].tolist()))}
    total = sum(totals.values())
    return sum(count for name, count in totals.items() if name in ran) / total if total else 1.0
