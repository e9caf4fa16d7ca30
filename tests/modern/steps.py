"""What is run inside a root, in order."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, CommandError, ConfigError
from tests.modern.entering import HOME, inside
from tests.modern.outcome import NAMES, Outcome, parse_junit, parse_version

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pkgafdo.runner.base import Runner
    from pkgafdo.runner.command import Command
    from tests.modern.place import Place

QUICKSTART: Final = "scripts/quickstart"
WORK: Final = f"{HOME}/work"
"""The quick start's work folder."""
KERNEL: Final = f"{HOME}/kernel"
"""Where a kernel that was built outside is put."""
TESTS_THAT_DIFFER: Final = tuple(
    f"tests/integration/{place}"
    for place in (
        "toolchain",
        "pacman",
        "packaging/test_lint_of_makepkg_7.py",
        "packaging/test_makepkg.py",
        "packaging/test_pkgbuild_build.py",
        "profile/test_convert.py",
        "propeller/test_addrmap.py",
        "vm/test_initramfs.py",
        "vm/test_plugin.py",
        "vm/test_suites.py",
        "vm/test_vlbr_native.py",
        "workflows/test_repo.py",
    )
)
"""What meets programs that change from one distribution to the next, and is quick."""
COMMAND_LINE: Final = "tests/integration/cli"
"""Runs that are killed, resumed, refused: half of the time of all tests with real programs."""
SIDE_BY_SIDE: Final = (
    *("-n", "auto", "--maxprocesses", "4"),
    *("--dist", "loadfile", "--no-loadscope-reorder"),
)
"""As scripts/test runs them; in a file, one test follows the other."""
TESTS_OF_ROOT: Final = tuple(
    f"tests/integration/{room}" for room in ("pacman", "packaging/test_makepkg.py", "runner")
)
"""What does other things for root than for a user."""
TESTS_OF_ROOT_TOO: Final = tuple(
    f"tests/integration/{room}"
    for room in ("host", "perf", "vm/test_initramfs.py", "workflows/test_record_stage.py")
)
"""What only root can do wholly; with the others, where there is time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A command to run inside; tests: it writes a JUnit report of its name."""

    name: str
    argv: tuple[str, ...]
    user: bool = True
    tests: bool = False


def pytest_step(name: str, *paths: str, root: bool = False) -> Step:
    """Return the step that runs pytest on paths, as the user or with sudo."""
    argv = (
        *(("sudo", "--preserve-env=PIP_CERT") if root else ()),
        *(".venv/bin/pytest", "-q", "-p", "no:cacheprovider", *SIDE_BY_SIDE),
        *(f"--junit-xml={HOME}/{name.replace(' ', '-')}.xml", *paths),
    )
    return Step(name=name, argv=argv, tests=True)


def steps_of(
    *, short: bool, kernel: bool, kernels: bool, propeller: bool = False
) -> tuple[Step, ...]:
    """Return the steps after scripts/setup: a short form, and what needs or builds a kernel."""
    unit = pytest_step("unit tests", "tests/unit")
    recording = (pytest_step("VM, a kernel built before", "tests/modern/test_built_kernel.py"),)
    tests_of_root = TESTS_OF_ROOT if short else (*TESTS_OF_ROOT, *TESTS_OF_ROOT_TOO)
    as_root = (
        Step(name="scripts/setup as root", argv=("sudo", "--preserve-env", "scripts/setup")),
        pytest_step("integration tests as root", *tests_of_root, root=True),
    )
    if short:
        steps = (unit, pytest_step("integration tests, short form", *TESTS_THAT_DIFFER), *as_root)
        return (*steps, *(recording if kernel else ()))
    return (
        Step(name="types", argv=(".venv/bin/mypy",)),
        unit,
        pytest_step("integration tests", "tests/integration", f"--ignore={COMMAND_LINE}"),
        pytest_step("command line tests", COMMAND_LINE),
        *as_root,
        *(recording if kernel else ()),
        *((quickstart_step(propeller=propeller),) if kernels else ()),
    )


def choose(steps: tuple[Step, ...], names: Sequence[str] | None) -> tuple[Step, ...]:
    """Return the steps of these names, or all. Raises ConfigError for a name that no step has."""
    if names is None:
        return steps
    known = {step.name: step for step in steps}
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(
            f"this run has no step “{unknown[0]}”", hint=f"Its steps are: {', '.join(known)}."
        )
    return tuple(known[name] for name in names)


