"""Our counts equal those of `perf script` for the same file."""

from __future__ import annotations

import os
import random
import shutil
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pkgafdo.perf.perfdata.recording import read_recording
from pkgafdo.runner.command import Command, Result
from pkgafdo.runner.local import LocalRunner
from tests.fakes import perf_files as pf
from tests.fakes.perf_files import TEXT

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("perf") is None, reason="perf is not installed"),
]

SHIFT = 0x1A000000
MODULE = 0xFFFFFFFFC0000000
FIRST = pf.Event(ids=(1, 2))
WITH_INDEX = pf.Event(ids=(1,), branch_sample_type=pf.ANY | pf.HW_INDEX)
WITH_COUNTERS = pf.Event(
    ids=(1,), sample_type=pf.USUAL | pf.WEIGHT, branch_sample_type=pf.ANY | pf.COUNTERS
)
WITH_BOTH = pf.Event(ids=(2,), branch_sample_type=pf.ANY | pf.HW_INDEX | pf.COUNTERS)
RICH = pf.Event(
    ids=(3,),
    sample_type=pf.USUAL | pf.ADDR | pf.STREAM_ID | pf.READ | pf.CALLCHAIN | pf.RAW | pf.WEIGHT,
    read_format=pf.GROUP | pf.READ_ID | 3,
    config=0xC4,
)
BY_ID = pf.Event(sample_type=pf.IP | pf.TID | pf.ID | pf.CPU | pf.BRANCH_STACK, ids=(7,))
BY_ID_TOO = pf.Event(sample_type=BY_ID.sample_type, ids=(8,), config=0xC4)


def samples(events, *, count: int = 400, seed: int = 1) -> list[bytes]:
    """Return samples of random stacks; some records do not concern us."""
    chance = random.Random(seed)
    found = [pf.kernel_mmap(TEXT + SHIFT), pf.mmap("[ext4]", MODULE, 0x10000), pf.comm()]
    for turn in range(count):
        event = chance.choice(events)
        entries = [
            (
                chance.choice([TEXT + SHIFT, MODULE, 0x400000]) + chance.randrange(64),
                chance.choice([TEXT + SHIFT, MODULE, 0x400000]) + chance.randrange(64),
                chance.choice([1, 2, 2, 2]) | chance.randrange(100) << 4,
            )
            for _ in range(chance.randrange(1, 33))
        ]
        number = chance.choice(event.ids)
        mode = chance.choice([pf.KERNEL, pf.KERNEL, pf.USER])
        found.append(pf.sample(event, entries, number=number, misc=mode, value=turn + 1))
    return [*found, pf.record(68, b"")]


Pairs = Counter[tuple[int, int]]


def counted(text: str) -> tuple[Pairs, Pairs, Pairs]:
    """Count what perf script printed: branches, mispredictions, ranges."""
    branches: Pairs = Counter()
    missed: Pairs = Counter()
    ranges: Pairs = Counter()
    for line in text.splitlines():
        entries = [word.split("/") for word in line.split() if "/" in word]
        pairs = [(int(entry[0], 16), int(entry[1], 16)) for entry in entries]
        branches.update(pairs)
        missed.update(pair for pair, entry in zip(pairs, entries, strict=True) if entry[2] == "M")
        ranges.update((older[1], newer[0]) for newer, older in pairwise(pairs))
    return branches, missed, ranges


MANY = samples([FIRST], count=2000)
PACKED = {27: b"".join(n.to_bytes(4, "little") for n in (1, 1, 1, 3, 1 << 22))}
LAYOUTS = {
    "plain": pf.perf_file([FIRST], samples([FIRST])),
    "hw_idx": pf.perf_file([WITH_INDEX], samples([WITH_INDEX])),
    "counters": pf.perf_file([WITH_COUNTERS], samples([WITH_COUNTERS])),
    "counters and hw_idx": pf.perf_file([WITH_BOTH], samples([WITH_BOTH])),
    "two events": pf.perf_file([FIRST, RICH], samples([FIRST, RICH])),
    "two events by ID": pf.perf_file([BY_ID, BY_ID_TOO], samples([BY_ID, BY_ID_TOO])),
    "all fields": pf.perf_file([RICH], samples([RICH])),
    "short attr": pf.perf_file(
        [pf.Event(ids=(1,), size=96)], samples([pf.Event(ids=(1,), size=96)])
    ),
    "pipe": pf.perf_pipe([FIRST, RICH], samples([FIRST, RICH])),
    "compressed": pf.perf_file([FIRST], pf.compressed(b"".join(MANY), pieces=9), PACKED),
}
COMPRESSED2 = pf.perf_file([FIRST], pf.compressed(b"".join(MANY), pieces=9, second=True), PACKED)


def perf_script(path: Path, *, accept: frozenset[int] = frozenset({0})) -> Result:
    """Let perf print the stacks of a file; a pipe's recording goes through one."""
    is_pipe = path.read_bytes()[8:16] == (16).to_bytes(8, "little")
    # perf reads a stream from nothing but a pipe.
    shell = (
        'cat "$0" | perf script -f -F ip,brstack -i -'
        if is_pipe
        else 'exec perf script -f -F ip,brstack -i "$0"'
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(path.parent), "LC_ALL": "C"}
    return LocalRunner(env=env).query(Command(argv=("sh", "-c", shell, str(path)), accept=accept))


def check_counts(path: Path, text: str) -> None:
    """Fail when our counts of a file are not those of a text that perf script printed."""
    branches, missed, ranges = counted(text)
    table = read_recording(path, filters=False)
    pairs = list(zip(table.branch_from.tolist(), table.branch_to.tolist(), strict=True))
    spans = zip(table.range_start.tolist(), table.range_end.tolist(), strict=True)
    assert len(branches) > 100
    assert dict(zip(pairs, table.branch_count.tolist(), strict=True)) == branches
    assert dict(zip(spans, table.range_count.tolist(), strict=True)) == ranges
    misses = zip(pairs, table.branch_mispredicted.tolist(), strict=True)
    assert {pair: count for pair, count in misses if count} == missed


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_counts_equal_those_of_perf_script(tmp_path, layout) -> None:
    path = tmp_path / "perf.data"
    path.write_bytes(LAYOUTS[layout])
    check_counts(path, perf_script(path).stdout)


def test_the_second_form_of_compression_holds_what_perf_script_prints_of_the_plain_file(
    tmp_path,
) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(pf.perf_file([FIRST], MANY))
    packed.write_bytes(COMPRESSED2)
    check_counts(packed, perf_script(plain).stdout)


def test_the_second_form_of_compression_equals_perf_scripts_own_reading(tmp_path) -> None:
    path = tmp_path / "perf.data"
    path.write_bytes(COMPRESSED2)
    printed = perf_script(path, accept=frozenset(range(256)))
    if "failed to process type: 83" in printed.stderr:
        pytest.skip("this perf does not know COMPRESSED2; those from 2025 on do")
    assert printed.returncode == 0
    check_counts(path, printed.stdout)
