"""The outcome of a run as one JSON-plain object, and as text for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.measure.counts import LABELS, compare
from pkgafdo.measure.noise import floor_of
from pkgafdo.pipeline.plan import recipe_change
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.report.table import render_table
from pkgafdo.vm.lbr import MODEL
from pkgafdo.workflows.guest import TWIN
from pkgafdo.workflows.measure_stages import counts_of, stage_name
from pkgafdo.workflows.rounds import SUFFIXES, Round
from pkgafdo.workflows.version import version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pkgafdo.pipeline.entry import Entry

PARTS: Final = {"train": "trained on", "heldout": "never trained on"}
"""The two comparisons of a run, and how a person reads them."""


def result_of(workdir: Path, entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Return what the finished stages made; a part that is not done yet is absent.

    Keys: kernel; baseline, optimised and propeller (packages, vmlinux, image, release, build_id);
    recording, profile, layout; verify and verify_layout; measure (train and heldout: metric →
    kernel → count); seconds (per stage).
    """
    result: dict[str, Any] = {
        "pkgafdo": version(),
        "workdir": str(workdir),
        "seconds": {name: round(entry.seconds, 1) for name, entry in entries.items()},
    }
    if source := entries.get("source"):
        facts = source.facts
        result["kernel"] = {key: facts[key] for key in ("version", "origin", "digest")}
    for which in Round:
        if kernel := _kernel(entries, which):
            result[which] = kernel
    if built := [result[which]["release"] for which in Round if which in result]:
        # While only the baseline is there, what the others' releases will begin with.
        newest = built[-1].removesuffix(SUFFIXES[Round.BASELINE]) if len(built) == 1 else built[-1]
        result.setdefault("kernel", {})["release"] = newest
    result |= _guides(entries)
    for stage in ("verify", "verify-layout"):
        if entry := entries.get(stage):
            result[stage.replace("-", "_")] = entry.facts["checks"]
    if measure := measure_of(entries):
        result["measure"] = measure
    return result


def _guides(entries: Mapping[str, Entry]) -> dict[str, Any]:
    """Return what guided the compiler: the recording, the profile made of it, and the layout."""
    result: dict[str, Any] = {}
    if convert := entries.get("convert"):
        result["profile"] = {
            "path": str(convert.files["profile"].path),
            "sha256": convert.files["profile"].sha256,
            "provenance": str(convert.files["provenance"].path),
            **convert.facts,
        }
    if record := entries.get("record"):
        result["recording"] = {"path": str(record.files["table"].path), **record.facts}
    if layout := entries.get("layout"):
        lists = {name: str(output.path) for name, output in layout.files.items()}
        result["layout"] = lists | dict(layout.facts)
    return result


def _kernel(entries: Mapping[str, Entry], which: Round) -> dict[str, Any] | None:
    build, installed = entries.get(f"build-{which}"), entries.get(f"install-{which}")
    if build is None or installed is None:
        return None
    return {
        "packages": [package["path"] for package in build.facts["packages"]],
        "pkgnames": [package["pkgname"] for package in build.facts["packages"]],
        "vmlinux": str(installed.files["vmlinux"].path),
        "image": str(installed.files["image"].path),
        "config": str(build.files["config"].path),
        "tuning": build.facts["tuning"],
        **_compiler(build),
        **{key: installed.facts[key] for key in ("release", "build_id", "root")},
    }


def require_kernel(workdir: Path, which: Round | None) -> dict[str, Any]:
    """Return what a run made of a kernel, its last by default. Raises ArtifactError for none."""
    entries = require_workdir(workdir).journal.read()
    made = {one: kernel for one in Round if (kernel := _kernel(entries, one))}
    kernel = made.get(which or next(reversed(made), Round.BASELINE))
    if kernel is None:
        raise ArtifactError(
            f"the run in {workdir} has no {f'{which} ' if which else ''}kernel yet",
            hint=f"`pkgafdo status -w {workdir}` says how it goes on.",
        )
    return kernel


