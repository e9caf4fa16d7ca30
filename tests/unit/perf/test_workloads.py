"""The named workloads of a real machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ConfigError, HostError
from pkgafdo.perf.workloads import (
    BY_NAME,
    WORKLOADS,
    Ground,
    own_command,
    parse_weighted,
    require_ground,
    require_programs,
    workload_command,
)
from pkgafdo.runner.command import RunAs
from tests.fakes.runner import FakeRunner

DOCS = Path(__file__).parents[3] / "docs" / "recording.md"


@pytest.mark.parametrize(
    ("text", "weight", "name"), [("network", 1, "network"), ("3,stress-ng", 3, "stress-ng")]
)
def test_a_workload_and_its_weight(text: str, weight: int, name: str) -> None:
    found = parse_weighted(text)
    assert (found.weight, found.workload.name) == (weight, name)


@pytest.mark.parametrize("text", ["", "strss-ng", "2,", ","])
def test_what_is_no_workload_is_refused_with_those_that_there_are(text: str) -> None:
    with pytest.raises(ConfigError, match="no workload") as refusal:
        parse_weighted(text)
    assert "cachyos-benchmarker" in refusal.value.hint


@pytest.mark.parametrize(
    "text", ["0,network", "-1,network", "x,network", ",network", "1.5,network"]
)
def test_what_is_no_weight_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is no weight"):
        parse_weighted(text)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one.name)
def test_every_workload_is_written_down(workload) -> None:
    [line] = [
        line for line in DOCS.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{workload.name}` |")
    ]  # fmt: skip
    assert workload.about in line


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one.name)
def test_every_workload_names_a_package_for_each_program(workload) -> None:
    assert workload.programs
    assert all(arch and debian for _, arch, debian in workload.programs)


def test_all_missing_programs_are_named_at_once() -> None:
    runner = FakeRunner(missing={"sysbench", "stress-ng"})
    chosen = [BY_NAME[name] for name in ("sysbench", "stress-ng", "network", "makepkg")]
    with pytest.raises(HostError, match="sysbench, stress-ng") as refusal:
        require_programs(runner, chosen)
    assert "Arch: sysbench; Debian: sysbench" in refusal.value.details
    assert "makepkg" not in refusal.value.details


@pytest.mark.parametrize(("name", "what"), [("kernel-build", "tree"), ("makepkg", "PKGBUILD")])
def test_a_workload_without_its_ground_is_refused(name: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        require_ground([BY_NAME[name]], Ground(folder=Path("/w"), jobs=2))
    require_ground([BY_NAME[name]], Ground(folder=Path("/w"), jobs=2, tree="/t", package="/p"))


def test_the_command_of_a_workload() -> None:
    ground = Ground(folder=Path("/w"), jobs=8, tree="/src/linux", llvm="-19")
    command = workload_command(BY_NAME["kernel-build"], ground, run_as=RunAs.BUILDER)
    assert command.argv[:2] == ("sh", "-c")
    assert command.argv[3:] == ("kernel-build", "8", "/src/linux", "", "-19")
    assert command.cwd == Path("/w")
    assert command.run_as is RunAs.BUILDER


def test_a_user_s_own_line_goes_to_the_shell_as_it_is() -> None:
    command = own_command("make -j8 | tee 'a b'", folder=None, run_as=RunAs.SELF)
    assert command.argv == ("sh", "-c", "make -j8 | tee 'a b'")
