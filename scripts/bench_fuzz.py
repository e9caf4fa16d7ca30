"""Damage recordings in thousands of ways: each must be read, or refused with a sentence.

A case ends the run when it raises anything but ArtifactError, takes longer than --seconds, or when the
process grows beyond --mebibytes; what was read is kept, so that it can be looked at.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import Final

from pkgafdo import log
from pkgafdo.elf import TextBounds
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.recording import read_recording
from tests.fakes import perf_files as pf

LIES: Final = (0, 1, 7, 8, 9, 24, 2**15, 2**16 - 1, 2**31, 2**32 - 1, 2**60, 2**63, 2**64 - 1)
BOUNDS: Final = TextBounds(
    text=pf.TEXT, stext=pf.TEXT + 4096, etext=pf.TEXT + 8192, sinittext=pf.TEXT + 16384,
    einittext=pf.TEXT + 20480, entry_text_start=None, entry_text_end=None,
)  # fmt: skip
KEPT: Final = Path(tempfile.gettempdir(), "pkgafdo-fuzz.perf.data")


def made_by_hand(chance: random.Random) -> list[bytes]:
    """Return recordings in many layouts."""
    found = []
    for branch in (pf.ANY, pf.ANY | pf.HW_INDEX, pf.ANY | pf.COUNTERS):
        for extra in (0, pf.READ | pf.CALLCHAIN | pf.RAW, pf.STREAM_ID | pf.ADDR | pf.WEIGHT):
            events = [
                pf.Event(sample_type=pf.USUAL | extra, branch_sample_type=branch, ids=(1, 2),
                         read_format=chance.randrange(32)),
                pf.Event(sample_type=pf.USUAL, ids=(3,), config=0xC4),
            ]  # fmt: skip
            records = [pf.kernel_mmap(), pf.mmap("[ext4]", 0xFFFFFFFFC0000000, 4096), pf.lost(2)]
            records += [sample(events, chance) for _ in range(20)]
            features = {
                2: pf.build_id_record("[kernel.kallsyms]", bytes(20)),
                4: pf.string("7.2.13"),
                11: (1).to_bytes(4, "little") + pf.string("perf"),
                12: pf.event_desc(["a", "b"], events),
            }
            packed = pf.compressed(b"".join(records), pieces=3, second=chance.random() < 0.5)
            for make in (pf.perf_file, pf.perf_pipe):
                found += [make(events, records, features), make(events, packed, features)]
    return found


def sample(events: list[pf.Event], chance: random.Random) -> bytes:
    """Return a sample with a random stack."""
    event = chance.choice(events)
    entries = [
        (pf.TEXT + chance.randrange(4096), pf.TEXT + chance.randrange(4096), chance.randrange(4))
        for _ in range(chance.randrange(33))
    ]
    return pf.sample(event, entries, number=chance.choice(event.ids))


def damage(content: bytes, chance: random.Random) -> bytes:
    """Return a recording with one to four things wrong."""
    result = bytearray(content)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(max(1, len(result)))
        match chance.randrange(6):
            case 0:
                del result[at:]
            case 1 | 2:
                result[at : at + 1] = bytes([chance.randrange(256)])
            case 3:
                size = chance.choice((2, 4, 8))
                lie = chance.choice(LIES) % 256**size
                result[at & ~7 : (at & ~7) + size] = lie.to_bytes(size, "little")
            case 4:
                result[at:at] = result[at : at + chance.randrange(200)]
            case _:
                del result[at : at + chance.randrange(1, 64)]
    return bytes(result)


def resident() -> float:
    """Return the most memory that this process held so far, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def outcome(content: bytes, chance: random.Random) -> str:
    """Read a recording; returns what became of it."""
    try:
        text = chance.choice((None, BOUNDS))
        read_recording(io.BytesIO(content), text=text, filters=chance.random() < 0.5)
    except ArtifactError as error:
        return f"refused: {error.message[:60]}" if error.hint else "refused without a hint"
    except Exception:  # noqa: BLE001  any other error is what this program looks for
        return "broke: " + traceback.format_exc()
    return "read"


def fuzz(corpus: list[bytes], options: argparse.Namespace) -> int:
    """Try all cases; returns the exit code."""
    chance = random.Random(options.seed)
    seen: Counter[str] = Counter()
    slowest = 0.0
    for case in range(options.cases):
        content = damage(chance.choice(corpus), chance)
        KEPT.write_bytes(content)  # a crash of the process leaves it behind
        started = time.perf_counter()
        result = outcome(content, chance)
        slowest = max(slowest, time.perf_counter() - started)
        seen[result] += 1
        if result.startswith(("broke", "refused without")) or slowest > options.seconds:
            print(f"case {case} of seed {options.seed}, kept as {KEPT}: {slowest:.1f} s\n{result}")
            return 1
        if resident() > options.mebibytes:
            print(f"case {case} of seed {options.seed}, kept as {KEPT}: {resident():.0f} MiB")
            return 1
    KEPT.unlink()
    for result, count in seen.most_common():
        print(f"{count:8d}  {result}")
    print(f"{options.cases} cases; the slowest took {slowest:.2f} s; peak {resident():.0f} MiB")
    return 0


def main() -> int:
    """Read the command line and try; returns the exit code."""
    parser = argparse.ArgumentParser(prog="bench-fuzz", description=__doc__)
    parser.add_argument("recordings", nargs="*", type=Path, help="real recordings to damage, too")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=20, help="the most that a case may take")
    parser.add_argument("--mebibytes", type=float, default=1024, help="the most memory")
    options = parser.parse_args()
    log.use(log.Terminal(stream=io.StringIO()))
    corpus = made_by_hand(random.Random(options.seed))
    corpus += [path.read_bytes() for path in options.recordings]
    return fuzz(corpus, options)


if __name__ == "__main__":
    sys.exit(main())
