"""A kernel module's unstripped object: where it is, where its sections lay, linking it there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pkgafdo import elf
from pkgafdo.branches.meta import ModuleMapping
from pkgafdo.errors import ArtifactError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pkgafdo.branches.filters import Interval
    from pkgafdo.runner.base import Runner
    from pkgafdo.symtab import SymbolTable

_SHF_ALLOC: Final = 2
_SHF_EXECINSTR: Final = 4  # both: elf(5)
_PAGE: Final = 4096
_DATA_BASE: Final = 0x400000
"""Where data goes, which nobody executes: far from every address that a module can have."""
_ANYWHERE: Final = 0xFFFFFFFFC0000000
"""In the modules' part of x86-64's addresses (Documentation/arch/x86/x86_64/mm.rst)."""
_LLD: Final = "Install ld.lld of the same LLVM (Arch: lld, Debian: lld-19)."


@dataclass(frozen=True, kw_only=True, slots=True)
class PlacedSection:
    """An executable section of a .ko: where it was loaded, and where it lies in the file."""

    name: str
    address: int
    size: int
    offset: int

    @property
    def interval(self) -> Interval:
        """The addresses of the section."""
        return self.address, self.address + self.size


def module_name(path: Path) -> str:
    """Return the name that the kernel gives a module: its file's, with _ for -."""
    return path.name.partition(".")[0].replace("-", "_")


def find_module_files(objects: Path) -> dict[str, Path]:
    """Return the .ko files of a build folder by module name.

    Those that its modules.order lists; in a folder without one, all below it.
    """
    order = objects / "modules.order"
    try:
        lines = order.read_text(encoding="utf-8").split() if order.is_file() else None
    except OSError as error:
        raise ArtifactError(f"{order} cannot be read", details=str(error)) from error
    if lines is None:
        found: Iterable[Path] = sorted(objects.rglob("*.ko"))
    else:
        # Before Linux 6.3 the entries began with kernel/ and ended in .ko; now they end in .o.
        paths = [objects / line.removeprefix("kernel/") for line in lines]
        found = [path.with_suffix(".ko") for path in paths]
    return {module_name(path): path for path in found if path.is_file()}


def executable_layout(sections: Iterable[elf.Section]) -> dict[str, int]:
    """Return the offset of each executable section from the start of a loaded module's text.

    The kernel lays them out in the file's order, each aligned (layout_sections in
    kernel/module/main.c). Sections for initialisation have memory of their own, which is given
    back after loading: they are left out.
    """
    offsets: dict[str, int] = {}
    end = 0
    for section in sections:
        code = section.flags & _SHF_ALLOC and section.flags & _SHF_EXECINSTR
        if code and not section.name.startswith(".init"):
            align = max(1, section.align)
            offsets[section.name] = (end + align - 1) // align * align
            end = offsets[section.name] + section.size
    return offsets


def text_start(known: Mapping[str, int], layout: Mapping[str, int]) -> int:
    """Return where a module's text began, by one of the recorded section addresses.

    A recording of perf knows only that start, and calls it .text: it is at the start of a page.
    """
    address = known.get(".text", min(known.values()))
    if len(known) == 1 and address % _PAGE == 0:
        return address
    return address - layout.get(".text", 0) if ".text" in known else address


def place_sections(
    sections: Sequence[elf.Section], mapping: ModuleMapping
) -> tuple[PlacedSection, ...]:
    """Return where the executable sections of a .ko were loaded.

    Raises ArtifactError when a recorded address or the size contradicts this .ko.
    """
    layout = executable_layout(sections)
    known = {name: at for name, at in mapping.sections if not name.startswith(".init")}
    base = text_start(known or dict(mapping.sections), layout)
    exact = len(known) > 1
    placed = []
    for section in sections:
        if section.name not in layout or not section.size:
            continue
        address = base + layout[section.name]
        if exact and known.get(section.name, address) != address:
            raise _mismatch(
                f"{section.name} was loaded at {known[section.name]:#x}; this .ko's would lie at "
                f"{address:#x}"
            )
        placed.append(
            PlacedSection(
                name=section.name, address=address, size=section.size, offset=section.offset
            )
        )
    _check_extent(placed, base, mapping.size)
    return tuple(placed)


