"""What of a machine moves benchmarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.host.bench_environment import read_boot, read_environment

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "proc/cmdline": "BOOT_IMAGE=/vmlinuz-x root=/dev/sda1 mitigations=off initrd=/i.img\n",
    "proc/cpuinfo": "processor : 0\nmodel name : Ryzen 9\nmicrocode : 0xa20102b\n\nprocessor : 1\n",
    "proc/meminfo": "MemTotal:       32768 kB\n",
    "proc/sys/kernel/osrelease": "7.2.13-pkgafdo\n",
    "proc/sys/kernel/random/boot_id": "0b0c\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/vulnerabilities/meltdown": "Not affected\n",
    "sys/devices/system/cpu/vulnerabilities/retbleed": "Vulnerable\n",
}


def machine(folder: Path) -> Path:
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_the_environment_is_read_without_what_tells_the_kernel(tmp_path: Path) -> None:
    found = read_environment(machine(tmp_path))
    machine_name = found.pop("machine")
    assert machine_name
    assert found == {
        "cmdline": "root=/dev/sda1 mitigations=off",
        "cpu": "Ryzen 9",
        "microcode": "0xa20102b",
        "memory": "32768 kB",
        "governor": "performance",
        "mitigations": "retbleed: Vulnerable",
    }


def test_every_processor_is_asked(tmp_path: Path) -> None:
    for cpu, governor in enumerate(("performance", "powersave", "performance")):
        folder = tmp_path / f"sys/devices/system/cpu/cpu{cpu}/cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_governor").write_text(f"{governor}\n")
        (folder / "energy_performance_preference").write_text("balance_power\n")
    found = read_environment(tmp_path)
    assert found["governor"] == "mixed: performance, powersave"
    assert found["energy preference"] == "balance_power"


def test_the_boot_and_its_kernel_are_known(tmp_path: Path) -> None:
    assert read_boot(machine(tmp_path)) == ("0b0c", "7.2.13-pkgafdo")


def test_a_machine_that_tells_nothing_has_an_empty_environment(tmp_path: Path) -> None:
    assert set(read_environment(tmp_path)) == {"machine"}
