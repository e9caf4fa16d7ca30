"""The real command line as a process: started, watched, killed; and what it said."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from subprocess import DEVNULL, Popen  # noqa: TID251  the runner cannot be asked to kill itself
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Iterator

ROOT_CACHE = Path("/var/cache/pkgafdo")
CHECKOUT = Path(__file__).resolve().parents[3]
# In a name space of its own the program finds our folder where root's cache is: tests leave nothing.
_WITH_CACHE = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
_WITH_SMALL_DISK = 'mount -t tmpfs -o size=64m tmpfs "$1" && shift && exec "$@"'


@cache
def can_mount() -> bool:
    """Say whether we may make a name space of mounts: root may, but not in every container."""
    if os.geteuid() != 0:
        return False
    with Popen(["unshare", "--mount", "true"], stderr=DEVNULL) as process:
        return process.wait() == 0


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """What the command line says when it refuses: one sentence, the evidence, the next move."""

    message: str
    details: str
    hint: str


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A command line that has ended."""

    code: int
    stdout: str
    stderr: str
    seconds: float

    def data(self) -> Any:
        """Return the JSON object on stdout of a start that succeeded."""
        assert self.code == 0, self.stderr
        return json.loads(self.stdout)

    def refusal(self, code: int) -> Refusal:
        """Return the refusal of a start that had to end with an exit code, and said nothing else."""
        assert self.code == code, self.stderr
        assert self.stdout == ""
        assert "Traceback" not in self.stderr
        lines = self.stderr.splitlines()
        messages = [
            line.removeprefix("pkgafdo: ") for line in lines if line.startswith("pkgafdo: ")
        ]
        assert len(messages) == 1, self.stderr
        details = [line.removeprefix("  | ") for line in lines if line.startswith("  | ")]
        hints = [line.removeprefix("  → ") for line in lines if line.startswith("  → ")]
        return Refusal(message=messages[0], details="\n".join(details), hint="\n".join(hints))


@dataclass(frozen=True, kw_only=True)
class Started:
    """A command line at work; its output goes to files."""

    process: Popen[bytes]
    folder: Path
    began: float = field(default_factory=time.monotonic)

    @property
    def stderr(self) -> str:
        """What it has said so far."""
        return (self.folder / "stderr").read_text(encoding="utf-8")

    def wait(self, timeout: float = 120) -> Ended:
        """Wait for its end."""
        code = self.process.wait(timeout)
        return Ended(
            code=code,
            stdout=(self.folder / "stdout").read_text(encoding="utf-8"),
            stderr=self.stderr,
            seconds=time.monotonic() - self.began,
        )

    def signal(self, number: signal.Signals) -> Ended:
        """Send the python process alone a signal, and wait for its end."""
        self.process.send_signal(number)
        return self.wait()

    def wait_until(self, reached: Callable[[], bool], what: str, timeout: float = 60) -> None:
        """Wait until something holds; a program that ends before fails the test."""
        wait_until(reached, what, timeout, ended=lambda: self.process.poll() is not None)


def wait_until(
    reached: Callable[[], bool],
    what: str,
    timeout: float,
    *,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Wait until something holds, and fail when time runs out or the end comes first."""
    deadline = time.monotonic() + timeout
    while not reached():
        assert not ended(), f"it ended before: {what}"
        assert time.monotonic() < deadline, f"in vain: {what}"
        time.sleep(0.02)


@dataclass(frozen=True, kw_only=True)
class Pkgafdo:
    """pkgafdo with a home, a cache (unless `own_cache` is false) and a PATH of its own."""

    folder: Path
    own_cache: bool = True
    path: str = "/usr/local/bin:/usr/bin:/bin"
    small_disk: Path | None = None

    @property
    def cache(self) -> Path:
        """The folder of sources and compiled helpers."""
        return self.folder / "cache"

    def command(self, *arguments: object) -> list[str]:
        """Return the whole command."""
        words = [sys.executable, "-P", "-m", "pkgafdo", *(str(word) for word in arguments)]
        if self.small_disk is not None:
            words = ["sh", "-c", _WITH_SMALL_DISK, "sh", str(self.small_disk), *words]
        if can_mount() and self.own_cache:
            ROOT_CACHE.mkdir(exist_ok=True)
            bind = ["sh", "-c", _WITH_CACHE, "sh", str(self.cache / "pkgafdo"), str(ROOT_CACHE)]
            words = ["unshare", "--mount", *bind, *words]
        return words

    def start(self, *arguments: object) -> Started:
        """Start pkgafdo and leave it at work."""
        (self.cache / "pkgafdo").mkdir(parents=True, exist_ok=True)
        output = self.folder / f"output-{time.monotonic_ns()}"
        output.mkdir()
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        env = {"PATH": self.path, "HOME": str(home)}
        if self.own_cache:
            env["XDG_CACHE_HOME"] = str(self.cache)
        else:
            env["HOME"] = os.environ.get("HOME", str(home))
        if "PYTHONPATH" in os.environ:  # the tests of one checkout may run the code of another
            env["PYTHONPATH"] = os.environ["PYTHONPATH"]
        env |= {"LANG": "C.UTF-8", "CFLAGS": "-Ofast -march=native", "MAKEFLAGS": "--nonsense"}
        with (output / "stdout").open("wb") as stdout, (output / "stderr").open("wb") as stderr:
            process = Popen(
                self.command(*arguments),
                cwd=home, env=env, stdin=DEVNULL, stdout=stdout, stderr=stderr,
            )  # fmt: skip
        return Started(process=process, folder=output)

    def run(self, *arguments: object, timeout: float = 120) -> Ended:
        """Start pkgafdo and wait for its end."""
        return self.start(*arguments).wait(timeout)


def finished(workdir: Path) -> set[str]:
    """Return the stages that a work folder's journal holds."""
    return {path.stem for path in (workdir / "journal").glob("*.json")}


def half_written(*folders: Path) -> list[Path]:
    """Return what write-then-rename and unpacking leave when they are not brought to their end."""
    return [
        path
        for folder in folders
        for pattern in (".*.????????", ".*.partial")
        for path in folder.rglob(pattern)
    ]


def processes_of(folder: Path) -> Iterator[str]:
    """Yield the command lines of processes that work for a folder; whoever started us may name it."""
    ours = set(_ancestors(os.getpid()))
    for place in Path("/proc").glob("[0-9]*"):
        try:
            line = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            cwd = str((place / "cwd").readlink())
        except OSError:  # it has ended meanwhile
            continue
        if int(place.name) not in ours and (str(folder) in line or cwd.startswith(str(folder))):
            yield line


def _ancestors(pid: int) -> Iterator[int]:
    """Yield a process, its parent, and so on."""
    while pid:
        yield pid
        # proc_pid_stat(5): the parent is the second field behind the name, which is in parentheses.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        pid = int(stat.rpartition(")")[2].split()[1])
