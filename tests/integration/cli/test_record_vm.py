"""`pkgafdo record --vm` with a program in virtme-ng's place: what is made of a guest's stay."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo.branches.marks import FAULTS
from pkgafdo.branches.store import read_table
from tests.integration.cli.program import Pkgafdo, processes_of
from tests.unit.vm.test_lbr import BASE, counts_file, write_vmlinux
from tests.unit.vm.test_virtme import ABLE

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real

GUEST = """\
#!/bin/sh
# Takes what virtme-run is given, and does what a guest would.
for word; do
	case $word in
	/run/pkgafdo=*) share=${{word#*=}} ;;
	file=*,out=*) out=${{word#*,out=}} out=${{out%%,*}} ;;
	esac
done
here={here}
say() {{ echo "pkgafdo: $*" >>"$share/report"; }}
end() {{ cp "$here/counts" "$out"; exit 0; }}
trap 'touch "$here/asked"; end' TERM
cp "$share/order" "$here/order"
say release 7.2.13-guest
{script}
"""
WORKS = 'say begun; echo "it works" >"$share/output"; say step 1 {}; say done; end'
STAYS = "say begun; while :; do sleep 0.05; done"


@pytest.fixture
def place(folder: Path) -> Path:
    """A folder with a kernel that can, and with what the virtual LBR would have counted."""
    place = folder / "kernel"
    place.mkdir()
    (place / "vmlinuz").write_bytes(b"kernel")
    (place / "config").write_text("".join(f"CONFIG_{name}=y\n" for name in ABLE))
    write_vmlinux(place / "vmlinux")
    (place / "counts").write_bytes(counts_file([(BASE, BASE + 8, 41), (BASE + 8, BASE, 1)]))
    return place


@pytest.fixture
def host(folder: Path) -> Pkgafdo:
    """The command line on a machine with virtme-ng."""
    found = Pkgafdo(folder=folder)
    return replace(found, path=f"{folder}/bin:{found.path}")


def install_guest(place: Path, script: str) -> None:
    """Put a guest that does this into virtme-run's place."""
    program = place.parent / "bin/virtme-run"
    program.parent.mkdir()
    program.write_text(GUEST.format(here=place, script=script))
    program.chmod(0o755)


def words(
    place: Path, *more: object, command: tuple[str, ...] = ("ls", "-l")
) -> tuple[object, ...]:
    """Return a command line that records in the VM."""
    return (
        "record", "--vm", "--json", "-o", place / "vm.parquet",
        "--kernel", place / "vmlinuz", "--vmlinux", place / "vmlinux", *more, "--", *command,
    )  # fmt: skip


def test_a_command_s_counts_and_output_are_kept(host: Pkgafdo, place: Path) -> None:
    install_guest(place, WORKS.format(0))
    ended = host.run(*words(place))
    data = ended.data()
    table = read_table(place / "vm.parquet")
    assert (data["branches"], table.branches, table.distinct_branches) == (42, 42, 2)
    assert data["kernelrelease"] == "7.2.13-guest"
    assert table.meta.extra["workload"] == "ls -l"
    assert "it works" in ended.stderr
    assert (place / "vm.output").read_text() == "it works\n"
    assert "HOME=" in (place / "order").read_text()


def test_a_failed_command_keeps_a_marked_table(host: Pkgafdo, place: Path) -> None:
    install_guest(place, WORKS.format(7))
    refusal = host.run(*words(place)).refusal(4)
    assert refusal.message == "the recording is kept, and marked as not to be used"
    assert refusal.details == "ls -l: its workload failed with exit code 7"
    assert "failed with exit code 7" in read_table(place / "vm.parquet").meta.extra[FAULTS]


def test_it_may_be_used_all_the_same(host: Pkgafdo, place: Path) -> None:
    install_guest(place, WORKS.format(7))
    host.run(*words(place, "--set", "record.use_failed=true")).data()
    assert FAULTS not in read_table(place / "vm.parquet").meta.extra


def test_its_time_ends_the_guest_and_keeps_what_was_counted(host: Pkgafdo, place: Path) -> None:
    install_guest(place, STAYS)
    data = host.run(*words(place, "--seconds", "1")).data()
    assert 1 <= data["seconds"] < 30
    assert data["branches"] == 42
    assert (place / "asked").exists()


def test_ctrl_c_ends_the_guest_and_keeps_what_was_counted(host: Pkgafdo, place: Path) -> None:
    install_guest(place, 'say begun; echo here >"$share/output"; while :; do sleep 0.05; done')
    started = host.start(*words(place))
    started.wait_until(lambda: "here" in started.stderr, "its output comes")
    ended = started.signal(signal.SIGINT)
    assert ended.data()["interrupted"] is True
    assert read_table(place / "vm.parquet").branches == 42
    assert list(processes_of(place)) == []


def test_a_request_to_end_keeps_what_was_counted_and_says_so(host: Pkgafdo, place: Path) -> None:
    install_guest(place, 'say begun; echo here >"$share/output"; while :; do sleep 0.05; done')
    started = host.start(*words(place))
    started.wait_until(lambda: "here" in started.stderr, "its output comes")
    ended = started.signal(signal.SIGTERM)
    assert ended.code == 130
    kept = f"pkgafdo: interrupted; the recording so far is kept in {place / 'vm.parquet'}"
    assert ended.stderr.splitlines()[-1] == kept
    assert read_table(place / "vm.parquet").branches == 42


def test_a_recording_is_never_overwritten(host: Pkgafdo, place: Path) -> None:
    install_guest(place, WORKS.format(0))
    (place / "vm.parquet").write_text("hours of work")
    refusal = host.run(*words(place)).refusal(2)
    assert "no recording is overwritten" in refusal.message
    assert (place / "vm.parquet").read_text() == "hours of work"
    assert not (place / "order").exists()


def test_ctrl_c_before_the_command_keeps_nothing(host: Pkgafdo, place: Path) -> None:
    install_guest(place, 'touch "$here/boots"; while :; do sleep 0.05; done')
    started = host.start(*words(place))
    started.wait_until((place / "boots").exists, "it boots")
    assert started.signal(signal.SIGINT).code == 130
    assert not (place / "vm.parquet").exists()


def test_a_guest_that_panics_is_told_from_a_command_that_fails(host: Pkgafdo, place: Path) -> None:
    install_guest(place, "say begun; echo 'Kernel panic - not syncing: x' >&2; end")
    refusal = host.run(*words(place)).refusal(4)
    assert "the guest's kernel broke: Kernel panic - not syncing: x" in refusal.details
    assert "the guest ended before its workload did" in refusal.details


def test_a_guest_that_never_comes_so_far_says_what_its_kernel_said(
    host: Pkgafdo, place: Path
) -> None:
    install_guest(place, "echo 'VFS: Unable to mount root fs on unknown-block' >&2; end")
    refusal = host.run(*words(place)).refusal(4)
    assert refusal.message.startswith("the guest broke: VFS: Unable to mount root")
    assert "virtme" in refusal.hint
    assert "Unable to mount root" in (place / "vm.console").read_text()


def test_a_guest_that_hangs_at_boot_is_ended(host: Pkgafdo, place: Path) -> None:
    install_guest(place, "while :; do sleep 0.05; done")
    refusal = host.run(*words(place, "--set", "vm.timeout=10")).refusal(4)
    assert "did not get as far as the command within 10 s" in refusal.message


def test_a_kernel_that_cannot_is_refused_before_the_boot(host: Pkgafdo, place: Path) -> None:
    install_guest(place, 'touch "$here/boots"')
    (place / "config").write_text("CONFIG_TMPFS=y\n")
    refusal = host.run(*words(place)).refusal(3)
    assert "CONFIG_9P_FS is not set" in refusal.details
    assert not (place / "boots").exists()


def test_a_command_that_is_not_here_is_refused_before_the_boot(host: Pkgafdo, place: Path) -> None:
    install_guest(place, 'touch "$here/boots"')
    refusal = host.run(*words(place, command=("no-such-program",))).refusal(3)
    assert refusal.message == "no-such-program is not installed"
    assert not (place / "boots").exists()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("--vm",), "--vm needs a command"),
        (("--vm", "--host", "--", "ls"), "two roads"),
        (("--host", "--kernel", "x"), "--kernel belongs to --vm"),
        (("--vm", "--dry-run", "--", "ls"), "--dry-run belongs to a run"),
        (("--kernel", "x"), "--host or --vm"),
        (("--", "ls"), "or --vm in place of --host"),
    ],
)
def test_words_that_do_not_go_together_are_refused(host: Pkgafdo, arguments, fault: str) -> None:
    ended = host.run("record", *arguments)
    assert ended.code == 2
    assert fault in ended.stderr
