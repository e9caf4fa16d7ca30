"""The stage that records this machine, with a replaying perf and a kernel that is said to run."""

from __future__ import annotations

import io
import os
import signal
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo import log
from pkgafdo.branches.store import read_table
from pkgafdo.errors import CommandError, HostError, WaitingError
from pkgafdo.host.cpu import parse_cpuinfo
from pkgafdo.kernel.settings import KernelSettings
from pkgafdo.perf.alone import only_recorder
from pkgafdo.perf.keeper import Places
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.runner.local import LocalRunner
from pkgafdo.workflows.preflight import awaits_boot
from pkgafdo.workflows.record_host import record_host_stage, require_host_road
from pkgafdo.workflows.recorder import probed_road, try_recording
from pkgafdo.workflows.road import on_road, recording_stages
from tests.fakes import perf_files as pf
from tests.fakes.perf_program import EVENT, SHIFT, Behaviour, calls, install_perf
from tests.integration.cli.program import wait_until
from tests.integration.perf.test_keeper import NAME as SYSCTL
from tests.unit import elf_files
from tests.unit.pipeline.stages import entry, file_record
from tests.unit.workflows.sessions import boot, make_session

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.workflows.session import Session
from typing import Literal

pytestmark = [
    pytest.mark.real,
    pytest.mark.usefixtures("own_network"),
    pytest.mark.skipif(
        os.geteuid() != 0, reason="perf runs as root: no password can be given here"
    ),
]

NAME = "fake/branches/k"
BUILT = bytes(range(20)).hex()
RELEASE = "7.2.13-pkgafdo-base"
BASE = pf.TEXT + SHIFT
ONE_LOOP = pf.sample(EVENT, [(BASE + 24, BASE + 8, 2)] * 4, number=1)


class Machine:
    """A machine that runs a kernel, with a perf of its own and a session on it."""

    def __init__(self, folder: Path, **record) -> None:
        self.root = folder / "root"
        self.bin = folder / "bin"
        boot(self.root, BUILT)
        sysctl = folder / "sysctls" / SYSCTL
        sysctl.parent.mkdir(parents=True)
        sysctl.write_text("0\n", encoding="ascii")
        self.places = Places(sysctls=str(folder / "sysctls"), notes=str(folder / "notes"))
        runner = LocalRunner(env={"PATH": f"{self.bin}:{os.environ['PATH']}", "LC_ALL": "C"})
        sections = {"kernel": {"base": "defconfig"}, "record": {"event": NAME, **record}}
        session = make_session(folder, runner, **sections)  # type: ignore[arg-type]
        self.session = replace(session, runner=runner)
        vmlinux = folder / "vmlinux"
        vmlinux.write_bytes(elf_files.vmlinux(build_id=bytes.fromhex(BUILT)))
        self.entries = {
            "install-baseline": entry(
                "install-baseline",
                files={"vmlinux": file_record(vmlinux)},
                facts={"release": RELEASE, "build_id": BUILT},
            ),
            "source": entry("source", facts={"path": str(folder / "tree")}),
        }

    @property
    def stage(self):
        return record_host_stage(self.session, filesystem=self.root, places=self.places)

    def run(self):
        return self.stage.run(self.inputs)

    @property
    def inputs(self) -> Inputs:
        return Inputs(needs=self.stage.needs, entries=self.entries)


def replay(folder: Path, behaviour: Behaviour | None = None) -> None:
    """Install a perf that records one loop of the kernel, whose _text is not at its beginning."""
    stext = pf.mmap("[kernel.kallsyms]_stext", BASE, 0x1000, BASE)
    install_perf(
        folder, behaviour or Behaviour(events=[NAME]), samples=[ONE_LOOP] * 10, before=[stext],
        mapped=False,
    )  # fmt: skip


def stressed(folder: Path, script: str) -> None:
    """Put a stress-ng on PATH that does as a script says."""
    program = folder / "stress-ng"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    program.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path, workloads=["3,stress-ng", "network"])
    replay(made.bin)
    stressed(made.bin, "echo $* ; sleep 0.05")
    return made


