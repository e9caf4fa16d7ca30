"""The reboot in the middle of a run, on a machine whose folders are laid over this one's."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.files import read_json
from tests.fakes.perf_program import Behaviour, calls, install_perf
from tests.fakes.toy_kernel import RELEASE
from tests.integration.cli.program import Ended, Pkgafdo, can_mount, finished
from tests.unit.workflows.sessions import boot

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.real,
    pytest.mark.usefixtures("own_network"),
    pytest.mark.skipif(not can_mount(), reason="no name space of mounts can be made here"),
]

GRUB = Path(__file__).parents[2] / "data/boot/grub.cfg"
ENTRY = "gnulinux-advanced-6c>gnulinux-linux-pkgafdo-base-advanced-6c"
EVENT = "fake/branches/k"
OTHER = "cd" * 20
_MACHINE = """\
set -e
machine=$1; shift
for name in usr etc; do
    mkdir -p "$machine/$name/upper" "$machine/$name/work"
    mount -t overlay overlay "/$name" \\
        -o "lowerdir=/$name,upperdir=$machine/$name/upper,workdir=$machine/$name/work"
done
mount --bind "$machine/boot" /boot
mount --bind "$machine/pacman" /var/lib/pacman
mount --bind "$machine/root/sys/kernel/notes" /sys/kernel/notes
mount --bind "$machine/root/proc/sys/kernel/random/boot_id" /proc/sys/kernel/random/boot_id
if [ -e /.dockerenv ]; then mount --bind /dev/null /.dockerenv; fi
if [ -e "$machine/cpuinfo" ]; then mount --bind "$machine/cpuinfo" /proc/cpuinfo; fi
exec "$@"
"""
_LOGGING = """\
#!/bin/sh
echo "$(basename "$0") $*" >> "$(dirname "$0")/calls"
"""


@dataclass(frozen=True, kw_only=True)
class Machine(Pkgafdo):
    """A machine with GRUB, the kernel that is set running, and a pacman database of its own."""

    @property
    def place(self) -> Path:
        return self.folder / "machine"

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def command(self, *arguments: object) -> list[str]:
        words = [sys.executable, "-P", "-m", "pkgafdo", *(str(word) for word in arguments)]
        return ["unshare", "--mount", "sh", "-c", _MACHINE, "sh", str(self.place), *words]

    def run(self, *arguments: object, timeout: float = 900) -> Ended:
        """Start pkgafdo and wait for its end; a busy machine takes its time."""
        return super().run(*arguments, timeout=timeout)

    def boot(self, build_id: str, boot_id: str) -> None:
        boot(self.place / "root", build_id, boot_id=boot_id)

    def record(self, toy: Path, *options: str) -> Ended:
        settings = (
            "record.road=host", f"record.event={EVENT}", "record.command=sleep 1",
            "install.system=true", f"kernel.base={self.folder}/real.config",
        )  # fmt: skip
        words = [word for one in settings for word in ("--set", one)]
        return self.run("record", "--source", toy, "-w", self.work, *words, *options)

    def sample(self, state: Path) -> dict[str, Any]:
        settings = (
            f"record.event={EVENT}", "profile.min_functions=1", "profile.min_samples=1",
            "profile.min_found_share=0",
        )  # fmt: skip
        words = [word for one in settings for word in ("--set", one)]
        words += ["--state", str(state), "--seconds", "1", "--json"]
        sampled: dict[str, Any] = self.run("record", "service", "sample", *words).data()
        return sampled

    @property
    def loader_calls(self) -> list[str]:
        path = self.bin / "calls"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    @property
    def recordings(self) -> list[list[str]]:
        return [argv for argv in calls(self.bin) if argv[0] == "record"]

    @property
    def packages(self) -> set[str]:
        return {entry.name for entry in (self.place / "pacman/local").glob("linux*")}


@pytest.fixture
def machine(folder: Path) -> Iterator[Machine]:
    """A machine that runs some kernel and boots by GRUB, with a perf that replays."""
    made = Machine(folder=folder, path=f"{folder}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin")
    made.boot(OTHER, "boot-1")
    (made.folder / "real.config").write_text("CONFIG_REAL=y\n")
    bash = made.place / "pacman/local/bash-5.2-1/desc"
    bash.parent.mkdir(parents=True)
    bash.write_text("%NAME%\nbash\n\n%VERSION%\n5.2-1\n\n")
    (made.place / "pacman/local/ALPM_DB_VERSION").write_text("9\n")
    grub = made.place / "boot/grub/grub.cfg"
    grub.parent.mkdir(parents=True)
    grub.write_text(GRUB.read_text(encoding="utf-8"), encoding="utf-8")
    default = made.place / "etc/upper/default/grub"
    default.parent.mkdir(parents=True)
    default.write_text("GRUB_DEFAULT=saved\n", encoding="utf-8")
    install_perf(made.bin, Behaviour(events=[EVENT]))
    for name in ("grub-reboot", "grub-editenv", "grub-set-default", "systemctl"):
        (made.bin / name).write_text(_LOGGING, encoding="utf-8")
        (made.bin / name).chmod(0o755)
    yield made
    for path in made.place.glob("*/work/work"):
        path.chmod(0o700)  # overlayfs leaves it closed even to its owner


def test_build_install_boot_and_record_are_one_command_given_twice(
    machine: Machine, toy: Path
) -> None:
    refusal = machine.record(toy).refusal(6)
    assert RELEASE in refusal.message
    assert "reboot now; GRUB boots it once" in refusal.message
    assert machine.loader_calls == ["grub-editenv list", f"grub-reboot {ENTRY}"]
    assert len(machine.packages) == 3
    assert "install-system-baseline" in finished(machine.work)
    assert len(machine.recordings) == 1  # the probe

    waiting = machine.run("status", "--json", "-w", machine.work).data()["waiting"]
    assert waiting["sentence"].startswith("waiting for you: ")
    assert waiting["ready"] is False

    machine.boot(OTHER, "boot-2")
    image = machine.place / "usr/upper/lib/modules" / RELEASE / "vmlinuz"
    image.unlink()  # somebody removes the kernel meanwhile
    again = machine.record(toy).refusal(6)
    assert image.is_file()
    assert "although GRUB was told to boot the other once" in again.message

    built = read_json(machine.work / "journal/install-baseline.json")["facts"]["build_id"]
    machine.boot(built, "boot-3")
    assert machine.run("status", "--json", "-w", machine.work).data()["waiting"]["ready"] is True
    ended = machine.record(toy)
    assert (ended.code, finished(machine.work) >= {"record"}) == (0, True), ended.stderr
    assert machine.recordings[-1].count("500009") == 1
    assert "waiting" not in machine.run("status", "--json", "-w", machine.work).data()

    state = machine.folder / "state"
    sampled = machine.sample(state)
    profile = Path(sampled["path"])
    assert profile.is_relative_to(state)
    assert [one.suffix for one in sorted(profile.parent.iterdir())] == [".afdo", ".json"]

    units = machine.place / "etc/upper/systemd/system"
    installed = machine.run(
        "record", "service", "install", "--json", "--set", f"record.event={EVENT}"
    ).data()
    assert {path.name for path in units.glob("pkgafdo-sample.*")} == {
        Path(path).name for path in installed["units"]
    }
    assert "systemctl enable --now pkgafdo-sample.timer" in machine.loader_calls
    machine.run("record", "service", "remove", "--json").data()
    assert not (units / "pkgafdo-sample.timer").is_file()

    removed = machine.run("uninstall", "--yes", "-w", machine.work)
    assert removed.code == 0, removed.stderr
    assert machine.packages == set()
    assert "installed no kernel" in machine.run("uninstall", "--yes", "-w", machine.work).stdout


def test_what_will_not_work_is_refused_before_the_source_is_fetched(
    machine: Machine, toy: Path
) -> None:
    event = machine.record(toy, "--set", "record.event=refused/branches/k").refusal(3)
    assert "cannot record branches" in event.message
    small = machine.record(toy, "--set", "kernel.base=small").refusal(2)
    assert "record.road=host needs a kernel of real machines" in small.message
    (machine.place / "pacman/local/bash-5.2-1/desc").unlink()
    unmanaged = machine.record(toy).refusal(3)
    assert "pacman does not manage this system" in unmanaged.message
    assert finished(machine.work) == set()


def test_reboot_counts_down_and_restarts_and_a_unit_goes_on(machine: Machine, toy: Path) -> None:
    machine.record(toy, "--reboot", "--go-on").refusal(6)
    assert machine.loader_calls[-1] == "systemctl reboot"
    (unit,) = (machine.place / "etc/upper/systemd/system").glob("pkgafdo-*.service")
    assert f"systemctl enable {unit.name}" in machine.loader_calls
    start = next(
        line for line in unit.read_text(encoding="utf-8").splitlines() if "ExecStart=" in line
    )
    assert " record --source " in start
    assert "--reboot" not in start


def test_a_dry_run_shows_the_installation_the_one_shot_boot_and_the_recording(
    machine: Machine, toy: Path
) -> None:
    plan = machine.record(toy, "--dry-run").stdout
    assert "pacman -U --noconfirm" in plan
    assert "grub-reboot '‹entry of linux-pkgafdo-base›'" in plan
    assert f"perf record -e {EVENT} -b -a -N -c 500009" in plan
    assert not machine.work.exists()
    assert machine.loader_calls == []
    assert machine.packages == set()


def test_on_a_cachyos_machine_init_and_a_dry_run_make_a_plan_to_sign(
    machine: Machine, toy: Path
) -> None:
    cpuinfo = Path(__file__).parents[2] / "data/cpuinfo/zen4.txt"
    (machine.place / "cpuinfo").write_bytes(cpuinfo.read_bytes())
    (machine.place / "etc/upper/os-release").write_text("ID=cachyos\nID_LIKE=arch\n")
    config = machine.folder / "pkgafdo.toml"
    choices = machine.run("init", "--yes", "--json", "-o", config).data()
    assert choices["location"]["value"] == "https://github.com/CachyOS/linux"
    assert (choices["road"]["value"], choices["install"]["value"]) == ("host", "yes")

    ended = machine.run(
        "run", "--dry-run", "-c", config, "--source", toy, "--set", "source.branch=",
        "--set", "kernel.base=defconfig", "-w", machine.work,
    )  # fmt: skip
    assert ended.code == 0, ended.stderr
    stages = [line.split(":")[0] for line in ended.stdout.splitlines() if ": run (" in line]
    assert stages[:8] == [
        "# source", "# build-baseline", "# install-baseline", "# install-system-baseline",
        "# record", "# convert", "# build-optimised", "# install-optimised",
    ]  # fmt: skip
    assert stages[-1] == "# install-system"
    for part in (
        "PACMAN_PKGBASE=linux-pkgafdo-base ",
        "PACMAN_EXTRAPACKAGES='headers debug'",
        "MAKEPKGOPTS='--syncdeps ",
        "pacman -U --noconfirm --noprogressbar -- ‹packages of linux-pkgafdo-base›",
        "grub-reboot '‹entry of linux-pkgafdo-base›'",
        "perf record --pfm-events RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k -b -a -N -c 500009 -o - |",
        " --kernel '--binary=‹install-baseline.vmlinux›' --unsymbolized-profile=",
        "CLANG_AUTOFDO_PROFILE=",
        "-- ‹packages of linux-pkgafdo›",
    ):
        assert part in ended.stdout, part
    for trap in ("api-headers", "kptr_restrict", "perf_event_paranoid", "create_llvm_prof"):
        assert trap not in ended.stdout
