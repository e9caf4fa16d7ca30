"""A kernel module, built, placed, walked through and profiled with the real LLVM programs."""

from __future__ import annotations

import pytest

from pkgafdo import elf
from pkgafdo.branches.merge import merge_tables
from pkgafdo.branches.meta import DropReason, ModuleMapping, TableMeta
from pkgafdo.profile.convert import Request, Tool, convert
from pkgafdo.profile.info import read_functions
from pkgafdo.profile.module_link import link_module, place_sections
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.command import Command
from tests.integration import tiny_kernel

pytestmark = pytest.mark.real

BASE = 0xFFFFFFFFA0002000
SETTINGS = ProfileSettings(min_functions=50, min_samples=10_000)
EXTRA = """
extern void of_the_kernel(void);
__attribute__((section(".exit.text"))) void leave_module(void) { of_the_kernel(); }
static const char info[] __attribute__((section(".modinfo"), used)) = "vermagic=7.2.13 SMP";
"""


def source(name: str) -> str:
    text = (
        tiny_kernel.source(40).replace("work_", f"{name}_").replace("start_kernel", "init_module")
    )
    return text + EXTRA


@pytest.fixture(scope="module")
def objects(runner, toolchain, tmp_path_factory):
    """A build folder with two modules."""
    folder = tmp_path_factory.mktemp("objects")
    for name in ("walked", "other"):
        (folder / f"{name}.c").write_text(source(name) + ("int other;" * (name == "other")))
        flags = ("-O2", "-g", "-fdebug-info-for-profiling", "-mcmodel=kernel", "-fno-pic")
        clang = (toolchain.tools["clang"], *flags, "-ffreestanding", "-c", f"{name}.c")
        runner.run(Command(argv=clang, cwd=folder))
        link = ("-r", "-o", f"{name}.ko", f"{name}.o")
        runner.run(Command(argv=(toolchain.tools["ld.lld"], *link), cwd=folder))
    (folder / "modules.order").write_text("walked.o\nother.o\n")
    return folder


@pytest.fixture(scope="module")
def mapping(objects) -> ModuleMapping:
    return ModuleMapping(name="walked", sections=((".text", BASE),), size=1 << 20)


@pytest.fixture(scope="module")
def module_taken(runner, toolchain, objects, mapping, tmp_path_factory):
    """The taken branches of an execution of the module at its place."""
    ko = objects / "walked.ko"
    placed = place_sections(elf.sections(ko), mapping)
    folder = tmp_path_factory.mktemp("linked")
    linked = link_module(runner, toolchain.tools["ld.lld"], ko, placed, folder=folder)
    code = tiny_kernel.disassemble(runner, toolchain.tools["llvm-objdump"], linked)
    symbols = elf.symbols(linked)
    found = symbols.functions()
    named = zip(symbols.names(found), symbols.address[found].tolist(), strict=True)
    return tiny_kernel.walk(code, [at for name, at in named if name.startswith("walked_")], 20_000)


@pytest.fixture(scope="module")
def both(module_taken, table, vmlinux, mapping):
    """The counts of the kernel and of the module."""
    meta = TableMeta(
        build_id=vmlinux.build_id, event="walk", modules=(mapping,), kernelrelease="7.2.13"
    )
    return merge_tables([tiny_kernel.count(module_taken, meta), table])


def converted(runner, toolchain, vmlinux, both, objects, folder):
    request = Request(
        table=both, vmlinux=vmlinux, settings=SETTINGS, cache=folder, objects=objects,
        tools=(Tool.PROFGEN,),
    )  # fmt: skip
    return convert(runner, toolchain, request, folder=folder / "out")


def test_a_modules_functions_are_in_the_kernels_profile(
    runner, toolchain, vmlinux, both, objects, tmp_path
) -> None:
    conversion = converted(runner, toolchain, vmlinux, both, objects, tmp_path)
    [report] = conversion.modules
    assert report.why_not == ""
    functions = read_functions(runner, toolchain, conversion.profile.path)
    of_module = {name for name in functions if name.startswith("walked_")}
    assert len(of_module) == report.functions == 40
    assert {name for name in functions if name.startswith("work_")}
    assert conversion.profile.functions == len(functions)
    assert conversion.table.meta.dropped == {}
    assert list((tmp_path / "out").iterdir()) == [conversion.profile.path]


def test_the_object_of_another_module_is_found_out(
    runner, toolchain, vmlinux, both, objects, tmp_path
) -> None:
    (tmp_path / "walked.ko").write_bytes((objects / "other.ko").read_bytes())
    # The same code but one instruction further: no name, size or section tells them apart.
    shifted = (
        (objects / "walked.c")
        .read_text()
        .replace("walked_0(u64 x)\n{", "walked_0(u64 x)\n{\n    sink = x * 12345;", 1)
    )
    (tmp_path / "walked.c").write_text(shifted)
    flags = ("-O2", "-g", "-mcmodel=kernel", "-fno-pic", "-ffreestanding", "-c", "walked.c")
    runner.run(Command(argv=(toolchain.tools["clang"], *flags), cwd=tmp_path))
    link = ("-r", "-o", "walked.ko", "walked.o")
    runner.run(Command(argv=(toolchain.tools["ld.lld"], *link), cwd=tmp_path))
    conversion = converted(runner, toolchain, vmlinux, both, tmp_path, tmp_path / "x")
    [report] = conversion.modules
    assert "begin where the .ko has none" in report.why_not
    assert conversion.table.meta.dropped[DropReason.NO_MODULE] > 0


def test_a_stripped_module_leaves_the_kernels_profile_alone(
    runner, toolchain, vmlinux, table, both, objects, tmp_path
) -> None:
    (tmp_path / "o").mkdir()
    flags = ("-O2", "-mcmodel=kernel", "-fno-pic", "-ffreestanding", "-c", "-o", "o/walked.ko")
    source = str(objects / "walked.c")
    runner.run(Command(argv=(toolchain.tools["clang"], *flags, source), cwd=tmp_path))
    conversion = converted(runner, toolchain, vmlinux, both, tmp_path / "o", tmp_path)
    assert "stripped" in conversion.modules[0].why_not
    alone = converted(runner, toolchain, vmlinux, table, objects, tmp_path / "alone")
    assert conversion.profile.sha256 == alone.profile.sha256
