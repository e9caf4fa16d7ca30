"""The LLVM of this machine."""

from __future__ import annotations

import pytest

from pkgafdo.host.facts import read_facts
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain import abilities
from pkgafdo.toolchain.select import BUILD_TOOLS, PROFILE_TOOLS, select
from pkgafdo.toolchain.settings import ToolchainSettings

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def runner() -> LocalRunner:
    return LocalRunner(env=read_facts().environment)


def test_a_whole_llvm_is_found_and_can_convert(runner: LocalRunner) -> None:
    found = select(runner, ToolchainSettings())
    assert set(found.tools) == {*BUILD_TOOLS, *PROFILE_TOOLS}
    assert found.version >= (19, 0, 0)
    assert abilities.require_conversion(runner, found) == found.tools["llvm-profgen"]


def test_the_version_and_the_folder_lead_to_the_same_llvm(runner: LocalRunner) -> None:
    found = select(runner, ToolchainSettings())
    if found.make_value == "1":
        pytest.skip("the LLVM of this machine has no suffix")
    suffix = found.make_value.lstrip("-")
    assert select(runner, ToolchainSettings(llvm=suffix)) == found
    folder = select(runner, ToolchainSettings(llvm=f"/usr/lib/llvm-{suffix}/bin"))
    assert folder.version == found.version
    assert folder.make_value == f"/usr/lib/llvm-{suffix}/bin/"


def test_llvm_profgen_is_probed_though_its_help_hides_its_options(runner: LocalRunner) -> None:
    toolchain = select(runner, ToolchainSettings())
    known = abilities.probe_profgen(runner, toolchain.tools["llvm-profgen"])
    assert set(abilities.CONVERSION_OPTIONS) <= known
    nonsense = Command(
        argv=(toolchain.tools["llvm-profgen"], "--no-such-option=1", "--kernel"),
        accept=frozenset(range(256)),
    )
    assert abilities.parse_unknown(runner.query(nonsense).stderr) == {"--no-such-option"}


def test_clang_can_do_autofdo_and_thinlto(runner: LocalRunner) -> None:
    found = abilities.probe(runner, select(runner, ToolchainSettings()))
    assert {"autofdo", "thinlto"} <= found.clang
