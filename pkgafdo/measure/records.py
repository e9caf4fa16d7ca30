"""Machine measurements on disk: one JSON file a kernel, its boots in it, each with its environment."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.measure.statistics import Sample, per_boot

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

FORMAT: Final = 1
_KIND: Final = "pkgafdo machine measurement"


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """What a benchmark's number is of: unlike is neither joined nor compared."""

    command: str
    unit: str
    lower: bool

    def __str__(self) -> str:
        """Return it in words."""
        return f"“{self.command}” in {self.unit}, {'less' if self.lower else 'more'} is better"


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """A benchmark's repeats in one boot, and of what they are; planned is how many were asked for."""

    unit: str
    lower: bool
    command: str
    values: tuple[float, ...]
    planned: int = 0

    @property
    def left(self) -> int:
        """How many runs are missing that were asked for."""
        return max(0, self.planned - len(self.values))

    @property
    def work(self) -> Work:
        """What was run."""
        return Work(command=self.command, unit=self.unit, lower=self.lower)


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """One boot: its id, when it was measured, its kernel, its environment, what was measured.

    asked has the benchmarks that were asked for, also those that could not run.
    """

    boot_id: str
    started: str
    kernel: str
    environment: Mapping[str, str]
    series: Mapping[str, Series]
    asked: tuple[str, ...] = ()

    @property
    def interrupted(self) -> bool:
        """Whether runs are missing that were asked for."""
        return any(self.left(name) for name in self.series)

    def left(self, name: str) -> int:
        """Return how many runs of a benchmark are missing that were asked for."""
        return self.series[name].left if name in self.series else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """The measurements of one kernel; pkgafdo is the version that wrote them."""

    pkgafdo: str
    boots: tuple[Boot, ...] = field(default_factory=tuple)

    def boot(self, boot_id: str) -> Boot | None:
        """Return the boot of an id."""
        return next((boot for boot in self.boots if boot.boot_id == boot_id), None)

    @property
    def kernels(self) -> tuple[str, ...]:
        """The kernel releases in it; more than one is a mistake."""
        return tuple(dict.fromkeys(boot.kernel for boot in self.boots))

    def samples(self) -> dict[str, Sample]:
        """Return each benchmark's number a boot."""
        names = dict.fromkeys(name for boot in self.boots for name in boot.series)
        return {name: self._sample(name) for name in names}

    def _sample(self, name: str) -> Sample:
        found = [boot.series[name] for boot in self.boots if name in boot.series]
        return Sample(boots=per_boot([series.values for series in found]), lower=found[0].lower)

    def works(self) -> dict[str, set[Work]]:
        """Return what was run under each benchmark's name; more than one thing does not compare."""
        found: dict[str, set[Work]] = {}
        for boot in self.boots:
            for name, series in boot.series.items():
                found.setdefault(name, set()).add(series.work)
        return found


def add_boot(record: Record, boot: Boot) -> Record:
    """Return a record with a boot added; more repeats of the same boot are joined to it.

    Raises ConfigError when the boot ran another kernel than those before, other work under a
    benchmark's name, or the same boot in another environment.
    """
    if record.boots and boot.kernel != record.boots[0].kernel:
        raise ConfigError(
            f"the file holds boots of {record.boots[0].kernel}, and this is {boot.kernel}",
            hint="Give each kernel a file of its own with --output.",
        )
    _require_same_work(record, boot)
    same = record.boot(boot.boot_id)
    if same is None:
        return Record(pkgafdo=record.pkgafdo, boots=(*record.boots, boot))
    _require_same_environment(same, boot)
    joined = _joined(same, boot)
    boots = tuple(joined if old is same else old for old in record.boots)
    return Record(pkgafdo=record.pkgafdo, boots=boots)


