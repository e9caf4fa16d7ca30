"""What of this machine moves benchmarks, read from /proc and /sys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

_FILES: Final = {
    "cmdline": "proc/cmdline",
    "no_turbo": "sys/devices/system/cpu/intel_pstate/no_turbo",
    "boost": "sys/devices/system/cpu/cpufreq/boost",
    "smt": "sys/devices/system/cpu/smt/control",
    "huge pages": "sys/kernel/mm/transparent_hugepage/enabled",
    "clock source": "sys/devices/system/clocksource/clocksource0/current_clocksource",
    "randomised addresses": "proc/sys/kernel/randomize_va_space",
}
_EACH_CPU: Final = {
    "governor": "scaling_governor",
    "driver": "scaling_driver",
    "energy preference": "energy_performance_preference",
}
"""Each processor has its own (Documentation/admin-guide/pm/cpufreq.rst, intel_pstate.rst)."""
_CPUINFO: Final = {"cpu": "model name", "microcode": "microcode"}


def read_environment(filesystem: Path = Path("/")) -> dict[str, str]:
    """Return what moves benchmarks besides the kernel; what this machine does not tell is left out."""
    found = {name: _line(filesystem / place) for name, place in _FILES.items()}
    found |= {name: _of_all_cpus(filesystem, file) for name, file in _EACH_CPU.items()}
    cpuinfo = _fields(filesystem / "proc/cpuinfo")
    found |= {name: cpuinfo.get(field, "") for name, field in _CPUINFO.items()}
    found["memory"] = _fields(filesystem / "proc/meminfo").get("MemTotal", "")
    found["machine"] = os.uname().machine
    # Which image was booted is the kernel itself, not its environment.
    words = [word for word in found["cmdline"].split() if not _is_image(word)]
    found["cmdline"] = " ".join(words)
    found["mitigations"] = _mitigations(filesystem)
    return {name: value for name, value in found.items() if value}


def _of_all_cpus(filesystem: Path, file: str) -> str:
    """Return what all processors have, or `mixed` and the values that there are."""
    folder = filesystem / "sys/devices/system/cpu"
    values = {_line(path) for path in folder.glob(f"cpu[0-9]*/cpufreq/{file}")} - {""}
    return f"mixed: {', '.join(sorted(values))}" if len(values) > 1 else "".join(values)


def _is_image(word: str) -> bool:
    return word.startswith(("BOOT_IMAGE=", "initrd="))


def read_boot(filesystem: Path = Path("/")) -> tuple[str, str]:
    """Return the boot's id and the running kernel's release."""
    return (
        _line(filesystem / "proc/sys/kernel/random/boot_id"),
        _line(filesystem / "proc/sys/kernel/osrelease"),
    )


def _mitigations(filesystem: Path) -> str:
    folder = filesystem / "sys/devices/system/cpu/vulnerabilities"
    if not folder.is_dir():
        return ""
    told = {path.name: _line(path) for path in sorted(folder.iterdir())}
    return "; ".join(
        f"{name}: {value}" for name, value in told.items() if "Not affected" not in value
    )


def _line(path: Path) -> str:
    try:
        return " ".join(path.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return ""


def _fields(path: Path) -> dict[str, str]:
    """Return the first value of each `name : value` line."""
    found: dict[str, str] = {}
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return found
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip(), value.strip())
    return found