def test_workloads_are_recorded_apart_and_merged_with_their_weights(machine: Machine) -> None:
    produced = machine.run()
    facts = produced.facts
    merged = read_table(produced.files["table"])
    folder = machine.session.workdir.path / "recordings"
    one, other = (read_table(folder / f"host-{name}.parquet") for name in ("stress-ng", "network"))
    assert one.branches > 0
    assert other.branches > 0
    assert merged.branches == 3 * one.branches + other.branches == facts["branches"]
    assert facts["suite"] == "stress-ng, network"
    assert facts["workloads"]["stress-ng"]["weight"] == 3
    assert facts["workloads"]["network"]["samples"] == other.meta.samples
    assert merged.meta.build_id == BUILT
    assert merged.meta.event == NAME
    log = (machine.session.workdir.logs / "workload-network.log").read_text(encoding="utf-8")
    assert "--sockpair 2 --sendfile 2" in log
    assert list((machine.session.scratch / "workloads").glob("*/")) == []
    assert len(calls(machine.bin)) == 4  # version, probe, two recordings


def test_the_outputs_are_those_that_the_vm_s_stage_has(machine: Machine) -> None:
    produced = machine.run()
    assert set(produced.files) == {"table"}
    assert {
        "suite", "branches", "ranges", "distinct_branches", "distinct_ranges", "modules", "event", "cpu",
    } <= set(produced.facts)  # fmt: skip


def test_another_running_kernel_closes_the_gate_and_records_nothing(machine: Machine) -> None:
    boot(machine.root, "cd" * 20)
    gate = machine.stage.gate
    assert gate is not None
    assert RELEASE in (gate(machine.inputs) or "")
    with pytest.raises(WaitingError, match=RELEASE):
        machine.run()
    assert calls(machine.bin) == []


def test_the_kernel_that_was_built_opens_the_gate(machine: Machine) -> None:
    gate = machine.stage.gate
    assert gate is not None
    assert gate(machine.inputs) is None


def test_a_failed_workload_is_kept_and_used_only_when_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, workloads=["stress-ng"])
    replay(machine.bin)
    stressed(machine.bin, "sleep 0.1; exit 3")
    with pytest.raises(CommandError, match="kept, and marked") as refusal:
        machine.run()
    assert "failed with exit code 1" in refusal.value.details
    recorded = len(calls(machine.bin))
    record = replace(machine.session.config.record, use_failed=True)
    machine.session = replace(
        machine.session, config=replace(machine.session.config, record=record)
    )
    produced = machine.run()
    assert read_table(produced.files["table"]).branches > 0
    # What was kept is used: perf was only asked for its version and probed.
    assert len(calls(machine.bin)) == recorded + 2


def test_what_was_recorded_before_an_interruption_is_not_recorded_again(machine: Machine) -> None:
    stressed(machine.bin, 'case "$*" in *sock*) sleep 0.1; exit 1;; esac; sleep 0.05')
    with pytest.raises(CommandError):
        machine.run()
    stressed(machine.bin, "sleep 0.05")
    before = len(calls(machine.bin))
    facts = machine.run().facts
    assert set(facts["workloads"]) == {"stress-ng", "network"}
    assert len(calls(machine.bin)) == before + 3  # version, probe, network


def interrupt(machine: Machine, number: signal.Signals) -> KeyboardInterrupt:
    """Send ourselves a signal once perf records a workload; returns what the stage raised."""

    def send() -> None:
        # After the version and the probe.
        wait_until(lambda: len(calls(machine.bin)) == 3, "perf records", 60)
        time.sleep(0.3)
        os.kill(os.getpid(), number)

    before = signal.signal(number, signal.default_int_handler)
    thread = threading.Thread(target=send)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt) as interruption:
            machine.run()
    finally:
        thread.join()
        signal.signal(number, before)
    return interruption.value


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_workload_s_recording_is_kept_and_marked(
    tmp_path: Path, number: signal.Signals
) -> None:
    machine = Machine(tmp_path, workloads=["stress-ng"])
    replay(machine.bin)
    stressed(machine.bin, "sleep 60")
    [note] = interrupt(machine, number).__notes__
    place = machine.session.workdir.path / "recordings/unfinished/host-stress-ng.parquet"
    assert note == f"the recording so far is kept in {place}, marked as not to be used"
    assert "before its workload came to an end" in read_table(place).meta.extra["faults"]
    stressed(machine.bin, "sleep 0.05")
    recorded = len(calls(machine.bin))
    machine.run()
    assert len(calls(machine.bin)) == recorded + 3  # version, probe, the workload again


def test_an_interrupted_workload_s_recording_is_used_when_told(tmp_path: Path) -> None:
    machine = Machine(tmp_path, workloads=["stress-ng"])
    replay(machine.bin)
    stressed(machine.bin, "sleep 60")
    interrupt(machine, signal.SIGINT)
    recorded = len(calls(machine.bin))
    record = replace(machine.session.config.record, use_failed=True)
    machine.session = replace(
        machine.session, config=replace(machine.session.config, record=record)
    )
    assert read_table(machine.run().files["table"]).branches > 0
    assert len(calls(machine.bin)) == recorded + 2


