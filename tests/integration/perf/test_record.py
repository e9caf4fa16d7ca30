"""Recording with a replaying perf: counting, ending, refusing, breaking off."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pkgafdo import elf
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.host.users import root_prefix
from pkgafdo.perf.events import events_for, parse_event
from pkgafdo.perf.keeper import Places
from pkgafdo.perf.kept import KeptFile
from pkgafdo.perf.perfdata.mappings import KernelMapping
from pkgafdo.perf.perfdata.recording import read_recording
from pkgafdo.perf.probe import probe, require_event
from pkgafdo.perf.program import Perf
from pkgafdo.perf.record import Recorded, Request, Workload, record
from pkgafdo.perf.refusals import Refusal, Refused
from pkgafdo.perf.relink import relinked
from pkgafdo.runner.command import Command, RunAs
from pkgafdo.runner.local import LocalRunner
from tests.fakes import perf_files as pf
from tests.fakes import perf_program
from tests.fakes.perf_program import SHIFT, Behaviour, calls, install_perf

pytestmark = pytest.mark.real

NAME = "fake/branches/k"
BOUNDS = elf.TextBounds(
    text=pf.TEXT, stext=pf.TEXT, etext=pf.TEXT + 0x1000000, sinittext=None, einittext=None,
    entry_text_start=None, entry_text_end=None,
)  # fmt: skip


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    return tmp_path / "bin"


@pytest.fixture
def runner(tmp_path: Path, bin_folder: Path) -> LocalRunner:
    return LocalRunner(env={"PATH": f"{bin_folder}:{os.environ['PATH']}", "LC_ALL": "C"})


@pytest.fixture
def places(tmp_path: Path) -> Places:
    (tmp_path / "sysctls/kernel").mkdir(parents=True)
    (tmp_path / "sysctls/kernel/kptr_restrict").write_text("2\n", encoding="ascii")
    return Places(sysctls=str(tmp_path / "sysctls"), notes=str(tmp_path / "notes"))


@pytest.fixture
def request_of(bin_folder: Path, places: Places):
    def make(**changes) -> Request:
        words: dict[str, Any] = {
            "perf": str(bin_folder / "perf"), "event": parse_event(NAME), "period": 500_009,
            "places": places, "text": BOUNDS, "run_as": RunAs.ROOT if os.geteuid() == 0 else RunAs.SELF,
        }  # fmt: skip
        return Request(**(words | changes))

    return make


def recorded(outcome: Recorded | Refused) -> Recorded:
    assert isinstance(outcome, Recorded), outcome
    return outcome


def shell(script: str, *words: str) -> Workload:
    return Workload(command=Command(argv=("sh", "-c", script, "sh", *words)))


def test_a_workload_is_recorded_from_its_start_to_its_end(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    found = recorded(record(runner, request_of(workload=shell("sleep 0.3"))))
    assert found.status == 0
    assert not found.interrupted
    assert found.damage == ""
    assert 0.2 < found.seconds < 300
    meta = found.table.meta
    assert meta.samples >= 100
    assert meta.samples % 50 == 0
    assert meta.kernelrelease == "7.2.13-fake"
    assert meta.link_base == pf.TEXT
    assert int(found.table.branch_from.min()) >= pf.TEXT
    assert int(found.table.branch_to.max()) < pf.TEXT + 0x10000
    assert [module.name for module in meta.modules] == ["ext4"]
    [argv] = calls(bin_folder)
    assert argv == ["record", "-e", NAME, "-b", "-a", "-N", "-c", "500009", "-o", "-"]


def test_time_ends_a_recording(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    found = recorded(record(runner, request_of(seconds=0.4)))
    assert found.status is None
    assert 0.3 < found.seconds < 300
    assert found.damage == ""


def test_a_workload_that_goes_on_is_ended_with_the_time(
    runner, bin_folder, request_of, tmp_path
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    mark = tmp_path / "pid"
    workload = shell('echo $$ > "$1"; sleep 600', str(mark))
    found = recorded(record(runner, request_of(seconds=0.4, workload=workload)))
    assert found.status is None
    pid = int(mark.read_text(encoding="ascii"))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_recording_and_keeps_it(runner, bin_folder, request_of, number) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    timer = threading.Timer(0.5, os.kill, (os.getpid(), number))
    timer.start()
    found = recorded(record(runner, request_of()))
    timer.join()
    assert found.interrupted
    assert found.terminated == (number != signal.SIGINT)
    assert found.damage == ""
    assert found.table.meta.samples >= 50
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_failing_workload_leaves_a_recording_that_says_so(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    found = recorded(record(runner, request_of(workload=shell("sleep 0.1; exit 7"))))
    assert found.status == 7
    assert found.table.meta.samples >= 50


def test_a_workload_that_cannot_start_leaves_nothing_at_work(
    runner, bin_folder, request_of, places
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    with pytest.raises(HostError, match="no-such-program is not installed"):
        record(runner, request_of(workload=Workload(command=Command(argv=("no-such-program",)))))
    assert read(f"{places.sysctls}/kernel/kptr_restrict") == "2"


def test_a_refused_event_is_told_with_perf_s_own_words(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=["another"]))
    outcome = record(runner, request_of(seconds=1))
    assert isinstance(outcome, Refused)
    assert outcome.why is Refusal.NO_STACKS
    assert "branch stack sampling" in outcome.line


def test_a_stream_that_breaks_off_is_counted_as_far_as_it_goes(
    runner, bin_folder, request_of
) -> None:
    cut = perf_program.header_size() + 20 * perf_program.sample_size() + 9
    install_perf(bin_folder, Behaviour(events=[NAME], cut=cut, code=1, said="Killed\n"))
    found = recorded(record(runner, request_of(workload=shell("sleep 600"))))
    assert found.table.meta.samples == 20
    assert "last record" in found.damage


def test_a_perf_that_ends_by_itself_is_noticed(runner, bin_folder, request_of) -> None:
    cut = perf_program.header_size() + 20 * perf_program.sample_size()
    install_perf(bin_folder, Behaviour(events=[NAME], cut=cut, code=3, said="out of memory\n"))
    found = recorded(record(runner, request_of(workload=shell("sleep 600"))))
    assert "ended by itself" in found.damage
    assert "exit code 3" in found.damage
    assert "out of memory" in found.damage
    assert found.status is None


def test_a_stream_without_samples_is_refused(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]), samples=[])
    with pytest.raises(ArtifactError, match="no samples"):
        record(runner, request_of(seconds=0.2))


def test_a_recording_without_branch_stacks_is_refused(runner, bin_folder, request_of) -> None:
    plain = pf.Event(sample_type=pf.IP | pf.TID, ids=(1,))
    install_perf(bin_folder, Behaviour(events=[NAME]), samples=[], event=plain)
    with pytest.raises(ArtifactError, match="no branch stacks"):
        record(runner, request_of(seconds=0.2))


def test_a_slow_stream_is_counted_as_it_comes(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME], repeat=0.5), samples=perf_program.stacks(1))
    found = recorded(record(runner, request_of(seconds=1.2)))
    assert 1 <= found.table.meta.samples < 50


def test_lost_samples_are_counted(runner, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]), before=[pf.lost(40), pf.lost_samples(2)])
    assert recorded(record(runner, request_of(seconds=0.2))).table.meta.lost == 40


def test_without_a_mapping_the_given_address_of_the_kernel_serves(
    runner, bin_folder, request_of
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]), mapped=False)
    kernel = KernelMapping(symbol="_text", address=pf.TEXT + SHIFT, length=0)
    found = recorded(record(runner, request_of(seconds=0.2, kernel=kernel)))
    assert int(found.table.branch_from.min()) == pf.TEXT + 16
    assert "addresses" not in found.table.meta.extra


def test_without_any_address_of_the_kernel_the_table_says_so(
    runner, bin_folder, request_of
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]), mapped=False)
    found = recorded(record(runner, request_of(seconds=0.2, text=None)))
    assert found.table.meta.extra["addresses"] == "unknown"
    assert relinked(found.table, BOUNDS) is found.table


def test_without_vmlinux_the_table_has_the_running_kernel_s_addresses(
    runner, bin_folder, request_of
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    found = recorded(record(runner, request_of(seconds=0.2, text=None)))
    assert found.table.meta.extra["addresses"] == "runtime _text"
    assert found.table.meta.link_base == pf.TEXT + SHIFT
    moved = relinked(found.table, BOUNDS)
    assert moved.meta.link_base == pf.TEXT
    assert int(moved.branch_from.min()) == pf.TEXT + 16
    assert moved.branches == found.table.branches
    assert moved.ranges == found.table.ranges
    assert relinked(moved, BOUNDS) is moved


def test_the_kept_recording_is_whole_and_counts_the_same(
    runner, bin_folder, request_of, tmp_path
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    keep = KeptFile(path=tmp_path / "perf.data", limit=1 << 30)
    found = recorded(record(runner, request_of(seconds=0.3, keep=keep)))
    again = read_recording(keep.path, text=BOUNDS)
    assert keep.path.stat().st_size == found.size
    assert again.branches == found.table.branches
    assert keep.path.stat().st_mode & 0o777 == 0o600


def test_the_kept_recording_ends_at_its_limit_and_the_other_goes_on(
    runner, bin_folder, request_of, tmp_path
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    limit = perf_program.header_size() + 60 * perf_program.sample_size()
    keep = KeptFile(path=tmp_path / "perf.data", limit=limit)
    found = recorded(record(runner, request_of(seconds=0.5, keep=keep)))
    assert "reached" in keep.ended
    assert keep.path.stat().st_size <= limit
    assert 0 < read_recording(keep.path, text=BOUNDS).meta.samples <= 60
    assert found.table.meta.samples > 60
    assert found.damage == ""


def test_the_sysctl_is_held_while_recording_and_put_back_after_it(
    runner, bin_folder, request_of, places
) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    if os.geteuid() != 0:
        pytest.skip("only root holds sysctls")
    look = shell(f'cat "{places.sysctls}/kernel/kptr_restrict" > "$1"', f"{places.notes}/seen")
    recorded(record(runner, request_of(workload=look)))
    assert read(f"{places.notes}/seen") == "1"
    assert read(f"{places.sysctls}/kernel/kptr_restrict") == "2"


def read(path: str) -> str:
    return Path(path).read_text(encoding="ascii").strip()


@pytest.fixture
def perf_of(bin_folder):
    return Perf(path=str(bin_folder / "perf"), version=(6, 12), libpfm=True)


def probed(runner, perf, facilities, places, **words):
    run_as = RunAs.ROOT if os.geteuid() == 0 else RunAs.SELF
    return probe(runner, perf, events_for(facilities, **words), run_as=run_as, places=places)


def test_the_probe_takes_the_first_event_that_gives_stacks(
    runner, bin_folder, perf_of, places
) -> None:
    raw = "cpu/event=0xc4/k"
    install_perf(bin_folder, Behaviour(events=[raw], refusal=perf_program.UNKNOWN))
    found = probed(runner, perf_of, ["AMD LBR v2"], places)
    assert require_event(found).names == (raw,)
    assert found.attempts[0].why is Refusal.UNKNOWN_EVENT
    assert "samples" in found.reason
    assert [argv[1:3] for argv in calls(bin_folder)] == [
        ["--pfm-events", "RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k"], ["-e", raw],
    ]  # fmt: skip


def test_a_perf_without_libpfm_is_refused_and_the_raw_event_taken(
    runner, bin_folder, perf_of, places
) -> None:
    raw = "cpu/event=0xc4/k"
    install_perf(bin_folder, Behaviour(events=[raw], libpfm=False))
    found = probed(runner, perf_of, ["AMD BRS"], places)
    assert found.attempts[0].why is Refusal.NO_LIBPFM
    assert require_event(found).raw


def test_a_machine_that_gives_no_stacks_is_refused_with_the_vm_as_the_way_out(
    runner, bin_folder, perf_of, places
) -> None:
    install_perf(bin_folder)
    found = probed(runner, perf_of, ["Intel LBR"], places)
    with pytest.raises(HostError, match="cannot record branches") as refusal:
        require_event(found)
    assert len(found.attempts) == 3
    assert "BR_INST_RETIRED.NEAR_TAKEN:k" in refusal.value.details
    assert 'record.road = "vm"' in refusal.value.hint


def test_where_rights_are_missing_no_other_event_is_tried(
    runner, bin_folder, perf_of, places
) -> None:
    install_perf(bin_folder, Behaviour(refusal="No permission to enable {event} event."))
    found = probed(runner, perf_of, ["Intel LBR"], places)
    assert len(found.attempts) == 1
    with pytest.raises(HostError) as refusal:
        require_event(found)
    assert "root" in refusal.value.hint


def test_an_event_that_never_fires_does_not_pass_the_probe(
    runner, bin_folder, perf_of, places
) -> None:
    install_perf(bin_folder, Behaviour(events=["cpu/event=0xc4/k"]), samples=[])
    found = probed(runner, perf_of, ["AMD BRS"], places, libpfm=False)
    assert found.event is None
    assert "no samples" in found.reason


def test_ctrl_c_while_it_probes_interrupts(runner, bin_folder, perf_of, places) -> None:
    install_perf(bin_folder, Behaviour(events=["cpu/event=0xc4/k"]))
    timer = threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        probed(runner, perf_of, ["AMD BRS"], places, libpfm=False)
    timer.join()


def test_a_probe_takes_about_a_second(runner, bin_folder, perf_of, places) -> None:
    install_perf(bin_folder, Behaviour(events=["cpu/event=0xc4/k"]))
    began = time.monotonic()
    found = probed(runner, perf_of, ["AMD BRS"], places, libpfm=False)
    assert found.event is not None
    assert time.monotonic() - began > 0.9


SUDO = """#!/bin/sh
printf '%s\\n' "$*" >> "$(dirname "$0")/sudo.calls"
while [ "$1" != -- ]; do [ "$#" -gt 0 ] || exit 0; shift; done
shift
exec "$@"
"""


@pytest.fixture
def sudo(runner, bin_folder):
    """A user's runner, whose way to root is a sudo that needs no password and gives nothing."""
    bin_folder.mkdir()
    (bin_folder / "sudo").write_text(SUDO, encoding="utf-8")
    (bin_folder / "sudo").chmod(0o755)
    return replace(runner, root=("sudo", "--"))


