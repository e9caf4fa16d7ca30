"""A sampled recording of the tiny kernel, converted by two roads that must meet."""

from __future__ import annotations

import numpy as np
import pytest

from pkgafdo import elf
from pkgafdo.perf.perfdata.recording import read_recording
from pkgafdo.perf.perfdata.write import Machine, Stacks, write_recording
from pkgafdo.profile.compare import overlap_command, parse_overlap
from pkgafdo.profile.profgen import convert_table
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.command import Command

pytestmark = pytest.mark.real

DEPTH = 32
SHIFT = 0x1A000000


@pytest.fixture(scope="module")
def recording(taken, vmlinux, tmp_path_factory):
    """A perf.data file with a stack after every 17th branch, under KASLR."""
    rows = np.array(taken, dtype=np.uint64) + np.uint64(SHIFT)
    newest = np.arange(DEPTH, len(rows), 17)
    picked = (newest[:, None] - np.arange(DEPTH)).ravel()
    bounds = elf.text_bounds(vmlinux.path)
    assert bounds.text is not None
    assert bounds.etext is not None
    machine = Machine(
        text=bounds.text + SHIFT, text_size=bounds.etext - bounds.text, build_id=vmlinux.build_id,
        kernelrelease="7.2.13", arch="x86_64", cpu="walk", event="virtual-lbr", period=17,
        command="walk",
    )  # fmt: skip
    path = tmp_path_factory.mktemp("recording") / "perf.data"
    lengths = np.full(len(newest), DEPTH, dtype=np.uint64)
    write_recording(path, Stacks(rows=rows[picked], lengths=lengths), machine)
    return path


def test_the_table_and_llvm_profgens_own_reading_give_the_same_profile(
    runner, toolchain, vmlinux, recording, tmp_path
) -> None:
    theirs = tmp_path / "theirs.afdo"
    runner.run(
        Command(
            argv=(
                toolchain.tools["llvm-profgen"],
                "--kernel",
                f"--binary={vmlinux.path}",
                f"--perfdata={recording}",
                "--format=extbinary",
                f"--output={theirs}",
            )
        )
    )
    table = read_recording(recording, text=elf.text_bounds(vmlinux.path))
    ours = convert_table(
        runner, toolchain,
        table=table, vmlinux=vmlinux, folder=tmp_path, settings=ProfileSettings(min_functions=50),
    )  # fmt: skip
    command = overlap_command(toolchain.tools["llvm-profdata"], theirs, ours.profile.path)
    overlap = parse_overlap(runner.query(command).stdout)
    assert overlap.similarity >= 0.999
    assert overlap.samples >= 0.999
    assert overlap.functions == 1.0