def drop_unfinished(record: Record, boot_id: str, names: Collection[str]) -> Record:
    """Return a record without these benchmarks of a boot, where runs are missing that were asked for.

    A boot that has nothing left goes too.
    """
    boots = []
    for boot in record.boots:
        if boot.boot_id == boot_id:
            dropped = {name for name in names if boot.left(name)}
            series = {name: one for name, one in boot.series.items() if name not in dropped}
            boots += [replace(boot, series=series)] if series else []
        else:
            boots.append(boot)
    return replace(record, boots=tuple(boots))


def _require_same_work(record: Record, boot: Boot) -> None:
    works = record.works()
    for name, series in boot.series.items():
        if other := works.get(name, set()) - {series.work}:
            raise ConfigError(
                f"the file holds another “{name}”",
                details=f"It ran {' and '.join(sorted(map(str, other)))}; now it is {series.work}.",
                hint="Give each a file of its own with --output.",
            )


def _require_same_environment(old: Boot, new: Boot) -> None:
    changed = [
        f"{key}: {old.environment[key]} → {value}"
        for key, value in new.environment.items()
        if old.environment.get(key, value) != value
    ]
    if changed:
        raise ConfigError(
            "this boot was measured in another environment before",
            details="\n".join(changed),
            hint="Set it back, or give what is measured now another file with --output.",
        )


def _joined(old: Boot, new: Boot) -> Boot:
    series = dict(old.series)
    for name, more in new.series.items():
        known = series.get(name)
        series[name] = replace(more, values=(*known.values, *more.values)) if known else more
    asked = tuple(dict.fromkeys((*old.asked, *new.asked)))
    return replace(old, series=series, asked=asked)


def write_record(path: Path, record: Record) -> None:
    """Write a record by rename."""
    files.write_json(path, {"kind": _KIND, "format": FORMAT, **asdict(record)})


def read_record(path: Path) -> Record:
    """Read a record. Raises ArtifactError when it is missing, foreign, partial or of a newer format."""
    try:
        data = files.read_json(path)
    except (OSError, ValueError) as error:
        raise ArtifactError(
            f"{path} is not a measurement",
            details=str(error),
            hint="Give a file that `pkgafdo measure host` wrote.",
        ) from error
    if not isinstance(data, dict) or data.get("kind") != _KIND:
        raise ArtifactError(
            f"{path} is not a measurement of this machine's kernels",
            hint="Give a file that `pkgafdo measure host` or `measure import` wrote.",
        )
    if data.get("format") != FORMAT:
        raise ArtifactError(
            f"{path} has format {data.get('format')}; this pkgafdo knows {FORMAT}",
            details=f"It was written by pkgafdo {data.get('pkgafdo')}.",
            hint="Use that pkgafdo, or measure again.",
        )
    try:
        return _parse(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactError(
            f"{path} is damaged or partial",
            details=f"{type(error).__name__}: {error}",
            hint="Measure again.",
        ) from error


def _parse(data: dict[str, Any]) -> Record:
    boots = tuple(
        Boot(
            boot_id=str(boot["boot_id"]),
            started=str(boot["started"]),
            kernel=str(boot["kernel"]),
            environment={str(key): str(value) for key, value in boot["environment"].items()},
            series={str(name): _series(series) for name, series in boot["series"].items()},
            asked=tuple(map(str, boot.get("asked", ()))),
        )
        for boot in data["boots"]
    )
    if len({boot.boot_id for boot in boots}) < len(boots):
        raise ValueError("a boot is in it twice")
    return Record(pkgafdo=str(data["pkgafdo"]), boots=boots)


def _series(data: dict[str, Any]) -> Series:
    values = tuple(float(value) for value in data["values"])
    if not values:
        raise ValueError("a benchmark has no value")
    if not all(0 < value < float("inf") for value in values):
        raise ValueError(f"a value is not a positive number: {values}")
    return Series(
        unit=str(data["unit"]),
        lower=bool(data["lower"]),
        command=str(data["command"]),
        values=values,
        planned=int(data.get("planned", 0)),
    )
