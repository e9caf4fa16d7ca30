"""What speaks against a recording of this machine; who may record, and on which road."""

from __future__ import annotations

import errno
import os
import re
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.config.load import build_config
from pkgafdo.errors import ArtifactError, ConfigError, HostError
from pkgafdo.host.cpu import parse_cpuinfo
from pkgafdo.host.running import BootedKernel
from pkgafdo.perf.events import events_for
from pkgafdo.perf.program import Perf
from pkgafdo.perf.record import Recorded
from pkgafdo.runner.command import RunAs
from pkgafdo.runner.local import LocalRunner
from pkgafdo.workflows.host_recording import (
    Job,
    Subject,
    described,
    faults_of,
    find_running_vmlinux,
    subject_of,
)
from pkgafdo.workflows.record_here import require_writable
from pkgafdo.workflows.recorder import Recorder, candidates, expected_road, rights
from tests.fakes.runner import FakeRunner
from tests.unit import elf_files
from tests.unit.host.test_doctor import FACTS
from tests.unit.host.test_pmu import sysfs

SAMPLES = Path(__file__).parents[2] / "data" / "cpuinfo"
KERNEL = BootedKernel(release="7.2.13", build_id=bytes(range(20)).hex())
SUBJECT = Subject(kernel=KERNEL, cpu="a CPU")
SETTINGS = build_config({}, origin="the test").record


def recorded(*, samples: int = 1000, lost: int = 0, branches: int = 1, build_id: str = "", **words):
    meta = TableMeta(samples=samples, lost=lost, build_id=build_id, extra=words.pop("extra", {}))
    rows = ([1 << 63] * branches, [1 << 63] * branches, [1] * branches, [0] * branches)
    return Recorded(table=from_counts(rows, ([], [], []), meta), seconds=1, size=1, **words)


def faults(**words) -> str:
    return "; ".join(faults_of(recorded(**words), SUBJECT, SETTINGS))


def test_nothing_speaks_against_a_good_recording() -> None:
    assert faults(status=0) == ""
    assert faults(status=None, interrupted=True) == ""
    assert faults(build_id=KERNEL.build_id, lost=100) == ""


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        ({"status": 2}, "failed with exit code 2"),
        ({"status": -9}, "failed with exit code -9"),
        ({"damage": "its last record has only 9 bytes"}, "broke off"),
        ({"lost": 112}, "10% of its samples were lost"),
        ({"extra": {"addresses": "unknown"}}, "where the kernel lay"),
        ({"build_id": "cd" * 20}, "cdcdcd"),
        ({"branches": 0}, "none of its branches"),
    ],
)
def test_what_speaks_against_a_recording(words, fault: str) -> None:
    assert fault in faults(**words)


def test_a_workload_that_ctrl_c_ended_did_not_fail() -> None:
    assert faults(status=130, interrupted=True) == ""


@pytest.mark.parametrize("command", ["", "make -j8"])
def test_a_table_says_the_command_that_was_a_user_s_own(command: str) -> None:
    event, *_ = events_for(["AMD BRS"])
    perf = Perf(path="perf", version=(6, 12), libpfm=False)
    recorder = Recorder(runner=LocalRunner(env={}), perf=perf, event=event, run_as=RunAs.SELF)
    table = described(recorded().table, recorder, SUBJECT, Job(name="own", command=command), ())
    assert table.meta.extra["workload"] == "own"
    assert table.meta.extra.get("workload-command", "") == command


def machine(
    folder: Path, sample: str = "zen4", *, paranoid: str = "2", restrict: str = "1"
) -> Path:
    kernel = folder / "proc/sys/kernel"
    kernel.mkdir(parents=True)
    (kernel / "perf_event_paranoid").write_text(paranoid + "\n", encoding="ascii")
    (kernel / "kptr_restrict").write_text(restrict + "\n", encoding="ascii")
    return sysfs(folder)


def host(sample: str):
    text = (SAMPLES / f"{sample}.txt").read_text(encoding="utf-8")
    return replace(FACTS, cpu=parse_cpuinfo(text))


@pytest.mark.parametrize("prefix", [(), ("sudo", "--"), ("doas",)])
def test_perf_runs_as_root_where_root_can_be_had(tmp_path: Path, prefix: tuple[str, ...]) -> None:
    runner = LocalRunner(env={}, root=prefix)
    assert rights(runner.root, machine(tmp_path, paranoid="-1", restrict="0")) is RunAs.ROOT


def test_without_root_an_open_system_is_recorded_as_the_user(tmp_path: Path) -> None:
    runner = LocalRunner(env={}, root=None)
    assert rights(runner.root, machine(tmp_path, paranoid="0", restrict="0")) is RunAs.SELF


def capable(folder: Path, *, restrict: str) -> Path:
    """A system as the service of the background sampling sees it."""
    found = machine(folder, paranoid="4", restrict=restrict)
    status = found / "proc/self/status"
    status.parent.mkdir(parents=True)
    status.write_text(f"CapAmb:\t{1 << 34 | 1 << 38:016x}\n", encoding="ascii")
    return found


