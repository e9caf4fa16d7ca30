"""A perf on PATH that replays: it refuses, dawdles, breaks off or fails as it is told."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from tests.fakes import perf_files as pf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NO_STACKS = "PMU Hardware or event type doesn't support branch stack sampling."
NO_LIBPFM = "  Error: unknown option `pfm-events'\n\n Usage: perf record [<options>] [<command>]"
UNKNOWN = "event syntax error: '{event}'\n                     \\___ parser error"
EVENT = pf.Event(ids=(1,))
SHIFT = 0x1A000000
MODULE = 0xFFFFFFFFC0000000


@dataclass
class Behaviour:
    """What the fake does.

    events are those that it takes; refusal is said of all others. repeat serves the samples over and
    over until SIGINT, with so many seconds between; cut ends the stream after so many bytes, with
    exit code `code`. said goes to stderr.
    """

    version: str = "perf version 6.12.1"
    libpfm: bool = True
    events: list[str] = field(default_factory=list)
    refusal: str = NO_STACKS
    repeat: float = 0.02
    cut: int = 0
    code: int = 0
    said: str = ""


_PROGRAM = r"""#!PYTHON
import json, os, signal, sys, time
from pathlib import Path

here = Path(__file__).resolve().parent
behaviour = json.loads((here / "perf.json").read_text())
arguments = sys.argv[1:]
with (here / "perf.calls").open("a") as calls:
    calls.write(json.dumps({"argv": arguments, "uid": os.getuid()}) + "\n")
if arguments[0] == "version":
    print(behaviour["version"])
    print("  libpfm4: [ %s ]  # HAVE_LIBPFM" % ("on " if behaviour["libpfm"] else "OFF"))
    sys.exit(1 if "not found" in behaviour["version"] else 0)

stop = []
signal.signal(signal.SIGINT, lambda *_: stop.append(1))
if "--pfm-events" in arguments and not behaviour["libpfm"]:
    sys.stderr.write(NO_LIBPFM + "\n")
    sys.exit(129)
names = [arguments[at + 1] for at, word in enumerate(arguments) if word in ("-e", "--pfm-events")]
for name in names:
    if name not in behaviour["events"]:
        sys.stderr.write("Error:\n" + behaviour["refusal"].format(event=name) + "\n")
        sys.exit(255)
head, samples = (here / "perf.head").read_bytes(), (here / "perf.samples").read_bytes()
sent = 0

def send(content):
    global sent
    if behaviour["cut"] and sent + len(content) > behaviour["cut"]:
        os.write(1, content[: behaviour["cut"] - sent])
        sys.stderr.write(behaviour["said"])
        sys.exit(behaviour["code"])
    sent += len(content)
    while content:
        content = content[os.write(1, content) :]

send(head)
while True:
    send(samples)
    if stop:
        break
    time.sleep(behaviour["repeat"])
sys.stderr.write(behaviour["said"])
if behaviour["code"]:
    sys.exit(behaviour["code"])
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.kill(os.getpid(), signal.SIGINT)
"""


def stacks(count: int = 50, *, depth: int = 8, base: int = pf.TEXT + SHIFT) -> list[bytes]:
    """Return samples whose branches all lie in the first pages of the kernel."""
    return [
        pf.sample(
            EVENT,
            [(base + 64 * (at + turn) + 16, base + 64 * (at + turn + 1), 2) for at in range(depth)],
            number=1,
        )
        for turn in range(count)
    ]


def install_perf(
    folder: Path,
    behaviour: Behaviour | None = None,
    *,
    samples: Sequence[bytes] | None = None,
    before: Sequence[bytes] = (),
    mapped: bool = True,
    event: pf.Event = EVENT,
) -> Path:
    """Put the fake into a folder that a test has on its PATH; returns the program."""
    what = behaviour or Behaviour()
    folder.mkdir(parents=True, exist_ok=True)
    start = [pf.kernel_mmap(pf.TEXT + SHIFT), pf.mmap("[ext4]", MODULE, 0x10000)] if mapped else []
    head = pf.perf_pipe([event], [*start, pf.comm(), *before], {4: pf.string("7.2.13-fake")})
    (folder / "perf.head").write_bytes(head)
    (folder / "perf.samples").write_bytes(b"".join(stacks() if samples is None else samples))
    (folder / "perf.json").write_text(json.dumps(asdict(what)), encoding="utf-8")
    (folder / "perf.calls").write_text("", encoding="utf-8")
    program = folder / "perf"
    text = _PROGRAM.replace("PYTHON", sys.executable, 1).replace("NO_LIBPFM", repr(NO_LIBPFM))
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return program


def calls(folder: Path) -> list[list[str]]:
    """Return the command lines that the fake was started with."""
    lines = (folder / "perf.calls").read_text(encoding="utf-8").splitlines()
    return [json.loads(line)["argv"] for line in lines]


def header_size() -> int:
    """Return how many bytes come before the first sample."""
    head = pf.perf_pipe(
        [EVENT],
        [pf.kernel_mmap(pf.TEXT + SHIFT), pf.mmap("[ext4]", MODULE, 0x10000), pf.comm()],
        {4: pf.string("7.2.13-fake")},
    )
    return len(head)


def sample_size() -> int:
    """Return the size of one of the samples."""
    return len(stacks(1)[0])
