"""The proof that a kernel has its layout, and what guides the compiler of each round."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.kernel import kconfig
from pkgafdo.kernel.findings import failed
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.propeller.settings import OrderMethod
from pkgafdo.workflows.autofdo import autofdo_stages, last_stage
from pkgafdo.workflows.guidance import guidance_needs, guidance_of, layout_digest
from pkgafdo.workflows.preflight import require_propeller_lto
from pkgafdo.workflows.propeller_stages import check_layout, layout_stage
from pkgafdo.workflows.rounds import Round
from tests.fakes.runner import FakeRunner
from tests.unit import elf_files
from tests.unit.pipeline.stages import entry, file_record
from tests.unit.workflows.sessions import make_session

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.kernel.findings import Finding
    from pkgafdo.workflows.session import Session

BASE = 0xFFFFFFFF81000000
HOT = [f"hot{number}" for number in range(12)]
PARTS = ["hot1.__part.1", *(f"{name}.cold" for name in HOT)]
SPLIT = [*PARTS, *HOT]
PROFILE, LAYOUT = "0" * 64, "1" * 64


def kernel(path: Path, names: list[str], *, salt: str, mapped: bool = False) -> Path:
    """Write a vmlinux whose functions and cold parts lie in this order."""
    rows = [
        (name, BASE + 16 * place, 16, elf_files.NOTYPE, elf_files.LOCAL, 1)
        if name.endswith(".cold") or ".__part." in name
        else (name, BASE + 16 * place, 16, elf_files.FUNC, elf_files.GLOBAL, 1)
        for place, name in enumerate(names)
    ]
    code = elf_files.Part(".text", elf_files.PROGBITS, bytes(1024), elf_files.EXECUTABLE, BASE)
    notes = elf_files.note(b"GNU", 3, bytes(20)) + elf_files.note(
        b"Linux", 0x100, salt.encode() + b"\0"
    )
    parts = [code, elf_files.Part(".notes", elf_files.NOTE, notes)]
    if mapped:
        parts.append(elf_files.Part(".llvm_bb_addr_map", elf_files.PROGBITS, bytes(8)))
    path.write_bytes(elf_files.elf(*parts, *elf_files.symbol_parts(rows, first=len(parts) + 1)))
    return path


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    """Write a layout that splits and orders HOT; the linker's script puts cold parts first."""
    lines = [f"f {name} {name}_alias\nc 0\n" for name in HOT]
    lines[1] += "c 1\n"
    (tmp_path / "p_cc_profile.txt").write_text("v1\n" + "".join(lines))
    symbols = [*HOT, *PARTS, *(f"{name}_alias.cold" for name in HOT), "never_seen"]
    (tmp_path / "p_ld_profile.txt").write_text("\n".join(symbols) + "\n")
    return tmp_path / "p"


def findings(vmlinux: Path, prefix: Path) -> list[str]:
    """Return the names of what is wrong with a kernel."""
    found: tuple[Finding, ...] = check_layout(
        vmlinux, prefix, profile_sha256=PROFILE, layout_sha256=LAYOUT
    )
    assert len(found) == 5
    return [finding.name for finding in failed(found)]


