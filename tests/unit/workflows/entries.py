"""The journal of a finished run, made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pkgafdo.measure.counts import METRICS
from tests.unit.pipeline.stages import entry, file_record

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.pipeline.entry import Entry


def built(folder: Path, which: str, pkgbase: str, release: str) -> dict[str, Entry]:
    """Return the entries of one kernel's build and installation."""
    packages = [
        {
            "path": str(folder / "packages" / which / f"{name}-7.2.13-1-x86_64.pkg.tar.zst"),
            "pkgname": name, "pkgbase": pkgbase, "pkgver": "7.2.13-1", "arch": "x86_64",
            "conflicts": [], "provides": [], "size": 1,
        }
        for name in (pkgbase, f"{pkgbase}-headers", f"{pkgbase}-debug")
    ]  # fmt: skip
    modules = folder / "root/usr/lib/modules" / release
    return {
        f"build-{which}": entry(
            f"build-{which}",
            seconds=300.04,
            files={"config": file_record(folder / "packages" / f"{which}.config")},
            facts={"packages": packages, "release": release, "build_id": "ab", "tuning": []},
        ),
        f"install-{which}": entry(
            f"install-{which}",
            files={
                "vmlinux": file_record(modules / "build/vmlinux"),
                "image": file_record(modules / "vmlinuz"),
            },
            facts={"release": release, "build_id": "ab", "root": str(folder / "root")},
        ),
    }


def measured(name: str, suite: str, count: int, **changes: Any) -> Entry:
    """Return the entry of a measurement in two steps with this count in each metric of each."""
    steps = [
        {"name": step, "operations": 10, "unit": "turn", **dict.fromkeys(METRICS, count)}
        for step in ("one", "two")
    ]
    return entry(name, facts={"suite": suite, "steps": steps}, **changes)


def finished(folder: Path) -> dict[str, Entry]:
    """Return the entries of a whole run in this work folder."""
    counts = {"train": (1000, 570), "heldout": (2000, 1200)}
    return {
        "source": entry(
            "source",
            facts={"version": "7.2.13", "origin": "linux-source-7.2", "digest": "d" * 64},
        ),
        **built(folder, "baseline", "linux-pkgafdo-base", "7.2.13-pkgafdo-base"),
        "record": entry(
            "record",
            files={"table": file_record(folder / "recordings/train.parquet")},
            facts={"suite": "train", "branches": 10**6, "event": "virtual-lbr"},
        ),
        "convert": entry(
            "convert",
            files={
                "profile": file_record(folder / "profiles/kernel.afdo", "ef" * 32),
                "provenance": file_record(folder / "profiles/kernel.afdo.json"),
            },
            facts={"functions": 1234, "samples": 987654, "found_share": 0.99},
        ),
        **built(folder, "optimised", "linux-pkgafdo", "7.2.13-pkgafdo"),
        "verify": entry("verify", facts={"checks": ["build salt: fine"]}),
        **{
            f"measure-{part}-{which}": measured(f"measure-{part}-{which}", part, count)
            for part, pair in counts.items()
            for which, count in zip(("baseline", "optimised"), pair, strict=True)
        },
    }
