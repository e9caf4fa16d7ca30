"""Profiles of kernel modules, and reports of those that have none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo.artifacts import Vmlinux
from pkgafdo.branches.meta import DropReason, TableMeta
from pkgafdo.profile.convert import records_used, render_left_out, render_module
from pkgafdo.profile.modules import (
    ModuleProfiles,
    ModuleReport,
    convert_modules,
    leave_out_modules,
)
from pkgafdo.runner.command import Result
from tests.unit import elf_files
from tests.unit.branches.tables import TEXT, branch_rows, range_rows, table_of
from tests.unit.profile.module_files import BASE, ko, mapping
from tests.unit.profile.programs import TOOLCHAIN, profile_tools, recorded

TOOLS = replace(TOOLCHAIN, tools={**TOOLCHAIN.tools, "ld.lld": "/usr/bin/ld.lld"})
RELEASE = "7.2.13-dev"


def table(*modules, branches=((BASE + 4, BASE + 16, 5, 0), (TEXT, TEXT + 8, 7, 0)), **meta):
    found = TableMeta(modules=modules or (mapping(),), kernelrelease=RELEASE, **meta)
    return table_of(list(branches), [(BASE + 16, BASE + 20, 5), (BASE + 16, BASE + 40, 9)], found)


@pytest.fixture
def objects(tmp_path):
    folder = tmp_path / "objects"
    folder.mkdir()
    (folder / "jbd2.ko").write_bytes(ko())
    return folder


def reports(objects, records, runner=None):
    out = objects.parent / "out"
    out.mkdir(exist_ok=True)
    runner = runner or profile_tools(**{"ld.lld": Result(returncode=0)})
    found = convert_modules(runner, TOOLS, table=records, objects=objects, folder=out)
    assert sorted(out.iterdir()) == sorted(found.profiles)
    return found


def why_not(objects, records, runner=None):
    found = reports(objects, records, runner)
    assert found.profiles == ()
    assert found.intervals == ()
    [report] = found.reports
    return report.why_not


def test_a_module_is_profiled_with_its_own_records_only(objects) -> None:
    seen = []

    def profgen(command):
        words = dict(word.split("=", 1) for word in command.argv if "=" in word)
        if "--unsymbolized-profile" in words and "--version" not in command.argv:
            with open(words["--unsymbolized-profile"]) as stream:  # noqa: PTH123
                seen.append((stream.read(), "--kernel" in command.argv))
            with open(words["--output"], "wb") as stream:  # noqa: PTH123
                stream.write(b"x")
        return Result(returncode=0)

    runner = profile_tools(**{"llvm-profgen": profgen, "ld.lld": Result(returncode=0)})
    found = reports(objects, table(), runner)
    assert found.reports == (ModuleReport(name="jbd2", branches=5, functions=59, samples=112_692),)
    assert found.intervals == ((BASE, BASE + 64), (BASE + 64, BASE + 72))
    assert seen == [
        (
            "1\nffffffffa0002010-ffffffffa0002014:5\n1\nffffffffa0002004->ffffffffa0002010:5\n",
            False,
        )
    ]


def test_a_module_that_did_nothing_is_not_looked_for(objects) -> None:
    idle = mapping(name="idle")
    assert why_not(objects, table(idle, branches=[(TEXT, TEXT, 1, 0)])) == "no records"


def test_a_module_that_the_build_does_not_have_is_reported(objects) -> None:
    assert "no .ko" in why_not(objects, table(mapping(name="nvidia")))


def test_a_stripped_module_is_reported(objects) -> None:
    (objects / "jbd2.ko").write_bytes(ko(lines=False))
    assert "stripped" in why_not(objects, table())


def test_a_damaged_module_is_reported(objects) -> None:
    (objects / "jbd2.ko").write_bytes(ko()[:100])
    assert "corrupt" in why_not(objects, table())


def test_a_module_of_another_kernel_is_reported(objects) -> None:
    (objects / "jbd2.ko").write_bytes(ko(vermagic="7.1.0 SMP"))
    assert "of kernel 7.1.0" in why_not(objects, table())


def test_a_module_of_another_build_id_is_reported(objects) -> None:
    assert "build-id" in why_not(objects, table(extra={"build-id jbd2": "beef"}))


def test_branches_where_the_module_has_none_are_reported(objects) -> None:
    (objects / "jbd2.ko").write_bytes(ko(text=bytes([0x89]) * 64))
    assert "1 of 1 recorded branches begin where the .ko has none" in why_not(objects, table())


def test_a_failing_linker_is_reported_and_stops_nothing(objects) -> None:
    runner = profile_tools(**{"ld.lld": Result(returncode=1, stderr="no")})
    assert "ld.lld failed" in why_not(objects, table(), runner)


def test_a_profile_without_functions_is_reported(objects) -> None:
    empty = Result(returncode=0, stdout=recorded("llvm-profdata-19-empty.txt"))
    runner = profile_tools(**{"show": empty, "ld.lld": Result(returncode=0)})
    found = convert_modules(runner, TOOLS, table=table(), objects=objects, folder=objects.parent)
    assert found.reports[0].why_not == "llvm-profgen found none of its functions"


@pytest.fixture
def vmlinux(tmp_path):
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.vmlinux())
    return Vmlinux(path=path, build_id="")


def test_records_of_a_module_left_out_are_counted_as_such(vmlinux) -> None:
    other = mapping((".text", BASE + 0x10000), name="other")
    rows = [
        (BASE + 4, BASE + 8, 5, 0),
        (BASE + 0x10004, BASE + 0x10008, 3, 0),
        (TEXT, TEXT + 8, 7, 0),
        (16, 32, 2, 0),
    ]
    profiled = ModuleProfiles(intervals=((BASE, BASE + 64),))
    used = records_used(table(mapping(), other, branches=rows), vmlinux, profiled)
    assert [row[2] for row in branch_rows(used)] == [7, 5]
    assert used.meta.dropped == {DropReason.OUTSIDE_TEXT: 2, DropReason.NO_MODULE: 3}


def test_ranges_across_functions_are_counted_in_the_kernel_and_in_each_module(
    objects, vmlinux
) -> None:
    inside, across = (BASE + 8, BASE + 12, 4), (BASE + 8, BASE + 40, 2)
    kernel = (TEXT + 8, TEXT + 40, 3)
    records = table_of([(BASE + 4, BASE + 16, 5, 0)], [inside, across, kernel], table().meta)
    used = records_used(records, vmlinux, reports(objects, records))
    assert range_rows(used) == [inside]
    assert used.meta.dropped == {DropReason.CROSS_FUNCTION: 3 + 2}


def test_without_a_build_folder_the_modules_with_records_are_reported() -> None:
    idle = mapping((".text", BASE + 0x10000), name="idle")
    found = leave_out_modules(table(mapping(), idle))
    assert [(one.name, one.branches) for one in found.reports] == [("jbd2", 5)]
    assert "no build folder" in found.reports[0].why_not
    assert (found.profiles, found.intervals) == ((), ())


def test_what_is_left_out_is_one_line_with_the_busiest_first() -> None:
    counts = {"a": 1, "ext4": 5000, "b": 2, "c": 3, "d": 4, "e": 5}
    line = render_left_out([ModuleReport(name=n, branches=b) for n, b in counts.items()])
    assert "5,015 branches" in line
    assert "(ext4 5,000, e 5, d 4, c 3, b 2 and 1 more)" in line


def test_reports_are_lines_for_a_person() -> None:
    assert render_module(ModuleReport(name="a", branches=1, why_not="no records")) == (
        "module a: not profiled: no records"
    )
    profiled = ModuleReport(name="b", branches=1000, functions=2, samples=3000)
    assert render_module(profiled) == "module b: 2 functions, 3,000 samples from 1,000 branches"