def test_a_request_to_end_keeps_what_was_recorded_and_begins_nothing_else(tmp_path: Path) -> None:
    machine = Machine(tmp_path, workloads=[])
    replay(machine.bin)
    [note] = interrupt(machine, signal.SIGTERM).__notes__
    assert "marked" not in note
    recorded = len(calls(machine.bin))
    assert machine.run().facts["suite"] == "using the machine"
    assert len(calls(machine.bin)) == recorded + 2


def test_a_command_of_one_s_own_is_recorded_for_its_time(tmp_path: Path) -> None:
    machine = Machine(tmp_path, command="echo mine; sleep 60", seconds=1)
    replay(machine.bin)
    produced = machine.run()
    facts = produced.facts
    assert facts["suite"] == "command"
    extra = read_table(produced.files["table"]).meta.extra
    assert extra["workload-command"] == "echo mine; sleep 60"
    assert facts["workloads"]["command"]["seconds"] < 300
    log = machine.session.workdir.logs / "workload-command.log"
    assert log.read_text(encoding="utf-8") == "mine\n"


def test_without_workloads_it_records_whatever_happens(tmp_path: Path) -> None:
    machine = Machine(tmp_path, workloads=[], seconds=1)
    replay(machine.bin)
    assert machine.run().facts["suite"] == "using the machine"


def road_of(machine: Machine) -> tuple[str, str]:
    session = machine.session
    settings = replace(session.config.record, road="auto")
    road = probed_road(
        session.runner, session.host, settings, filesystem=machine.root, places=machine.places
    )
    return road.name, road.why


def test_auto_takes_this_machine_where_the_probe_succeeds(machine: Machine) -> None:
    assert road_of(machine) == ("host", f"{NAME} works on this machine")


def test_auto_takes_the_vm_where_the_probe_fails_and_says_why(machine: Machine) -> None:
    install_perf(machine.bin, Behaviour(events=["another"]))
    name, why = road_of(machine)
    assert name == "vm"
    assert "doesn't support branch stack sampling" in why


def test_auto_takes_the_vm_where_there_is_no_perf(machine: Machine) -> None:
    record = replace(machine.session.config.record, perf="no-such-perf")
    machine.session = replace(
        machine.session, config=replace(machine.session.config, record=record)
    )
    name, why = road_of(machine)
    assert name == "vm"
    assert "no-such-perf is not installed" in why


def with_workloads(session: Session, names: tuple[str, ...]) -> Session:
    record = replace(session.config.record, workloads=names)
    return replace(session, config=replace(session.config, record=record))


def with_road(machine: Machine, road: Literal["vm", "host", "auto"]):
    record = replace(machine.session.config.record, road=road)
    return replace(machine.session, config=replace(machine.session.config, record=record))


def test_a_plan_believes_what_is_announced(machine: Machine) -> None:
    session = on_road(with_road(machine, "auto"), probe=False)
    assert session.config.record.road == "host"  # the event is the user's own
    assert calls(machine.bin) == []


def test_what_was_recorded_in_the_vm_stays_recorded(machine: Machine) -> None:
    machine.session.workdir.journal.write(entry("record", recipe={"suite": "train"}))
    session = on_road(with_road(machine, "auto"), probe=True)
    assert session.config.record.road == "vm"
    assert calls(machine.bin) == []


def test_the_road_decides_the_stages(machine: Machine) -> None:
    [vm] = recording_stages(with_road(machine, "vm"))
    [host] = recording_stages(with_road(machine, "host"))
    assert vm.name == host.name == "record"
    assert vm.gate is None
    assert host.gate is not None


def test_with_a_system_to_install_into_the_kernel_is_installed_first(machine: Machine) -> None:
    session = with_road(machine, "host")
    install = replace(session.config.install, system=True)
    stages = recording_stages(replace(session, config=replace(session.config, install=install)))
    assert [stage.name for stage in stages] == ["install-system-baseline", "record"]


def test_branches_that_lie_outside_of_the_kernel_speak_against_a_recording(tmp_path: Path) -> None:
    machine = Machine(tmp_path, workloads=["stress-ng"])
    install_perf(machine.bin, Behaviour(events=[NAME]))  # says where _text lay; vmlinux has none
    stressed(machine.bin, "sleep 0.05")
    with pytest.raises(CommandError) as refusal:
        machine.run()
    assert "none of its branches lies in the kernel" in refusal.value.details


