"""The virtual LBR and the converter of this system, on a kernel that was built on another."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pkgafdo import elf
from pkgafdo.artifacts import Vmlinux
from pkgafdo.host.facts import read_facts
from pkgafdo.profile.convert import Request, Tool, convert
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings
from pkgafdo.vm.initramfs import make_initramfs
from pkgafdo.vm.lbr import Guest, measure, record
from pkgafdo.vm.modules import find_modules, unpack_modules
from pkgafdo.vm.plugin import build_native
from pkgafdo.vm.settings import VmSettings
from pkgafdo.vm.suites import HELDOUT, TRAIN

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain
    from pkgafdo.branches.table import BranchTable
    from pkgafdo.vm.plugin import Native

pytestmark = pytest.mark.kernel

KERNEL: Final = Path(os.environ.get("PKGAFDO_KERNEL", Path.home() / "kernel"))
SETTINGS: Final = VmSettings()


@pytest.fixture(scope="module")
def facts() -> dict[str, Any]:
    """What the machine that built the kernel knows of it."""
    path = KERNEL / "facts.json"
    if not path.is_file():
        pytest.skip(f"there is no kernel in {KERNEL}")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> LocalRunner:
    return LocalRunner(env=read_facts().environment, logs=tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="module")
def toolchain(runner) -> Toolchain:
    return select(runner, ToolchainSettings())


@pytest.fixture(scope="module")
def native(runner, toolchain, tmp_path_factory) -> Native:
    cache = tmp_path_factory.mktemp("cache")
    return build_native(runner, toolchain, qemu=SETTINGS.qemu, cache=cache)


@pytest.fixture(scope="module")
def guest(facts, runner, native, tmp_path_factory) -> Guest:
    """The kernel with the training suite of this system's programs."""
    folder = tmp_path_factory.mktemp("guest")
    found = find_modules(runner, KERNEL / "usr", facts["release"], SETTINGS.modules)
    initramfs = make_initramfs(
        runner,
        TRAIN,
        window=native.window,
        modules=unpack_modules(runner, found, folder / "modules"),
        step_timeout=120,
        folder=folder,
    )
    vmlinux = KERNEL / "vmlinux"
    return Guest(
        image=KERNEL / "bzImage",
        vmlinux=Vmlinux(path=vmlinux, build_id=facts["build_id"], release=facts["release"]),
        initramfs=initramfs,
        suite=TRAIN,
        folder=folder,
        name="built-kernel",
    )


@pytest.fixture(scope="module")
def table(runner, native, guest) -> BranchTable:
    """The recording of the whole training suite."""
    return record(runner, SETTINGS, native, guest)


def test_the_kernel_is_the_one_that_was_built(facts) -> None:
    assert elf.build_id(KERNEL / "vmlinux") == facts["build_id"]


def test_it_is_recorded_about_as_where_it_was_built(facts, table) -> None:
    assert table.meta.kernelrelease == facts["release"]
    assert table.branches > 10_000_000
    # Programs of other versions do other system calls; a virtual LBR that misses some sees half.
    assert 0.6 < table.branches / (facts["branches"] or table.branches) < 1.6


def test_counting_twice_gives_the_same_numbers(runner, native, guest) -> None:
    first = measure(runner, SETTINGS, native, guest)
    again = measure(runner, SETTINGS, native, replace(guest, name="again"))
    assert first == again
    assert all(window["instructions"] > window["taken_branches"] > 0 for window in first.values())


def test_the_held_out_suite_comes_to_its_end_too(runner, native, guest) -> None:
    folder = guest.folder / "heldout"
    folder.mkdir()
    initramfs = make_initramfs(
        runner,
        HELDOUT,
        window=native.window,
        modules=unpack_modules(
            runner,
            find_modules(runner, KERNEL / "usr", guest.vmlinux.release, SETTINGS.modules),
            folder / "modules",
        ),
        step_timeout=120,
        folder=folder,
    )
    other = replace(guest, initramfs=initramfs, suite=HELDOUT, folder=folder, name="heldout")
    counted = measure(runner, SETTINGS, native, other)
    assert all(window["taken_branches"] > 0 for window in counted.values())


def test_its_recording_becomes_a_profile(runner, toolchain, guest, table, tmp_path) -> None:
    request = Request(
        table=table,
        vmlinux=guest.vmlinux,
        settings=ProfileSettings(),
        cache=tmp_path,
        tools=(Tool.PROFGEN,),
        objects=None,
    )
    conversion = convert(runner, toolchain, request, folder=tmp_path)
    assert conversion.profile.functions > 1000
    assert conversion.quality.found.share > 0.95
