"""The virtual LBR in a real guest of 512 bytes, whose every branch is known."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from pkgafdo.branches.vlbr import read_windows
from pkgafdo.runner.command import Command
from pkgafdo.vm.lbr import parse_measure
from pkgafdo.vm.plugin import build_native
from pkgafdo.vm.qemu import plugin_value

pytestmark = pytest.mark.real

SOURCE = Path(__file__).parents[2] / "native" / "boot_sector.S"


@dataclass(frozen=True)
class Labels:
    """Where the guest's code lies."""

    kernel: int
    again: int
    back: int
    calls: int
    behind: int
    work: int
    leaves: int


@pytest.fixture(scope="module")
def image(runner, compiler, tmp_path_factory) -> Path:
    """Assemble the boot sector."""
    output: Path = tmp_path_factory.mktemp("boot") / "boot.bin"
    flags = (
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,-N,-Ttext=0x7c00,--build-id=none,--oformat=binary",
    )
    runner.run(Command(argv=(compiler, *flags, "-o", str(output), str(SOURCE))))
    assert output.stat().st_size == 512
    return output


@pytest.fixture(scope="module")
def labels(image) -> Labels:
    return Labels(*struct.unpack_from("<7Q", image.read_bytes(), 510 - 7 * 8))


@pytest.fixture(scope="module")
def boot(runner, toolchain, qemu, image, tmp_path_factory):
    """Return a function that boots the sector under the plugin in a mode and returns its output file."""
    native = build_native(runner, toolchain, qemu=qemu, cache=tmp_path_factory.mktemp("cache"))

    def run(mode: str, *further: str) -> Path:
        output: Path = tmp_path_factory.mktemp(mode) / "out"
        plugin = plugin_value(native.plugin, {"mode": mode, "out": str(output), "entry": "0-0"})
        argv = (
            qemu, "-M", "pc", "-m", "32", "-nodefaults", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=single", *further,
            "-drive", f"file={image},format=raw,if=ide,snapshot=on",
            "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
            "-plugin", plugin,
        )  # fmt: skip
        runner.run(Command(argv=argv, accept=frozenset({1}), timeout=60))
        return output

    return run


ICOUNT = ("-icount", "shift=0,sleep=off")


@pytest.mark.parametrize("further", [(), ICOUNT], ids=["free", "icount"])
def test_every_branch_in_the_window_is_counted_exactly(boot, labels, further) -> None:
    (window,) = read_windows(boot("record", *further))
    at = labels
    assert window.window == 1
    assert {(int(a), int(b)): int(count) for a, b, count in window.branches} == {
        (at.back, at.again): 4,
        (at.calls, at.work): 1,
        (at.leaves, at.behind): 1,
    }
    assert {(int(a), int(b)): int(count) for a, b, count in window.ranges} == {
        (at.kernel, at.back): 1,
        (at.again, at.back): 3,
        (at.again, at.calls): 1,
        (at.work, at.leaves): 1,
    }
    assert window.discontinuities == 1


def test_the_model_counts_the_same_work_and_twice_the_same(boot) -> None:
    first, second = (boot("measure", *ICOUNT).read_text() for _ in range(2))
    assert first == second
    assert parse_measure(first) == {
        1: {
            # mov; 5 × (dec, jnz); call; nop, ret; mov, mov, rep stosb, ret
            "instructions": 1 + 10 + 1 + 2 + 4,
            "taken_branches": 6,
            "l1i_misses": parse_measure(first)[1]["l1i_misses"],
            "itlb_misses": 1,
            "lines_touched": parse_measure(first)[1]["lines_touched"],
            "pages_touched": 1,
        }
    }
    assert parse_measure(first)[1]["l1i_misses"] in {1, 2}
    assert parse_measure(first)[1]["lines_touched"] == parse_measure(first)[1]["l1i_misses"]
