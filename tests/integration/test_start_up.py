"""How quickly the program starts, and what it loads for that."""

from __future__ import annotations

import sys

import pytest

from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

HEAVY = (
    "numpy",
    "pyarrow",
    "pydantic",
    "requests",
    "elftools",
    "pyalpm",
    "jinja2",
    "numba",
    "plumbum",
)
LOOK = """
import sys
from pkgafdo.cli.main import main
code = main(sys.argv[1:])
print(code, *sorted({name.partition(".")[0] for name in sys.modules}), sep="\\n", file=sys.stderr)
"""


def run(*arguments: str):
    runner = LocalRunner(env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    return runner.query(Command(argv=(sys.executable, *arguments)))


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("--version",)])
def test_asking_for_help_loads_nothing_heavy(words) -> None:
    code, *modules = run("-c", LOOK, *words).stderr.splitlines()
    assert code == "0"
    assert "click" in modules
    assert set(modules) & set(HEAVY) == set()


def test_help_comes_at_once() -> None:
    """The best of some: the machine may be busy with other work."""
    assert min(run("-m", "pkgafdo", "--help").seconds for _ in range(5)) <= 0.3


def test_looking_at_a_configuration_starts_no_recorder() -> None:
    code, *modules = run("-c", LOOK, "config", "show").stderr.splitlines()
    assert code == "0"
    assert set(modules) & {"requests", "pyarrow", "numba", "elftools"} == set()


@pytest.mark.parametrize("words", [("plan",), ("run", "--dry-run", "--propeller")])
def test_a_plan_compiles_nothing(words, tmp_path) -> None:
    said = run("-c", LOOK, *words, "-w", str(tmp_path / "work")).stderr.splitlines()
    assert {"0", "pkgafdo"} <= set(said)
    assert set(said) & {"numba", "scipy", "matplotlib", "requests"} == set()


def test_a_reader_who_leaves_early_is_no_error() -> None:
    runner = LocalRunner(env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"})
    script = f"{sys.executable} -m pkgafdo config schema | head -n 1; true"
    result = runner.query(Command(argv=("sh", "-c", script)))
    assert result.stdout == "{\n"
    assert result.stderr == ""
