"""The plan of the whole job on an Arch-like machine, with the recording on the machine itself."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pkgafdo.host.facts import Family, read_facts
from pkgafdo.pipeline.plan import preview
from pkgafdo.runner.command import Result
from pkgafdo.workflows.autofdo import autofdo_stages
from pkgafdo.workflows.road import on_road
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session

if TYPE_CHECKING:
    from pkgafdo.host.facts import HostFacts

DATA: Final = Path(__file__).parents[2] / "data"
TOOLS: Final = ("clang", "ld.lld", "llvm-ar", "llvm-profgen", "llvm-profdata")


def arch_host(root: Path) -> HostFacts:
    """Return the facts of a CachyOS machine with a Zen 4, whose files lie in a folder."""
    for place, text in {
        "etc/os-release": "ID=cachyos\nID_LIKE=arch\n",
        "proc/meminfo": "MemTotal: 33554432 kB\nMemAvailable: 30000000 kB\n",
        "var/lib/pacman/local/linux-cachyos-7.2.9-2/desc": "",
    }.items():
        (root / place).parent.mkdir(parents=True, exist_ok=True)
        (root / place).write_text(text, encoding="ascii")
    shutil.copy(DATA / "cpuinfo/zen4.txt", root / "proc/cpuinfo")
    facts = read_facts({}, filesystem=root)
    return replace(facts, euid=1000, release="7.2.9-2-cachyos")


@pytest.fixture
def runner() -> FakeRunner:
    """A machine that has every program."""
    return FakeRunner(answers={name: Result(returncode=0) for name in ("clang", "ld.lld", "ldd")})


@pytest.fixture
def shown(tmp_path, runner) -> dict[str, str]:
    """What the plan shows of each stage, in order."""
    session = make_session(
        tmp_path, runner,
        kernel={"base": "running"}, install={"system": True}, record={"road": "host"},
    )  # fmt: skip
    tools = {name: f"/usr/bin/{name}" for name in TOOLS}
    session = replace(
        session,
        host=arch_host(tmp_path / "root"),
        toolchain=replace(session.toolchain, tools=tools),
    )
    assert session.host.family is Family.ARCH
    assert session.host.pacman_managed
    decisions, lines = preview(autofdo_stages(on_road(session, probe=False)), {})
    assert {one.verdict for one in decisions} == {decisions[0].verdict}
    return {one.stage: "\n".join(lines[one.stage]) for one in decisions}


def test_the_stages_are_those_of_the_guide_in_its_order(shown) -> None:
    guide = [
        "source", "build-baseline", "install-baseline", "install-system-baseline", "record",
        "convert", "build-optimised", "install-optimised", "verify", "install-system",
    ]  # fmt: skip
    assert [name for name in shown if name in guide] == guide


def test_packages_are_made_by_an_unprivileged_user_and_never_api_headers(shown) -> None:
    for stage in ("build-baseline", "build-optimised"):
        assert "# as the build user:" in shown[stage]
        assert "pacman-pkg" in shown[stage]
        assert "api-headers" not in shown[stage]
        assert "sudo" not in shown[stage]


def test_only_pacman_and_perf_become_root(shown) -> None:
    asked = [
        line.split()[1] for text in shown.values() for line in text.splitlines()
        if line.startswith("sudo ")
    ]  # fmt: skip
    assert set(asked) == {"pacman", "perf"}


def test_the_machine_is_recorded_with_the_event_of_its_processor(shown) -> None:
    lines = shown["record"].splitlines()
    assert len(lines) == 3
    for line in lines:
        assert line.startswith(
            "sudo perf record --pfm-events RETIRED_TAKEN_BRANCH_INSTRUCTIONS:k -b -a -N -c 500009 "
        )


def test_the_boot_between_build_and_recording_is_told(shown) -> None:
    assert "Restart, and choose the kernel" in shown["install-system-baseline"]


def test_planning_changes_nothing(shown, runner, tmp_path) -> None:
    assert shown
    assert runner.ran == []
    assert [path.name for path in (tmp_path / "work").iterdir()] == []
