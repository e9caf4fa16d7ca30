"""The comparison as a table for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def render_table(
    suites: Mapping[str, Mapping[str, Any]], labels: Mapping[str, str], kernels: Sequence[str]
) -> str:
    """Return the totals of each suite, a row a metric, a column a kernel, and the change in percent.

    suites maps a suite's name to metric → kernel → count; at most 80 columns for two kernels.
    """
    head = f"{'':30s}" + "".join(f"{kernel:>16s}" for kernel in kernels)
    head += f"{'change':>10s}" * (len(kernels) - 1)
    lines = []
    for suite, metrics in suites.items():
        lines += ["", f"{suite}:", head]
        for metric, label in labels.items():
            counts = [metrics[metric][kernel] for kernel in kernels]
            row = f"  {label:28s}" + "".join(f"{count:>16,d}" for count in counts)
            row += "".join(f"{_change(counts[0], count):>10s}" for count in counts[1:])
            lines.append(row)
    return "\n".join(lines).strip("\n") + "\n"


def _change(before: int, after: int) -> str:
    return f"{(after - before) / before:+.1%}" if before else "–"