def place_symbols(ko: Path, placed: Sequence[PlacedSection]) -> SymbolTable:
    """Return the symbols of a .ko at the addresses where its sections were loaded."""
    import numpy as np

    symbols = elf.symbols(ko)
    where = {section.name: section.address for section in placed}
    sections = elf.sections(ko)
    bases = np.array([where.get(section.name, 0) for section in sections], dtype=np.uint64)
    loaded = symbols.executable & np.isin(symbols.section, np.flatnonzero(bases))
    base = bases[np.where(loaded, symbols.section, 0)]
    return replace(symbols, address=symbols.address + base, executable=loaded)


def place_anywhere(ko: Path) -> tuple[PlacedSection, ...]:
    """Return places for the code of a .ko that did not run, only to be read."""
    mapping = ModuleMapping(name=module_name(ko), sections=((".text", _ANYWHERE),), size=0)
    return place_sections(elf.sections(ko), mapping)


def _check_extent(placed: Sequence[PlacedSection], base: int, size: int) -> None:
    if not placed:
        raise ArtifactError("the .ko has no code")
    extent = max(section.interval[1] for section in placed) - base
    if size and extent > size:
        raise _mismatch(f"the .ko has {extent} bytes of code; {size} were loaded")


def check_identity(ko: Path, *, build_id: str, release: str) -> None:
    """Raise ArtifactError when a .ko is known to be another than the module that ran.

    build_id and release are the recording's; an empty one is not compared.
    """
    own = elf.build_id(ko) or ""
    if build_id and own and own != build_id:
        raise _mismatch(f"the build-id recorded is {build_id}, that of the .ko {own}")
    vermagic = read_modinfo(ko).get("vermagic", "").partition(" ")[0]
    if release and vermagic and vermagic != release:
        raise _mismatch(f"the .ko is of kernel {vermagic}, the recording of {release}")


def read_modinfo(ko: Path) -> dict[str, str]:
    """Read the `key=value` texts of a .ko's .modinfo section."""
    for section in elf.sections(ko):
        if section.name == ".modinfo":
            with ko.open("rb") as stream:
                stream.seek(section.offset)
                texts = stream.read(section.size).decode("utf-8", "replace").split("\0")
            return {key: value for key, _, value in (text.partition("=") for text in texts)}
    return {}


def linker_script(sections: Iterable[elf.Section], placed: Iterable[PlacedSection]) -> str:
    """Return a script that puts code where it was loaded, and everything else far before it."""
    code = {section.name for section in placed}
    lines = ["SECTIONS {", f"  . = {_DATA_BASE:#x};"]
    lines += [
        f"  {section.name} : {{ *({section.name}) }}"
        for section in sections
        if section.flags & _SHF_ALLOC and section.name not in code
    ]
    lines += [
        f"  {section.name} {section.address:#x} : {{ *({section.name}) }}"
        for section in sorted(placed, key=lambda section: section.address)
    ]
    return "\n".join([*lines, "}", ""])


def link_command(lld: str, ko: Path, script: Path, output: Path) -> Command:
    """Return the command that makes an executable of a .ko.

    Symbols of the kernel stay unresolved and data lies out of reach, which nothing here minds: the
    executable is only read.
    """
    return Command(
        argv=(
            lld,
            "-o",
            str(output),
            "-T",
            str(script),
            "--unresolved-symbols=ignore-all",
            "--noinhibit-exec",
            str(ko),
        ),
        hint=_LLD,
    )


def link_module(
    runner: Runner, lld: str, ko: Path, placed: Sequence[PlacedSection], *, folder: Path
) -> Path:
    """Link a .ko into a folder with its sections in their places; returns the executable."""
    script, output = folder / f"{ko.stem}.lds", folder / ko.stem
    script.write_text(linker_script(elf.sections(ko), placed), encoding="utf-8")
    runner.run(link_command(lld, ko, script, output))
    return output


def _mismatch(evidence: str) -> ArtifactError:
    return ArtifactError(f"it is not the module that ran: {evidence}")