def quickstart_step(*, propeller: bool) -> Step:
    """Return the step that builds a baseline and an optimised kernel, as a user does; or a third."""
    words = (QUICKSTART, "--json", "--workdir", WORK, *(("--propeller",) if propeller else ()))
    return Step(name=QUICKSTART, argv=words)


def setup_step() -> Step:
    """Return the step that comes first: without it there is nothing to run."""
    return Step(name="scripts/setup", argv=("scripts/setup",))


def run_step(runner: Runner, place: Place, step: Step, environment: Mapping[str, str]) -> Outcome:
    """Run a step to its end and return how it went; a failure is said at once."""
    log.step(f"{place.name}: {step.name}")
    if step.name == QUICKSTART:
        # A finished one would only be looked at, and what another checkout has built is not this one's.
        shutil.rmtree(place.root / WORK.lstrip("/"), ignore_errors=True)
    command = inside(place, step.argv, environment, log=step.name.replace("/", "-"))
    began = time.monotonic()
    trouble = _carry_out(runner, command, f"{step.name} on {place.name}")
    seconds = round(time.monotonic() - began, 1)
    if step.tests:
        return _tests_outcome(place, step, seconds, trouble)
    note = ""
    if step.name == QUICKSTART and not trouble:
        note = quickstart_note(files.read_json(place.root / f"{WORK}/result.json".lstrip("/")))
    return Outcome(step=step.name, ok=not trouble, seconds=seconds, note=note)


def _carry_out(runner: Runner, command: Command, what: str) -> str:
    """Run a command; return what went wrong, or nothing."""
    try:
        runner.run(command, on_line=log.progress)
    except CommandError as error:
        log.done_progress()
        log.warn(f"{what} failed\n{error.details}\n{error.hint}")
        return error.message
    log.done_progress()
    return ""


def _tests_outcome(place: Place, step: Step, seconds: float, trouble: str) -> Outcome:
    report = place.root / f"{HOME}/{step.name.replace(' ', '-')}.xml".lstrip("/")
    if not report.is_file():
        return Outcome(step=step.name, ok=False, seconds=seconds)
    passed, failed, skipped, names = parse_junit(report.read_text(encoding="utf-8"))
    report.unlink()
    for name in names:
        log.note(f"failed: {name}")
    return Outcome(
        step=step.name,
        ok=not trouble and bool(passed) and not failed,
        seconds=seconds,
        passed=passed,
        failed=failed,
        skipped=skipped,
    )


def quickstart_note(result: Mapping[str, Any]) -> str:
    """Return the kernels' compiler, and what they did less of than the baseline; pure."""
    branches = result["measure"]["heldout"]["taken_branches"]
    changes = [
        f"{heading} {branches[name] / branches['baseline'] - 1:+.1%}".replace("-", "−")
        for name, heading in (("optimised", "AutoFDO"), ("propeller", "Propeller"))
        if name in branches
    ]
    built = f"Linux {result['kernel']['version']} by {result['optimised']['compiler']}"
    return f"{built}: {', '.join(changes)} taken branches"


def read_versions(runner: Runner, place: Place, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the versions of the programs inside."""
    found = {}
    for name, (_, argv) in NAMES.items():
        command = inside(place, argv, environment, accept=frozenset(range(256)))
        found[name] = parse_version(name, runner.query(command).stdout)
    return found


def bring_kernel(place: Place, work: Path) -> None:
    """Copy the baseline kernel of a finished run into the root: image, vmlinux, modules, facts.

    Raises ArtifactError when the folder holds no such run.
    """
    try:
        result = files.read_json(work / "result.json")
        kernel = result["baseline"]
        facts = {name: kernel[name] for name in ("release", "build_id")}
        facts["branches"] = result.get("recording", {}).get("branches", 0)
    except (OSError, ValueError, KeyError) as error:
        raise ArtifactError(
            f"{work} is no work folder of a finished run",
            details=f"result.json: {error!r}",
            hint="Name the --workdir of a `pkgafdo run`.",
        ) from error
    target = place.root / KERNEL.lstrip("/")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    shutil.copyfile(kernel["image"], target / "bzImage")
    shutil.copyfile(kernel["vmlinux"], target / "vmlinux")
    modules = Path("lib/modules") / kernel["release"]
    shutil.copytree(
        Path(kernel["root"]) / "usr" / modules,
        target / "usr" / modules,
        ignore=shutil.ignore_patterns("build", "source"),
    )
    (target / "facts.json").write_text(json.dumps(facts), encoding="utf-8")
