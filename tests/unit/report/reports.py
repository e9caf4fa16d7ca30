"""Reports of runs that were never made."""

from __future__ import annotations

from typing import Any

from pkgafdo.measure.counts import LABELS, METRICS, StepCounts, SuiteCounts, compare
from pkgafdo.measure.sides import compare_records
from pkgafdo.report.arcs import Arcs, Kind, compare_arcs
from pkgafdo.report.data import Facts, Recorded, build_report
from tests.unit.measure.records import record

KERNELS = ("baseline", "optimised", "propeller")
SHARES = {"baseline": 100, "optimised": 57, "propeller": 52}


def counted(suite: str, names: tuple[str, ...], steps: int = 3) -> dict[str, Any]:
    """Return the comparison of kernels on a suite: each takes its share of the baseline's counts."""
    kernels = {}
    for name in names:
        kernels[name] = SuiteCounts(
            suite=suite,
            steps=tuple(
                StepCounts(
                    name=f"step-{number}",
                    operations=40 if number else 0,
                    unit="turn" if number else "",
                    counts={
                        metric: (1000 + 10 * place) * (number + 1) * (SHARES[name] + number)
                        for place, metric in enumerate(METRICS)
                    },
                )
                for number in range(steps)
            ),
        )
    return compare(kernels) | {"suite": suite}


def recorded(kernel: str, *, evil: str = "do_it") -> Recorded:
    """Return what a recording of a kernel says: a few functions in three subsystems."""
    share = SHARES[kernel]
    functions = [
        {"name": evil, "count": 60 * share, "source": "mm/memory.c"},
        {"name": "copy_page", "count": 20 * share, "source": "mm/memory.c"},
    ]
    subsystems = [
        {"name": "mm", "count": 80 * share, "functions": functions},
        {
            "name": "fs/ext4", "count": 15 * share,
            "functions": [{"name": "ext4_write", "count": 15 * share, "source": "fs/ext4/file.c"}],
        },
        {
            "name": "net", "count": 5 * share,
            "functions": [{"name": f"net_{kernel}", "count": 5 * share, "source": "net/socket.c"}],
        },
    ]  # fmt: skip
    return Recorded(
        kernel=kernel,
        suite="train",
        branches=100 * share,
        subsystems=subsystems,
        layout={
            "start": "0xffffffff81000000", "text_bytes": 700_000, "fetches": 9 * share,
            "executed_bytes": 2100, "hot_bytes": 900,
            "lines_touched": 40, "lines_hot": 30, "pages_touched": 3, "pages_hot": 2, "cold_bytes": 9000,
            "pages": [0, 5 * share, 0, 3 * share, share] + [0] * 166,
        },
    )  # fmt: skip


def twin(suite: str, share: float, steps: int = 3) -> dict[str, Any]:
    """Return how a baseline with another layout differs: by this share in every metric."""
    changes = dict.fromkeys(METRICS, share)
    return {
        "suite": suite,
        "changes": changes,
        "steps": [{"name": f"step-{number}", "changes": changes} for number in range(steps)],
        "says": f"Layout’s luck: {share:.2%} on “{suite}”.",
    }


def on_machine(level: float = 9.7, boots: int = 8, **changes: str) -> dict[str, Any]:
    """Return the comparison of a baseline whose benchmarks take 10 seconds with another kernel."""
    return compare_records(
        record("7.2.13-base", boots), record("7.2.13-afdo", boots, level=level, **changes)
    )


def arcs(names: tuple[str, ...] = KERNELS) -> dict[str, Any]:
    """Return what became of the jumps and calls of kernels that take their share of them."""
    return compare_arcs(
        [
            Arcs(
                kernel=name,
                kinds=dict.fromkeys(Kind, 100 * SHARES[name]),
                counts={
                    "jumps": {("do_it:1", "do_it:3"): 100 * SHARES[name], ("f:?", f"f:{n}"): 5},
                    "calls and returns": {("do_it:5", "f:1"): 100 * SHARES[name]},
                },
                unknown=7,
            )
            for n, name in enumerate(names)
        ]
    )


def facts(names: tuple[str, ...] = KERNELS[:2], **changes: Any) -> Facts:
    """Return the facts of a whole run with these kernels."""
    values: dict[str, Any] = {
        "title": "Linux 7.2.13",
        "version": "0.1.0",
        "kernels": [
            {
                "name": name, "release": f"7.2.13-{name}", "build_id": "ab" * 20,
                "vmlinux": f"/w/{name}/vmlinux", "vmlinux_sha256": "cd" * 32, "image_bytes": 4_000_000,
                "tuning": [],
                "packages": [
                    {"pkgname": f"linux-{name}", "pkgver": "7.2.13-1", "path": "/w/p", "size": 5 << 20}
                ],
            }
            for name in names
        ],
        "model": "L1i 32 KiB",
        "labels": LABELS,
        "suites": {
            "train": ("trained on", counted("train", names)),
            "heldout": ("never trained on", counted("heldout", names)),
        },
        "recordings": [recorded(name) for name in names],
        "noise": {"train": twin("train", 0.012), "heldout": twin("heldout", -0.004)},
        "machine": {names[-1]: on_machine()} if len(names) > 1 else {},
        "arcs": arcs(names) if len(names) > 1 else None,
        "profile": {
            "functions": 3045, "samples": 317_751_783, "found_share": 0.999, "size": 1_268_977,
            "density": 254.888, "workload": "train", "event": "virtual-lbr",
            "converter": "llvm-profgen",
            "coverage": {
                "functions": 20351, "profiled_functions": 2811, "code_bytes": 4750650,
                "profiled_bytes": 1023645, "foreign": 290,
            },
            "hot": [{"name": "do_it", "total": 625330, "entry": 77}],
        },
        "checks": ["build salt: wanted x, got x"],
        "timeline": [
            {"stage": "source", "title": "get the kernel source",
             "started": "2026-11-20T08:40:05+00:00", "seconds": 18.8, "own_seconds": None},
            {"stage": "build-baseline", "title": "build the baseline kernel",
             "started": "2026-11-20T08:41:05+00:00", "seconds": 612.8, "own_seconds": 1.0},
        ],
        "provenance": [{"what": "kernel source", "value": "linux-source-7.2"}],
        "commands": [
            {"stage": "", "title": "go on", "commands": ["pkgafdo run --workdir /w"]},
            {"stage": "source", "title": "get the kernel source", "commands": ["tar -xf <x>"]},
        ],
    }  # fmt: skip
    return Facts(**values | changes)


def report(names: tuple[str, ...] = KERNELS[:2], **changes: Any) -> dict[str, Any]:
    """Return the report of a whole run with these kernels."""
    return build_report(facts(names, **changes))