def test_a_kernel_in_the_wanted_order_is_proved(tmp_path, prefix) -> None:
    vmlinux = kernel(tmp_path / "v", ["_text", *SPLIT], salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == []


def test_a_linker_that_ignored_the_order_is_found(tmp_path, prefix) -> None:
    order = [*SPLIT[13:], *SPLIT[:13][::-1]]
    vmlinux = kernel(tmp_path / "v", order, salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == ["order of functions"]


def test_a_kernel_without_any_of_the_functions_is_found(tmp_path, prefix) -> None:
    vmlinux = kernel(tmp_path / "v", ["other"], salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == ["functions", "cold parts", "order of functions"]


def test_a_kernel_that_was_only_linked_in_order_is_found(tmp_path, prefix) -> None:
    vmlinux = kernel(tmp_path / "v", HOT, salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == ["cold parts"]


def test_a_few_parts_may_be_missing(tmp_path, prefix) -> None:
    vmlinux = kernel(tmp_path / "v", SPLIT[1:], salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == []


def test_parts_and_functions_are_known_by_an_alias_too(tmp_path, prefix) -> None:
    names = [name.replace("hot3", "hot3_alias") for name in SPLIT]
    vmlinux = kernel(tmp_path / "v", names, salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == []


def test_cold_parts_in_another_order_are_found(tmp_path, prefix) -> None:
    names = [*PARTS[::-1], *HOT]
    vmlinux = kernel(tmp_path / "v", names, salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == ["order of functions"]


def test_functions_that_were_renamed_from_build_to_build_are_found(tmp_path, prefix) -> None:
    names = [*SPLIT[:-1], f"{HOT[11]}.llvm.123"]
    vmlinux = kernel(tmp_path / "v", names, salt=kconfig.salt(PROFILE, LAYOUT))
    assert findings(vmlinux, prefix) == ["functions"]


def test_a_kernel_that_still_has_its_map_was_built_without_the_layout(tmp_path, prefix) -> None:
    vmlinux = kernel(tmp_path / "v", SPLIT, salt=kconfig.salt(PROFILE), mapped=True)
    assert findings(vmlinux, prefix) == ["build salt", "address map"]


def stages_of(session: Session) -> list[str]:
    return [stage.name for stage in autofdo_stages(session)]


@pytest.fixture
def session(tmp_path: Path) -> Session:
    made = make_session(
        tmp_path, FakeRunner(), propeller={"enable": True}, kernel={"tuning": False}
    )
    return replace(
        made, toolchain=replace(made.toolchain, tools={"clang": "clang", "ld.lld": "lld"})
    )


def test_propeller_trains_the_optimised_kernel_and_builds_a_third(session) -> None:
    names = stages_of(session)
    added = ["record-optimised", "layout", "build-propeller", "install-propeller", "verify-layout"]
    start = names.index("verify") + 1
    assert names[start : start + 5] == added
    assert names[-2] == last_stage(session, "measure") == "measure-heldout-propeller"
    assert names[-1] == "record-propeller"
    assert last_stage(session, "rebuild") == "verify-layout"
    assert last_stage(session, "run") is None


def test_each_round_is_guided_by_what_was_made_for_it(session) -> None:
    record = file_record(session.workdir.path / "x")
    entries = {
        "convert": entry("convert", files={"profile": record}),
        "layout": entry("layout", files={"cc_profile": record, "ld_profile": record}),
    }

    def guidance(which: Round):
        needs = guidance_needs(which)
        return guidance_of(session, which, Inputs(needs=needs, entries=entries))

    assert guidance(Round.BASELINE).variables() == {}
    optimised, third = guidance(Round.OPTIMISED), guidance(Round.PROPELLER)
    assert optimised.propeller
    assert set(optimised.variables()) == {"CLANG_AUTOFDO_PROFILE"}
    assert set(third.variables()) == {"CLANG_AUTOFDO_PROFILE", "CLANG_PROPELLER_PROFILE_PREFIX"}
    digest = layout_digest(record.sha256, record.sha256)
    assert third.variables()["CLANG_PROPELLER_PROFILE_PREFIX"].endswith(digest[:16])


def test_without_propeller_no_kernel_has_a_map(tmp_path) -> None:
    session = make_session(tmp_path, FakeRunner(), kernel={"tuning": False})
    inputs = Inputs(needs=guidance_needs(Round.OPTIMISED), entries={}, planned=True)
    assert not guidance_of(session, Round.OPTIMISED, inputs).propeller
    assert not any("propeller" in name for name in stages_of(session))


def test_the_preview_can_be_pasted_and_lays_out_as_the_run_does(session) -> None:
    def preview_of(propeller) -> str:
        made = replace(session, config=replace(session.config, propeller=propeller))
        stage = layout_stage(made)
        assert stage.preview is not None
        (line,) = stage.preview(Inputs(needs=stage.needs, entries={}, planned=True))
        return line

    usual = session.config.propeller
    assert "--set" not in preview_of(usual)
    changed = replace(
        usual,
        layout=replace(usual.layout, functions=OrderMethod.C3, cold_below=5),
        limits=replace(usual.limits, min_share=0.9),
    )
    assert preview_of(changed).endswith(
        " --set propeller.layout.functions=c3 --set propeller.layout.cold_below=5"
        " --set propeller.limits.min_share=0.9"
    )


def test_a_plan_with_such_an_lto_is_refused_too(tmp_path) -> None:
    kernel = {"tuning": False, "lto": "full"}
    assert stages_of(make_session(tmp_path / "a", FakeRunner(), kernel=kernel))
    with pytest.raises(ConfigError, match="LTO “full” does not get"):
        stages_of(
            make_session(tmp_path / "b", FakeRunner(), propeller={"enable": True}, kernel=kernel)
        )


@pytest.mark.parametrize("lto", ["full", "thin-dist"])
def test_an_lto_that_never_sees_the_lists_is_refused_early(lto) -> None:
    with pytest.raises(ConfigError, match="does not get Propeller's layout"):
        require_propeller_lto(lto)
