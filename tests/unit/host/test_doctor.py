"""The page about this machine."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.host import doctor
from pkgafdo.host.cpu import parse_cpuinfo
from pkgafdo.host.doctor import Finding, Level
from pkgafdo.host.facts import Family, HostFacts, folders_of
from pkgafdo.host.tools import check_tools
from tests.fakes.runner import FakeRunner

FACTS = HostFacts(
    euid=1000,
    user="ada",
    distribution="cachyos",
    family=Family.ARCH,
    release="7.2.13-1-cachyos",
    machine="x86_64",
    cpu=parse_cpuinfo("vendor_id : AuthenticAMD\nmodel name : Zen 4\nflags : amd_lbr_v2\n"),
    cores=16,
    memory=32 << 30,
    memory_available=30 << 30,
    kernel_config=Path("/proc/config.gz"),
    pacman_managed=True,
    folders=folders_of({}, home="/home/ada"),
    environment={},
    term="",
    no_color=False,
)


@pytest.fixture
def filesystem(tmp_path: Path) -> Path:
    for name in ("gelf.h", "openssl/opensslv.h"):
        path = tmp_path / "usr/include" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path


def diagnose(filesystem: Path, facts: HostFacts = FACTS, **runner) -> doctor.Diagnosis:
    found = check_tools(FakeRunner(**runner), family=facts.family, filesystem=filesystem)
    return doctor.diagnose(facts, found)


def test_a_machine_with_everything_is_healthy(filesystem: Path) -> None:
    page = diagnose(filesystem)
    assert page.healthy
    assert {finding.level for finding in page.findings} == {Level.FINE}
    assert "16 cores, 32.0 GiB memory" in doctor.render(page)


def test_a_missing_tool_makes_it_ill_and_names_the_remedy(filesystem: Path) -> None:
    page = diagnose(filesystem, missing={"bison"})
    assert not page.healthy
    text = doctor.render(page)
    assert "✗ bison: not installed" in text
    assert "pacman -S --needed bison" in text


def test_a_missing_optional_tool_is_a_note(filesystem: Path) -> None:
    page = diagnose(filesystem, missing={"pahole"})
    assert page.healthy
    assert "· pahole: not installed" in doctor.render(page)


def test_what_a_machine_cannot_do_is_a_note_with_the_other_road(filesystem: Path) -> None:
    poor = replace(FACTS, kernel_config=None, pacman_managed=False)
    page = diagnose(filesystem, poor)
    assert page.healthy
    notes = {finding.name: finding for finding in page.findings if finding.level is Level.NOTE}
    assert set(notes) == {"kernel configuration", "pacman database"}
    assert all(finding.hint for finding in notes.values())


def test_findings_of_other_rooms_are_shown_under_their_topic(filesystem: Path) -> None:
    other = Finding(
        topic="LLVM", name="llvm-profgen", level=Level.MISSING, text="too old", hint="Install it."
    )
    page = doctor.diagnose(FACTS, (), [other])
    assert not page.healthy
    assert doctor.render(page).splitlines()[-3:] == [
        "LLVM",
        "  ✗ llvm-profgen: too old",
        "      Install it.",
    ]


def test_the_page_as_json_says_the_same(filesystem: Path) -> None:
    page = diagnose(filesystem, missing={"bison"})
    data = json.loads(json.dumps(doctor.to_json(page)))
    assert data["healthy"] is False
    ill = [finding["name"] for finding in data["findings"] if finding["level"] == "missing"]
    assert ill == ["bison"]
