"""Real perf with a software event, which has no branch stacks: starting, ending, rights, refusals."""

from __future__ import annotations

import os
import pwd
import shutil
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.host.kallsyms import kernel_address
from pkgafdo.perf.events import Carrier, Event
from pkgafdo.perf.keeper import Places
from pkgafdo.perf.kept import KeptFile, whole_records
from pkgafdo.perf.perfdata.counter import Counter
from pkgafdo.perf.perfdata.header import is_pipe
from pkgafdo.perf.perfdata.recording import read_recording
from pkgafdo.perf.perfdata.session import Session
from pkgafdo.perf.perfdata.source import pump
from pkgafdo.perf.program import find_perf
from pkgafdo.perf.record import Request, Workload, record
from pkgafdo.perf.refusals import Refusal, Refused
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import Builder, LocalRunner

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(shutil.which("perf") is None, reason="perf is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="recording the whole machine needs root"),
]

CLOCK = Event(
    facility="software", carrier=Carrier.EVENT, names=("cpu-clock:k",), options=("--timestamp",)
)
NOBODY = next((entry for entry in pwd.getpwall() if entry.pw_name == "nobody"), None)


@pytest.fixture
def runner() -> LocalRunner:
    builder = None
    if NOBODY is not None:
        builder = Builder(name="nobody", uid=NOBODY.pw_uid, gid=NOBODY.pw_gid, home="/")
    return LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"}, builder=builder)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    sysctl = tmp_path / "sysctls/kernel/kptr_restrict"
    sysctl.parent.mkdir(parents=True)
    sysctl.write_text("1\n", encoding="ascii")
    return Places(sysctls=str(tmp_path / "sysctls"), notes=str(tmp_path / "notes"))


def clocked(runner: LocalRunner, places: Places, keep: KeptFile, **words) -> None:
    """Record with the software event; that nothing can be counted is known only at the end."""
    perf = find_perf(runner).path
    request = Request(perf=perf, event=CLOCK, period=1_000_003, places=places, keep=keep, **words)
    with pytest.raises(ArtifactError, match="no branch stacks"):
        record(runner, request)


def script(runner: LocalRunner, path: Path) -> str:
    text = f'cat "{path}" | perf script -i - -F comm'
    return runner.query(Command(argv=("sh", "-c", text))).stdout


def test_the_whole_machine_is_recorded_while_the_workload_runs(runner, places, tmp_path) -> None:
    keep = KeptFile(path=tmp_path / "perf.data", limit=1 << 30)
    busy = Command(argv=("dd", "if=/dev/zero", "of=/dev/null", "bs=1", "count=300000"))
    clocked(runner, places, keep, workload=Workload(command=busy))
    assert whole_records(keep.path) == keep.path.stat().st_size
    assert "dd" in script(runner, keep.path)
    with pytest.raises(ArtifactError, match="no branch stacks"):
        read_recording(keep.path)


def test_time_ends_it_by_sigint_and_the_stream_is_whole(runner, places, tmp_path) -> None:
    keep = KeptFile(path=tmp_path / "perf.data", limit=1 << 30)
    clocked(runner, places, keep, seconds=1)
    assert keep.size == whole_records(keep.path) > 1000


@pytest.mark.skipif(NOBODY is None, reason="there is no user nobody")
def test_perf_runs_as_root_and_the_workload_as_the_user(runner, places, tmp_path) -> None:
    mark = tmp_path / "mark"
    mark.touch()
    mark.chmod(0o666)
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    whoami = Command(argv=("sh", "-c", f'id -un > "{mark}"'), run_as=RunAs.BUILDER)
    keep = KeptFile(path=tmp_path / "perf.data", limit=1 << 30)
    clocked(runner, places, keep, workload=Workload(command=whoami))
    assert mark.read_text(encoding="utf-8") == "nobody\n"
    assert keep.size > 0


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (Event(facility="", carrier=Carrier.EVENT, names=("cpu-clock:k",)), {Refusal.NO_STACKS}),
        (
            Event(facility="", carrier=Carrier.EVENT, names=("NO_SUCH_EVENT:k",)),
            {Refusal.UNKNOWN_EVENT},
        ),
        (
            Event(facility="", carrier=Carrier.LIBPFM, names=("NO_SUCH_EVENT:k",)),
            {Refusal.NO_LIBPFM, Refusal.UNKNOWN_EVENT},
        ),
    ],
)
def test_real_refusals_are_understood(runner, places, event: Event, why: set[Refusal]) -> None:
    request = Request(perf=find_perf(runner).path, event=event, period=1009, places=places)
    outcome = record(runner, request)
    assert isinstance(outcome, Refused)
    assert outcome.why in why
    assert outcome.line


def test_what_perf_says_of_the_machine_is_learned_from_its_pipe(runner, places, tmp_path) -> None:
    keep = KeptFile(path=tmp_path / "perf.data", limit=1 << 30)
    clocked(runner, places, keep, seconds=1)
    session = Session(Counter(filters=True))
    with keep.path.open("rb") as stream:
        assert is_pipe(stream.read(16))
        pump(stream, session, size=None)
    session.finish()
    known = session.known
    assert known.facts.kernelrelease == os.uname().release
    assert known.facts.arch == os.uname().machine
    assert known.kernel is not None
    address = kernel_address()
    assert address is not None
    assert (known.kernel.symbol, known.kernel.address) == address