def test_perf_alone_runs_through_sudo(sudo, bin_folder, request_of, places) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    look = shell(f'cat "{places.sysctls}/kernel/kptr_restrict" > "$1"', f"{places.sysctls}/seen")
    found = recorded(record(sudo, request_of(workload=look, run_as=RunAs.ROOT)))
    assert found.status == 0
    [asked] = (bin_folder / "sudo.calls").read_text(encoding="utf-8").splitlines()
    assert asked.startswith("-- sh ")
    assert asked.endswith("-- " + " ".join([str(bin_folder / "perf"), *calls(bin_folder)[0]]))
    assert read(f"{places.sysctls}/seen") == "1"
    assert read(f"{places.sysctls}/kernel/kptr_restrict") == "2"


OTHER_WAY = """#!/bin/sh
printf '%s\\n' "$*" >> "$(dirname "$0")/asked"
exec "$@"
"""


@pytest.mark.parametrize("name", ["run0", "doas"])
def test_perf_alone_runs_through_another_way_to_root(
    runner, bin_folder, request_of, places, name: str
) -> None:
    """Neither takes an option, and neither is asked to remember a password, as sudo is."""
    bin_folder.mkdir()
    (bin_folder / name).write_text(OTHER_WAY, encoding="utf-8")
    (bin_folder / name).chmod(0o755)
    install_perf(bin_folder, Behaviour(events=[NAME]))
    way = root_prefix(1000, lambda one: str(bin_folder / one) if one == name else None)
    assert way == (name,)
    request = request_of(seconds=1.0, renewal=0.2, run_as=RunAs.ROOT)
    found = recorded(record(replace(runner, root=way), request))
    assert found.table.branches
    assert found.damage == ""
    [asked] = (bin_folder / "asked").read_text(encoding="utf-8").splitlines()
    assert asked.startswith("sh ")
    assert asked.endswith("-- " + " ".join([str(bin_folder / "perf"), *calls(bin_folder)[0]]))
    assert read(f"{places.sysctls}/kernel/kptr_restrict") == "2"


def test_sudo_is_kept_from_asking_again_in_a_series(sudo, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    request = request_of(seconds=1.0, renewal=0.2, run_as=RunAs.ROOT)
    recorded(record(sudo, request))
    asked = (bin_folder / "sudo.calls").read_text(encoding="utf-8").splitlines()
    assert asked.count("-n -v") >= 2
    assert all("-n -v" not in command for command in sudo.commands)


def test_ctrl_c_through_sudo_keeps_the_recording(sudo, bin_folder, request_of) -> None:
    install_perf(bin_folder, Behaviour(events=[NAME]))
    timer = threading.Timer(0.7, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    found = recorded(record(sudo, request_of(run_as=RunAs.ROOT)))
    timer.join()
    assert found.interrupted
    assert found.damage == ""
