"""Time on this machine, as the report shows it: benchmarks over boots, compared and counted up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

BETTER: Final = "better"
WORSE: Final = "worse"
_TOO_FEW: Final = "too few boots for a verdict"


def machine_measures(kernel: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return one comparison on this machine, JSON-plain; data is what `compare_records` makes.

    kernel is the name of the kernel that is compared with the baseline.
    """
    verdicts = [row["verdict"] for row in data["benchmarks"]]
    judged = [verdict for verdict in verdicts if verdict != _TOO_FEW]
    counts = {name: verdicts.count(name) for name in (BETTER, WORSE)}
    return {
        "kernel": kernel,
        **data,
        "better": counts[BETTER],
        "worse": counts[WORSE],
        "judged": len(judged),
        "says": _says(kernel, data, counts, len(judged)),
    }


def _says(kernel: str, data: Mapping[str, Any], counts: Mapping[str, int], judged: int) -> str:
    boots = f"{data['before']['boots']} and {data['after']['boots']} boots"
    if not judged:
        return f"No verdict on the {kernel} kernel’s time yet: too few boots ({boots})."
    left = judged - counts[BETTER] - counts[WORSE]
    others = ", ".join(line.partition(":")[0] for line in data["differences"])
    return (
        f"Of {judged} benchmarks, the {kernel} kernel is better in {counts[BETTER]} and worse in "
        f"{counts[WORSE]}; in {left} no difference was shown ({boots})."
        + (f" But not only the kernel differs: {others}." if others else "")
    )


def tone(row: Mapping[str, Any]) -> str:
    """Return how a benchmark's verdict is coloured: as a gain, a loss, or neither."""
    return {BETTER: "fewer", WORSE: "more"}.get(row["verdict"], "")


def sentences(machine: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what the comparisons come to, a sentence each."""
    return [one["says"] for one in machine]
