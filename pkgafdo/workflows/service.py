"""Background sampling: record briefly, convert at once, keep only profiles, within a quota."""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.errors import HostError, PkgafdoError
from pkgafdo.host.running import running_kernel
from pkgafdo.profile.provenance import provenance_path
from pkgafdo.workflows.host_recording import find_running_vmlinux
from pkgafdo.workflows.profiles import Order, Workbench, convert_sources
from pkgafdo.workflows.record_here import Wish, record_here

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pkgafdo.artifacts import Vmlinux
    from pkgafdo.host.facts import HostFacts
    from pkgafdo.perf.settings import RecordSettings
    from pkgafdo.runner.local import LocalRunner

_LAST: Final = "last.json"
_FEW_FUNCTIONS: Final = 10
_FEW_SAMPLES: Final = 1000
"""A short recording says little by itself; many of them, merged, say much."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One sampling to make: how long, where its profile is kept, and how many bytes are kept there."""

    state: Path
    seconds: float
    quota: int
    now: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Last:
    """How the last sampling ended: when (ISO 8601), whether it was kept, and a sentence."""

    when: str
    kept: bool
    sentence: str


def state_folder(host: HostFacts) -> Path:
    """Return where background profiles are kept."""
    return host.folders.state / "pkgafdo" / "profiles"


def require_recordable(runner: LocalRunner, host: HostFacts) -> Vmlinux:
    """Return the running kernel's vmlinux; raises HostError when there is none to convert with."""
    kernel = running_kernel()
    found = find_running_vmlinux(runner, host, kernel)
    if found is None:
        raise HostError(
            f"the vmlinux of the running kernel {kernel.release} is not installed",
            details="Profiles are made at once, and only of the kernel that runs.",
            hint="Boot a kernel that pkgafdo built, with its -debug package (linux-cachyos: -dbg).",
        )
    return found


def sample(
    runner: LocalRunner,
    host: HostFacts,
    bench: Workbench,
    settings: RecordSettings,
    wish: Sample,
) -> dict[str, Any]:
    """Record for a short time, convert, keep the profile; returns what happened, JSON-plain.

    Raises what recording and converting raise, after it was written down for `status`.
    """
    when = wish.now.isoformat(timespec="seconds")
    try:
        kept = _sample(runner, host, bench, settings, wish)
    except PkgafdoError as error:
        write_last(wish.state, Last(when=when, kept=False, sentence=error.message))
        raise
    removed = enforce_quota(wish.state, wish.quota)
    sentence = f"{kept['functions']:,} functions, {kept['counts']:,} samples in {kept['path']}"
    write_last(wish.state, Last(when=when, kept=True, sentence=sentence))
    return kept | {"removed": [str(path) for path in removed]}


def _sample(
    runner: LocalRunner,
    host: HostFacts,
    bench: Workbench,
    settings: RecordSettings,
    wish: Sample,
) -> dict[str, Any]:
    vmlinux = require_recordable(runner, host)
    with tempfile.TemporaryDirectory(prefix="pkgafdo-") as folder:
        table = Path(folder) / "sample.parquet"
        record_here(
            runner,
            host,
            replace(settings, keep_perf_data=False),
            Wish(output=table, seconds=wish.seconds, vmlinux=vmlinux.path),
        )
        output = wish.state / (vmlinux.release or host.release) / f"{wish.now:%Y%m%dT%H%M%SZ}.afdo"
        output.parent.mkdir(parents=True, exist_ok=True)
        few = replace(
            bench.settings,
            min_functions=min(bench.settings.min_functions, _FEW_FUNCTIONS),
            min_samples=min(bench.settings.min_samples, _FEW_SAMPLES),
        )
        order = Order(sources=(table,), vmlinux=vmlinux.path, output=output)
        _, provenance = convert_sources(replace(bench, settings=few), order)
    return {
        "path": str(output),
        "functions": provenance.functions,
        "counts": provenance.counts,
        "kernelrelease": output.parent.name,
    }


def kept_profiles(state: Path) -> tuple[Path, ...]:
    """Return the profiles that are kept and have their provenance, oldest first.

    Their names are times; the clock of the file system plays no part.
    """
    found = (path for path in state.glob("*/*.afdo") if provenance_path(path).is_file())
    return tuple(sorted(found, key=lambda path: path.name))


def enforce_quota(state: Path, quota: int) -> tuple[Path, ...]:
    """Remove the oldest profiles until the rest is within the quota; the newest always stays."""
    profiles = list(kept_profiles(state))
    removed = []
    while len(profiles) > 1 and _size(profiles) > quota:
        oldest = profiles.pop(0)
        for path in (oldest, provenance_path(oldest)):
            path.unlink(missing_ok=True)
        removed.append(oldest)
    if removed:
        log.note(f"{len(removed)} old profiles were removed to stay within {quota >> 20} MiB")
    return tuple(removed)


def _size(profiles: Iterable[Path]) -> int:
    return sum(part.stat().st_size for path in profiles for part in (path, provenance_path(path)))


def write_last(state: Path, last: Last) -> None:
    """Write down how a sampling ended."""
    files.write_json(state / _LAST, asdict(last))


def read_last(state: Path) -> Last | None:
    """Return how the last sampling ended; None when there was none, or nothing readable is left."""
    try:
        return Last(**files.read_json(state / _LAST))
    except (OSError, ValueError, TypeError):
        return None


def status_of(state: Path, *, installed: bool) -> dict[str, Any]:
    """Return what the background sampling has done, JSON-plain."""
    profiles = kept_profiles(state)
    last = read_last(state)
    kernels: dict[str, int] = {}
    for path in profiles:
        kernels[path.parent.name] = kernels.get(path.parent.name, 0) + 1
    return {
        "installed": installed,
        "state": str(state),
        "profiles": kernels,
        "bytes": _size(profiles),
        "last": asdict(last) if last else None,
    }


def render_status(status: dict[str, Any]) -> str:
    """Return the status as text, with the command that makes one profile of all."""
    lines = ["the timer is installed" if status["installed"] else "the timer is not installed"]
    if last := status["last"]:
        lines.append(f"last: {last['when']}: {last['sentence']}")
    for release, count in status["profiles"].items():
        lines += [
            f"{release}: {count} profiles",
            f"  pkgafdo profile merge {status['state']}/{release}/*.afdo -o {release}.afdo",
        ]
    if status["profiles"]:
        lines.append(f"{status['bytes'] / (1 << 20):.1f} MiB in {status['state']}")
    return "\n".join(lines)
