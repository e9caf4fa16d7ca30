"""A command of this machine in a real guest of virtme-ng, under emulation.

$PKGAFDO_VM_KERNEL names a kernel's image that has the options of the fragment “virtme”, and
$PKGAFDO_VM_VMLINUX its vmlinux. A boot takes ten seconds (all built in) to a minute (a distribution's).
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import sys
from pathlib import Path

import pytest

from pkgafdo.branches.store import read_table
from pkgafdo.vm.virtme import PROGRAM
from tests.integration.cli.program import Ended, Pkgafdo

KERNEL, VMLINUX = (os.environ.get(f"PKGAFDO_VM_{name}", "") for name in ("KERNEL", "VMLINUX"))
PATIENCE = 300

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not (KERNEL and VMLINUX),
        reason="PKGAFDO_VM_KERNEL and PKGAFDO_VM_VMLINUX name no kernel that can",
    ),
    pytest.mark.skipif(
        shutil.which(PROGRAM) is None and not Path(sys.executable).with_name(PROGRAM).is_file(),
        reason="virtme-ng is not installed: pip install 'pkgafdo[vng]'",
    ),
]


@pytest.fixture
def host(tmp_path: Path) -> Pkgafdo:
    """The command line in a folder of this test alone."""
    return Pkgafdo(folder=tmp_path)


def words(folder: Path, *command: str, more: tuple[str, ...] = ()) -> tuple[object, ...]:
    """Return a command line that records a command."""
    kernel = ("--kernel", KERNEL, "--vmlinux", VMLINUX)
    return ("record", "--vm", "--json", "-o", folder / "vm.parquet", *kernel, *more, "--", *command)


def record(host: Pkgafdo, *command: str, more: tuple[str, ...] = ()) -> Ended:
    """Record a command in the guest."""
    return host.run(*words(host.folder, *command, more=more), timeout=PATIENCE)


def test_a_command_sees_this_machine_and_leaves_no_trace_on_it(host: Pkgafdo) -> None:
    home = host.folder / "home"
    home.mkdir()
    (home / "mine").write_text("from the host\n")
    ended = record(host, "sh", "-c", 'cat mine; pwd; echo "$CFLAGS"; echo x >new; ls; id -un')
    data = ended.data()
    said = (host.folder / "vm.output").read_text().splitlines()
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert said == ["from the host", str(home), "-Ofast -march=native", "mine", "new", user]
    assert not (home / "new").exists()
    table = read_table(host.folder / "vm.parquet")
    assert table.branches == data["branches"] > 100_000
    assert table.ranges > 100_000
    assert data["kernelrelease"]


def test_a_failing_command_decides(host: Pkgafdo) -> None:
    refusal = record(host, "sh", "-c", "exit 7").refusal(4)
    assert refusal.details == "sh -c exit 7: its workload failed with exit code 7"


def test_ctrl_c_keeps_what_was_counted(host: Pkgafdo) -> None:
    started = host.start(*words(host.folder, "sh", "-c", "while :; do ls /; done"))
    started.wait_until(lambda: "usr" in started.stderr, "its output comes", PATIENCE)
    ended = started.signal(signal.SIGINT)
    assert ended.data()["interrupted"] is True
    assert read_table(host.folder / "vm.parquet").branches > 100_000


def test_a_panic_is_no_success(host: Pkgafdo) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may ask for a panic")
    script = "[ -w /proc/sysrq-trigger ] || exit 9; echo c >/proc/sysrq-trigger"
    refusal = record(host, "sh", "-c", script).refusal(4)
    if "exit code 9" in refusal.details:
        pytest.skip("this kernel has no CONFIG_MAGIC_SYSRQ")
    assert "the guest's kernel broke" in refusal.details
