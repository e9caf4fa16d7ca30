"""Process sessions: ending every process of a command, and what a killed run left behind.

Each command leads a session of its own (setsid). While it runs, a small file names that session, so that a
later run can end what a SIGKILL of pkgafdo left working in the same folder.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from pkgafdo import files

_GRACE_SECONDS: Final = 3.0


def _stat_fields(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat after the name (state first), or None when it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def start_time(pid: int) -> str | None:
    """Return the start time of a process in clock ticks since boot (proc(5), field 22)."""
    fields = _stat_fields(pid)
    return fields[19] if fields else None


def members(session: int) -> list[int]:
    """Return the processes of a session (proc(5), field 6) that are not zombies."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            fields = _stat_fields(int(entry.name))
            if fields and int(fields[3]) == session and fields[0] not in "ZX":
                found.append(int(entry.name))
    return found


def end(session: int, *, grace: float = _GRACE_SECONDS) -> None:
    """End all processes of a session: SIGTERM, then SIGKILL for what is left after `grace` seconds."""
    deadline = time.monotonic() + grace
    number = signal.SIGTERM
    while pids := members(session):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if number == signal.SIGTERM:
            while members(session) and time.monotonic() < deadline:
                time.sleep(0.02)
            number = signal.SIGKILL
        else:
            time.sleep(0.02)


def _boot_id() -> str:
    """Return what tells this boot of the machine from all others (random(4))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def record(folder: Path, pid: int, line: str) -> Path:
    """Write down that the session led by `pid` works for us; returns the file to remove afterwards."""
    path = folder / f"{pid}.json"
    entry = {"pid": pid, "start_time": start_time(pid), "boot": _boot_id(), "command": line}
    files.write_json(path, entry)
    return path


def _recorded(path: Path) -> tuple[int, str] | None:
    """Return session and command of a record, or None when no process of it can be alive.

    That is so after a reboot, which may also have left the record itself empty.
    """
    try:
        entry = files.read_json(path)
        if entry["boot"] != _boot_id():
            return None
        pid, started = int(entry["pid"]), entry["start_time"]
        return (pid, str(entry["command"])) if start_time(pid) in {None, started} else None
    except (ValueError, KeyError, TypeError):
        return None


def end_orphans(folder: Path) -> list[str]:
    """End the sessions that a killed run left; returns their commands, for the user to read.

    A session whose leader has died but whose members live on is still ours: Linux does not reuse a
    process id while a session of that number exists. A leader with another start time is a stranger.
    """
    ended = []
    for path in sorted(folder.glob("*.json")):
        found = _recorded(path)
        if found is not None and members(found[0]):
            end(found[0])
            ended.append(found[1])
        path.unlink()
    return ended