def _compiler(build: Entry) -> dict[str, str]:
    """Return which compiler built a kernel, where its recipe tells."""
    toolchain = build.recipe.get("toolchain", {})
    return {"compiler": f"clang {toolchain['llvm']}"} if "llvm" in toolchain else {}


def measure_of(entries: Mapping[str, Entry]) -> dict[str, Any] | None:
    """Return the comparisons that are complete, with the model's statement; None when there is none."""
    parts = {}
    for part in PARTS:
        built = [which for which in Round if f"build-{which}" in entries]
        found = {which: entries.get(stage_name(part, which)) for which in built}
        kernels = {which.value: counts_of(entry) for which, entry in found.items() if entry}
        complete = len(kernels) == len(built) > 1
        if complete and _alike([entry for entry in found.values() if entry]):
            parts[part] = compare(kernels) | {"suite": kernels[Round.BASELINE].suite}
            if noise := noise_of(entries, part):
                parts[part]["noise"] = noise
    return {"model": MODEL, **parts} if parts else None


def noise_of(entries: Mapping[str, Entry], part: str) -> dict[str, Any] | None:
    """Return how the baseline's twin differs on a part; None unless it is this very baseline's."""
    chain = (
        ("install-baseline", "vmlinux", TWIN),
        (TWIN, "image", stage_name(part, TWIN)),
        ("install-baseline", "image", stage_name(part, Round.BASELINE)),
    )
    for maker, output, user in chain:
        if maker not in entries or user not in entries:
            return None
        if entries[user].inputs.get(f"{maker}.{output}") != entries[maker].digest_of(output):
            return None
    one, twin = (entries[stage_name(part, which)] for which in (Round.BASELINE, TWIN))
    return floor_of(counts_of(one), counts_of(twin)) if _alike([one, twin]) else None


def _alike(entries: list[Entry]) -> bool:
    """Tell whether stages did the same work: after a change, one may be done anew and one not yet."""
    return all(recipe_change(entries[0].recipe, other.recipe) is None for other in entries[1:])


def render_result(result: Mapping[str, Any]) -> str:
    """Return the result as text: the packages, the profile, and the comparison of the kernels."""
    lines = []
    for which in Round:
        if kernel := result.get(which):
            by = f", {kernel['compiler']}" if "compiler" in kernel else ""
            lines.append(f"{which} kernel {kernel['release']}{by}:")
            lines += [*_grouped(kernel["packages"]), f"  vmlinux: {kernel['vmlinux']}"]
    if profile := result.get("profile"):
        lines.append(
            f"profile: {profile['path']}\n"
            f"  {profile['functions']:,} functions, {profile['samples']:,} samples"
        )
    if measure := result.get("measure"):
        suites = {
            f"{heading} “{measure[part]['suite']}”": measure[part]
            for part, heading in PARTS.items()
            if part in measure
        }
        lines += [
            "",
            "exact counts in the VM (a model, not time):",
            "",
            render_table(
                suites, LABELS, [which.value for which in Round if which in result]
            ).rstrip(),
            *(["", *_floors(measure)] if _floors(measure) else []),
            "",
            f"model: {measure['model']}",
        ]
    return "\n".join(lines) + "\n"


def _grouped(paths: Sequence[str]) -> list[str]:
    """Return paths with their folders said once: the names alone fit a terminal."""
    folders: dict[str, list[str]] = {}
    for path in paths:
        folder, _, name = path.rpartition("/")
        folders.setdefault(folder, []).append(name)
    return [
        line
        for folder, names in folders.items()
        for line in (f"  {folder}/", *(f"    {name}" for name in names))
    ]


def _floors(measure: Mapping[str, Any]) -> list[str]:
    return [measure[part]["noise"]["says"] for part in PARTS if "noise" in measure.get(part, {})]
