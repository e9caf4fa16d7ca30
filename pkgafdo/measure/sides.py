"""Two machine measurements side by side: what differs besides the kernel, then each benchmark."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.columns import COLUMNS, fit
from pkgafdo.errors import ArtifactError
from pkgafdo.measure.benchmarker import COMMAND
from pkgafdo.measure.statistics import FEWEST_BOOTS, boots_needed, compare_samples

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pkgafdo.measure.records import Record, Work
    from pkgafdo.measure.statistics import Comparison

MACHINE_KIND: Final = "time on this machine"
_MUST_AGREE: Final = ("cpu", "memory", "machine")
"""Without these two measurements are of two machines."""
_NAME: Final = 20
"""Columns of a benchmark's name."""
_MEMORY: Final = re.compile(r"(\d+) kB")
_SLACK: Final = 0.02
"""MemTotal is what a kernel's own image and tables leave of the memory, so kernels differ in it."""


def compare_records(before: Record, after: Record, *, anyway: bool = False) -> dict[str, Any]:
    """Return the comparison, JSON-plain: kind, kernels, differences, benchmarks, notes.

    Raises ArtifactError when they are of different machines, of different work, or have nothing in
    common; `anyway` puts different machines side by side, the differences named.
    """
    differences = environment_differences(before, after)
    blocking = [line for line in differences if line.partition(":")[0] in _MUST_AGREE]
    if blocking and not anyway:
        raise ArtifactError(
            "the measurements are of different machines",
            details="\n".join(blocking),
            hint="Compare two kernels on one machine; --anyway puts them side by side all the same.",
        )
    unlike = _unlike(before, after)
    one, other = before.samples(), after.samples()
    common = [name for name in one if name in other and name not in unlike]
    if not common:
        raise ArtifactError(
            "the two measurements have no benchmark in common",
            details="\n".join([*unlike.values(), f"before: {', '.join(one) or 'none'}",
                               f"after: {', '.join(other) or 'none'}"]),
            hint="Measure both kernels with the same benchmarks.",
        )  # fmt: skip
    units = {name: series.unit for boot in before.boots for name, series in boot.series.items()}
    compared = compare_samples({name: one[name] for name in common}, other)
    return {
        "kind": MACHINE_KIND,
        "before": _side(before),
        "after": _side(after),
        "differences": differences,
        "benchmarks": [
            asdict(row)
            | {"verdict": row.verdict.value, "lower": one[row.name].lower, "unit": units[row.name]}
            for row in compared
        ],
        "notes": [
            *unlike.values(),
            *_one_sided(before, after),
            *_notes(before, after, compared),
        ],
    }


def _side(record: Record) -> dict[str, Any]:
    return {
        "kernels": list(record.kernels),
        "boots": len(record.boots),
        "pkgafdo": record.pkgafdo,
    }


def environment_differences(before: Record, after: Record) -> list[str]:
    """Return what of the environment is not the same in all boots of both, a line each."""
    boots = (*before.boots, *after.boots)
    keys = dict.fromkeys(key for boot in boots for key in boot.environment)
    lines = []
    for key in keys:
        sides = [
            sorted({boot.environment.get(key, "unknown") for boot in record.boots})
            for record in (before, after)
        ]
        values = {value for side in sides for value in side}
        if len(values) > 1 and not (key == "memory" and _same_memory(values)):
            lines.append(f"{key}: {' or '.join(sides[0])} → {' or '.join(sides[1])}")
    return lines


def _same_memory(values: Collection[str]) -> bool:
    """Tell whether amounts of memory are one machine's, as different kernels see it."""
    found = [_MEMORY.fullmatch(value) for value in values]
    sizes = [int(match[1]) for match in found if match]
    return len(sizes) == len(values) and max(sizes) <= min(sizes) * (1 + _SLACK)


def _unlike(before: Record, after: Record) -> dict[str, str]:
    """Return the benchmarks that are not the same work everywhere, with the sentence that says so."""
    one, other = before.works(), after.works()
    return {
        name: f"{name} ran {_told(one[name])} before and {_told(other[name])} after, and is left out."
        for name in one
        if name in other and len(one[name] | other[name]) > 1
    }


def _told(works: Collection[Work]) -> str:
    return " or ".join(sorted(map(str, works)))