def test_an_event_that_is_refused_is_refused_before_the_first_build(machine: Machine) -> None:
    require_host_road(machine.session, filesystem=machine.root, places=machine.places)
    install_perf(machine.bin, Behaviour(events=["another"]))
    with pytest.raises(HostError, match="cannot record branches") as refusal:
        require_host_road(machine.session, filesystem=machine.root, places=machine.places)
    assert "doesn't support branch stack sampling" in refusal.value.details


def test_what_only_the_kernel_to_be_built_can_do_is_told_and_not_refused(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(log, "_terminal", log.Terminal(stream=said))
    install_perf(machine.bin, Behaviour(events=["another"]))
    cpu = parse_cpuinfo("vendor_id : AuthenticAMD\nflags : brs\n")
    session = replace(machine.session, host=replace(machine.session.host, cpu=cpu))
    require_host_road(session, filesystem=machine.root, places=machine.places)
    assert "CONFIG_PERF_EVENTS_AMD_BRS" in said.getvalue()
    settings = replace(session.config.record, road="auto")
    road = probed_road(session.runner, session.host, settings, filesystem=machine.root)
    assert road.name == "vm"
    assert "with record.road=host" in road.why
    depth = machine.root / "sys/bus/event_source/devices/cpu/caps/branches"
    depth.parent.mkdir(parents=True)
    depth.write_text("16\n", encoding="ascii")  # the new kernel runs
    with pytest.raises(HostError, match="cannot record branches"):
        require_host_road(session, filesystem=machine.root, places=machine.places)


def test_somebody_else_s_recording_is_no_reason_not_to_build(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = io.StringIO()
    monkeypatch.setattr(log, "_terminal", log.Terminal(stream=said))
    with only_recorder():
        require_host_road(machine.session, filesystem=machine.root, places=machine.places)
    assert "another pkgafdo is recording" in said.getvalue()
    assert [argv[0] for argv in calls(machine.bin)] == ["version"]


def test_trying_says_which_event_worked_and_asks_for_no_password(machine: Machine) -> None:
    def tried(runner: LocalRunner) -> str:
        return try_recording(
            runner, machine.session.host, machine.session.config.record,
            filesystem=machine.root, places=machine.places,
        )  # fmt: skip

    assert tried(machine.session.runner) == NAME
    before = len(calls(machine.bin))
    asking = machine.bin / "sudo"
    asking.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    asking.chmod(0o755)
    assert tried(replace(machine.session.runner, root=("sudo", "--"))) == ""
    with only_recorder():
        assert tried(machine.session.runner) == ""
    assert len(calls(machine.bin)) == before


def test_the_stage_that_is_done_needs_no_probe(machine: Machine) -> None:
    session = with_road(machine, "host")
    stages = (machine.stage,)
    session.workdir.journal.write(machine.entries["install-baseline"])
    session.workdir.journal.write(machine.entries["source"])
    assert awaits_boot(session, stages)
    session.workdir.journal.write(
        entry("record", recipe=machine.stage.recipe, inputs=machine.inputs.digests())
    )
    assert not awaits_boot(session, stages)
    assert not awaits_boot(session, ())


def test_a_kernel_for_the_vm_keeps_an_automatic_road_in_the_vm(machine: Machine) -> None:
    session = with_road(machine, "auto")
    small = replace(session, config=replace(session.config, kernel=KernelSettings()))
    assert on_road(small, probe=True).config.record.road == "vm"
    assert calls(machine.bin) == []


def test_what_the_road_needs_is_asked_for_before_the_first_build(machine: Machine) -> None:
    (machine.bin / "stress-ng").unlink()
    runner = replace(machine.session.runner, env={"PATH": str(machine.bin)})
    (machine.bin / "perf").unlink()
    with pytest.raises(HostError, match="perf is not installed"):
        require_host_road(
            with_workloads(replace(machine.session, runner=runner), ()), filesystem=machine.root
        )
    with pytest.raises(HostError, match="stress-ng"):
        require_host_road(replace(machine.session, runner=runner), filesystem=machine.root)


def test_the_plan_shows_the_command_of_each_workload(machine: Machine) -> None:
    assert machine.stage.preview is not None
    lines = machine.stage.preview(machine.inputs)
    command = f"sudo perf record -e {NAME} -b -a -N -c 500009 -o - | pkgafdo"
    assert lines == (f"{command}  # while: stress-ng", f"{command}  # while: network")
