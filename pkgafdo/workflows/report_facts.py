"""What a report says of a run's own making: kernels, stages, where everything comes from, commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.workflows.command_line import again
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pkgafdo.pipeline.entry import Entry

_WORDS: Final = {
    "source": "get the kernel source",
    "build": "build the {} kernel",
    "install": "install the {} kernel",
    "record": "record branches",
    "convert": "convert to a profile",
    "adopt": "take the profile over",
    "layout": "compute the layout",
    "verify": "verify the profile’s use",
    "twin": "link the baseline in another order",
    "measure": "count the {} kernel",
    "system": "install into this system",
}


def stage_title(name: str) -> str:
    """Return a stage's name in words: `measure-train-baseline` is counting the baseline kernel."""
    kind, _, rest = name.partition("-")
    words = _WORDS.get(kind)
    if words is None:
        return name
    if "{}" not in words:
        return f"{words} ({rest})" if rest else words
    part, _, which = rest.rpartition("-")
    return words.format(which) + (f" on “{part}”" if part else "")


def kernels_of(entries: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """Return the installed kernels in order, JSON-plain: names, sizes, packages."""
    return [
        _kernel(which, entries[f"install-{which}"], entries.get(f"build-{which}"))
        for which in Round
        if f"install-{which}" in entries
    ]


def _kernel(which: Round, installed: Entry, build: Entry | None) -> dict[str, Any]:
    facts = build.facts if build else {}
    return {
        "name": which.value,
        "release": installed.facts["release"],
        "build_id": installed.facts["build_id"],
        "vmlinux": str(installed.files["vmlinux"].path),
        "vmlinux_sha256": installed.files["vmlinux"].sha256,
        "image_bytes": installed.files["image"].size,
        "tuning": list(facts.get("tuning", ())),
        "packages": [
            {key: package[key] for key in ("pkgname", "pkgver", "path", "size")}
            for package in facts.get("packages", ())
        ],
    }


def timeline_of(entries: Mapping[str, Entry]) -> list[dict[str, Any]]:
    """Return when each stage began and how long it took, in the order of their beginnings."""
    ordered = sorted(entries.values(), key=lambda entry: entry.started)
    return [
        {
            "stage": entry.stage,
            "title": stage_title(entry.stage),
            "started": entry.began,
            "seconds": round(entry.seconds, 1),
            "own_seconds": round(max(0.0, entry.seconds - entry.program_seconds), 1)
            if entry.program_seconds
            else None,
        }
        for entry in ordered
    ]


def commands_of(entries: Mapping[str, Entry], workdir: Path) -> list[dict[str, Any]]:
    """Return every command that the stages ran, in order, and the one that goes on or repeats."""
    ordered = sorted(entries.values(), key=lambda entry: entry.started)
    whole = {
        "stage": "",
        "title": "go on, or see that nothing is left to do",
        "commands": [again(workdir, "run")],
    }
    stages = [
        {
            "stage": entry.stage,
            "title": stage_title(entry.stage),
            "commands": list(entry.commands),
        }
        for entry in ordered
        if entry.commands
    ]
    return [whole, *stages]


def provenance_of(entries: Mapping[str, Entry]) -> list[dict[str, str]]:
    """Return where the result comes from, a row a fact: what, value."""
    rows: list[tuple[str, object]] = []
    if source := entries.get("source"):
        rows += [
            ("kernel source", source.facts["origin"]),
            ("kernel version", source.facts["version"]),
            ("source digest", source.facts["digest"]),
        ]
    for which in Round:
        if installed := entries.get(f"install-{which}"):
            rows += [
                (f"{which} kernel", installed.facts["release"]),
                (f"{which} build-id", installed.facts["build_id"]),
            ]
        if build := entries.get(f"build-{which}"):
            rows.append((f"{which} .config, sha256", build.files["config"].sha256))
    rows += _toolchain(entries) + _machine(entries)
    if convert := entries.get("convert"):
        rows.append(("profile, sha256", convert.files["profile"].sha256))
    rows += [
        (f"recording ({name}), sha256", entry.files["table"].sha256)
        for name, entry in entries.items()
        if "table" in entry.files
    ]
    return [{"what": what, "value": str(value)} for what, value in rows]


def _toolchain(entries: Mapping[str, Entry]) -> list[tuple[str, object]]:
    for entry in entries.values():
        toolchain = entry.recipe.get("toolchain")
        if isinstance(toolchain, dict) and "llvm" in toolchain:
            return [("LLVM", toolchain["llvm"]), ("make LLVM=", toolchain.get("make", ""))]
    return []


def _words(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "")


def _machine(entries: Mapping[str, Entry]) -> list[tuple[str, object]]:
    """Return what the emulated machine was, from the newest stage that booted one."""
    for name, entry in entries.items():
        vm = entry.recipe.get("vm")
        if name.startswith("measure-") and isinstance(vm, dict):
            facts = [
                (f"VM {key.replace('_', ' ')}", _words(value)) for key, value in sorted(vm.items())
            ]
            plugin = ("virtual LBR, sha256 of its sources", str(entry.recipe.get("plugin", "")))
            return [(name, value) for name, value in (*facts, plugin) if value]
    return []


def notes_of(entries: Mapping[str, Entry], version: str) -> list[str]:
    """Return what a reader must know of how the run came about."""
    others = sorted({entry.version for entry in entries.values()} - {version})
    if not others:
        return []
    stages = [entry.stage for entry in entries.values() if entry.version in others]
    stages_text, others_text = ", ".join(stages), ", ".join(others)
    return [f"Done by pkgafdo {others_text}, not by this {version}: {stages_text}."]