def _one_sided(before: Record, after: Record) -> list[str]:
    """Return a sentence for each side that has benchmarks which the other lacks."""
    one, other = before.works(), after.works()
    sides = {
        "before": [n for n in one if n not in other],
        "after": [n for n in other if n not in one],
    }
    return [
        f"Only measured {which}, so not compared: {', '.join(names)}."
        for which, names in sides.items()
        if names
    ]


def _notes(before: Record, after: Record, compared: Sequence[Comparison]) -> list[str]:
    notes = _on_boots(compared)
    if before.pkgafdo != after.pkgafdo:
        notes.append(f"Measured by different versions: {before.pkgafdo} and {after.pkgafdo}.")
    for record, which in ((before, "before"), (after, "after")):
        if cut := sum(boot.interrupted for boot in record.boots):
            notes.append(
                f"{cut} of the {len(record.boots)} boots {which} ended early, with fewer runs than were "
                "asked for."
            )
        if len(record.kernels) > 1:
            notes.append(f"The boots {which} ran several kernels: {', '.join(record.kernels)}.")
    if any(work.command == COMMAND for works in before.works().values() for work in works):
        notes.append(
            f"Logs of {COMMAND} do not tell boots: each run counts as one, and runs of the same boot "
            "make the verdict surer than it is."
        )
    if before.kernels == after.kernels:
        notes.append("Both are of the same kernel: an A/A comparison, which shows the noise.")
    return notes


def _on_boots(compared: Sequence[Comparison]) -> list[str]:
    """Return what the boots of each benchmark are too few for."""
    fewest = {row.name: min(row.boots_before, row.boots_after) for row in compared}
    few = [name for name, boots in fewest.items() if boots < FEWEST_BOOTS]
    judged = [boots for boots in fewest.values() if boots >= FEWEST_BOOTS]
    needed = boots_needed(len(judged))
    notes = []
    if few:
        which = "" if len(few) == len(fewest) else f" ({', '.join(few)})"
        notes.append(
            f"Below {FEWEST_BOOTS} boots of each kernel there is no verdict; the fewest here is "
            f"{min(fewest.values())}{which}."
        )
    if judged and min(judged) < needed:
        notes.append(
            f"With {len(judged)} benchmarks, {min(judged)} boots cannot show any difference after "
            f"Holm’s correction: {needed} boots of each kernel could."
        )
    return notes


def render_comparison(data: dict[str, Any]) -> str:
    """Return a comparison as text of at most 80 columns."""
    head = f"{'':{_NAME}}{'before':>12}{'after':>12}{'change':>9}{'95 % interval':>18}{'p':>8}"
    lines = [
        data["kind"],
        *(f"{which + ':':7} {_said_of(data[which])}" for which in ("before", "after")),
        "",
        head,
        *(line for row in data["benchmarks"] for line in _row(data, row)),
        "",
        "p: rank test over boots, after Holm’s correction over the suite",
        *(f"differs: {line}" for line in data["differences"]),
        *(f"note: {line}" for line in data["notes"]),
    ]
    return "\n".join(fit(line, COLUMNS) for line in lines) + "\n"


def _said_of(side: dict[str, Any]) -> str:
    return f"{', '.join(side['kernels'])}, {side['boots']} boots"


def _row(data: dict[str, Any], row: dict[str, Any]) -> list[str]:
    """Return the lines of one benchmark; a name that is longer than its column has its own."""
    interval = "–" if row["low"] is None else f"{row['low'] - 1:+.1%} … {row['high'] - 1:+.1%}"
    p = "–" if row["p_suite"] is None else f"{row['p_suite']:.3f}"
    long = len(row["name"]) > _NAME
    numbers = (
        f"{'' if long else row['name']:{_NAME}}{row['median_before']:>12.4g}"
        f"{row['median_after']:>12.4g}{row['ratio'] - 1:>+9.1%}{interval:>18}{p:>8}"
    )
    boots = (row["boots_before"], row["boots_after"])
    partly = boots != (data["before"]["boots"], data["after"]["boots"])
    verdict = f"  {row['verdict']}" + (f" ({boots[0]} and {boots[1]} boots)" * partly)
    return [*([row["name"]] * long), numbers, verdict]