@pytest.mark.parametrize("restrict", ["0", "1"])
def test_capabilities_let_perf_run_without_root(tmp_path: Path, restrict: str) -> None:
    assert rights(("sudo",), capable(tmp_path, restrict=restrict)) is RunAs.SELF


def test_capabilities_do_not_help_where_addresses_are_hidden_from_all(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="kptr_restrict is 2") as refusal:
        rights(("sudo",), capable(tmp_path, restrict="2"))
    assert "record --host" in refusal.value.hint


@pytest.mark.parametrize(("paranoid", "restrict"), [("1", "0"), ("0", "1"), ("2", "2")])
def test_without_root_a_closed_system_is_refused(
    tmp_path: Path, paranoid: str, restrict: str
) -> None:
    runner = LocalRunner(env={}, root=None)
    with pytest.raises(HostError, match="needs root") as refusal:
        rights(runner.root, machine(tmp_path, paranoid=paranoid, restrict=restrict))
    assert f"perf_event_paranoid is {paranoid}" in refusal.value.details


def test_a_container_that_hides_the_sysctls_is_taken_as_closed(tmp_path: Path) -> None:
    with pytest.raises(HostError, match="needs root"):
        rights(None, tmp_path)


@pytest.mark.parametrize(
    ("sample", "event"),
    [
        ("haswell", "-e BR_INST_RETIRED.NEAR_TAKEN:k -b"),
        ("skylake", "-e BR_INST_RETIRED.NEAR_TAKEN:k -b"),
        ("alder-lake", "-e BR_INST_RETIRED.NEAR_TAKEN:k -b"),
        ("sapphire-rapids", "-e BR_INST_RETIRED.NEAR_TAKEN:k -b"),
        ("zen3-epyc", "--pfm-events RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k -b"),
        ("zen4", "--pfm-events RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k -b"),
        ("zen5", "--pfm-events RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k -b"),
    ],
)
def test_each_processor_has_its_first_event(tmp_path: Path, sample: str, event: str) -> None:
    found = candidates(host(sample), SETTINGS, filesystem=tmp_path)
    assert " ".join(found[0].arguments) == event
    assert expected_road(
        host(sample), replace(SETTINGS, road="auto"), filesystem=tmp_path
    ).name == ("host")


@pytest.mark.parametrize("sample", ["zen3-ryzen", "skylake-in-a-vm", "epyc-in-a-vm"])
def test_what_has_none_is_refused_and_auto_goes_to_the_vm(tmp_path: Path, sample: str) -> None:
    with pytest.raises(HostError, match="cannot record branches"):
        candidates(host(sample), SETTINGS, filesystem=tmp_path)
    road = expected_road(host(sample), replace(SETTINGS, road="auto"), filesystem=tmp_path)
    assert road.name == "vm"
    assert "cannot record branches" in road.why


def test_the_user_s_event_is_tried_whatever_the_processor_is(tmp_path: Path) -> None:
    [event] = candidates(
        host("zen3-ryzen"), replace(SETTINGS, event="cycles:k"), filesystem=tmp_path
    )
    assert event.names == ("cycles:k",)


def test_the_running_kernel_s_vmlinux_is_known_by_its_build_id(tmp_path: Path) -> None:
    unmanaged = replace(FACTS, pacman_managed=False)
    debian = tmp_path / "usr/lib/debug/boot/vmlinux-7.2.13"
    stale = tmp_path / "usr/lib/modules/7.2.13/build/vmlinux"
    for path, build_id in ((stale, b"\xcd" * 20), (debian, bytes(range(20)))):
        path.parent.mkdir(parents=True)
        path.write_bytes(elf_files.vmlinux(build_id=build_id))
    runner = FakeRunner()
    found = find_running_vmlinux(runner, unmanaged, KERNEL, filesystem=tmp_path)  # type: ignore[arg-type]
    assert found is not None
    assert found.path == debian
    debian.unlink()
    assert find_running_vmlinux(runner, unmanaged, KERNEL, filesystem=tmp_path) is None  # type: ignore[arg-type]
    with pytest.raises(ArtifactError, match="is not the kernel that runs"):
        subject_of(KERNEL, FACTS, replace(found, build_id="cd" * 20), filesystem=tmp_path)


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path: Path) -> None:
    require_writable(tmp_path / "host.parquet")
    assert list(tmp_path.iterdir()) == []
    for place in (tmp_path / "no/host.parquet", tmp_path):
        with pytest.raises(ConfigError, match="cannot be written"):
            require_writable(place)


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_takes_no_file_is_refused_with_the_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(dir: Path) -> None:  # noqa: A002  as tempfile has it
        raise OSError(number, os.strerror(number), str(dir / "tmp1"))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    place = tmp_path / "host.parquet"
    with pytest.raises(HostError, match=re.escape(f"{place} could not be written")) as refusal:
        require_writable(place)
    assert refusal.value.details == os.strerror(number)
