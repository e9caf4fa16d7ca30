"""Machine measurements that no machine made."""

from __future__ import annotations

import numpy as np

from pkgafdo.measure.records import Boot, Record, Series

CPU = {"cpu": "Ryzen 9", "memory": "32 kB", "governor": "performance"}


def boot(number: int, kernel: str, values: dict[str, tuple[float, ...]], **changes: str) -> Boot:
    """Return one boot with these repeats of each benchmark."""
    return Boot(
        boot_id=f"{kernel}-{number}",
        started="2026-11-20T08:00:00+00:00",
        kernel=kernel,
        environment=CPU | changes,
        series={
            name: Series(unit="s", lower=True, command=f"run {name}", values=repeats)
            for name, repeats in values.items()
        },
    )


def record(kernel: str, boots: int = 8, *, level: float = 10.0, **changes: str) -> Record:
    """Return the boots of a kernel whose benchmarks take about `level` seconds."""
    generator = np.random.default_rng(len(kernel) + boots)
    rows = []
    for number in range(boots):
        pair = tuple(float(level * value) for value in generator.normal(1, 0.002, 2))
        rows.append(boot(number, kernel, {"pipe": pair, "fork": pair[::-1]}, **changes))
    return Record(pkgafdo="0.1.0", boots=tuple(rows))
