"""Saying of any kernel which profile built it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel import kconfig
from pkgafdo.kernel.findings import describe, failed
from pkgafdo.pipeline.journal import record_file
from pkgafdo.pipeline.workdir import locked
from pkgafdo.workflows.install_stages import check_vmlinux
from pkgafdo.workflows.verify import verify_notes, verify_vmlinux, verify_workdir
from tests.unit import elf_files
from tests.unit.workflows.entries import finished

if TYPE_CHECKING:
    from pathlib import Path

BASE = 0xFFFFFFFF81000000


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.afdo"
    path.write_bytes(b"profile")
    return path


def salt_of(profile: Path) -> str:
    return kconfig.salt(files.sha256_file(profile))


def vmlinux(path: Path, *, salt: str | None, cold: int = 0, hot: int | None = None) -> Path:
    """Write a vmlinux with a salt, this many functions that have a cold part, and hot text."""
    notes = elf_files.note(b"GNU", 3, bytes(20))
    if salt is not None:
        notes += elf_files.note(b"Linux", 0x100, salt.encode() + b"\0")
    names = ["_text", "do_work", *(f"f{n}.cold" for n in range(cold))]
    rows = [(name, BASE, 4, elf_files.FUNC, elf_files.GLOBAL, 1) for name in names]
    for name, offset in (("__hot_text_start", 0), ("__hot_text_end", hot)):
        if offset is not None and hot is not None:
            rows.append((name, BASE + offset, 0, elf_files.NOTYPE, elf_files.GLOBAL, 1))
    parts = (
        elf_files.Part(".text", elf_files.PROGBITS, bytes(64), elf_files.EXECUTABLE, BASE),
        elf_files.Part(".notes", elf_files.NOTE, notes),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(elf_files.elf(*parts, *elf_files.symbol_parts(rows, first=3)))
    return path


def test_a_kernel_built_with_the_profile_says_so(tmp_path, profile) -> None:
    (finding,) = verify_vmlinux(vmlinux(tmp_path / "v", salt=salt_of(profile)), profile)
    assert finding.ok
    assert finding.got == finding.wanted == salt_of(profile)


def test_without_a_profile_to_compare_the_kernel_is_only_asked(tmp_path) -> None:
    (finding,) = verify_vmlinux(vmlinux(tmp_path / "v", salt=kconfig.salt(None)), None)
    assert finding.ok
    assert finding.got == kconfig.salt(None)
    assert describe(finding).splitlines() == [
        "build salt: pkgafdo:baseline",
        "    The kernel says that it is a baseline, built without a profile.",
    ]


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("", f"begins with {'0' * 16}."),
        ("1" * 64, f", and with Propeller's layout {'1' * 16}."),
        (kconfig.ADDRESS_MAP, ", and with an address map for Propeller."),
    ],
)
def test_a_salt_is_put_into_words(tmp_path, layout: str, said: str) -> None:
    salt = kconfig.salt("0" * 64, layout)
    (finding,) = verify_vmlinux(vmlinux(tmp_path / "v", salt=salt), None)
    assert finding.why.endswith(said)


@pytest.mark.parametrize("salt", [kconfig.salt(None), kconfig.salt("0" * 64)])
def test_a_kernel_built_without_or_with_another_profile_is_found_out(
    tmp_path, profile, salt
) -> None:
    (finding,) = verify_vmlinux(vmlinux(tmp_path / "v", salt=salt), profile)
    assert not finding.ok
    assert finding.got == salt
    assert finding.wanted == salt_of(profile)


@pytest.mark.parametrize("salt", [None, "", "6.1.0-13-amd64"])
def test_a_kernel_of_someone_else_says_nothing(tmp_path, salt) -> None:
    with pytest.raises(ArtifactError, match="does not say that pkgafdo built it") as caught:
        verify_vmlinux(vmlinux(tmp_path / "v", salt=salt), None)
    assert caught.value.details == (
        f"Its build salt is “{salt}”." if salt else "It has no build salt."
    )
    assert caught.value.hint


def test_a_profile_that_is_not_there_is_told(tmp_path) -> None:
    path = vmlinux(tmp_path / "v", salt=kconfig.salt(None))
    with pytest.raises(ArtifactError, match=r"the profile .* cannot be read"):
        verify_vmlinux(path, tmp_path / "absent.afdo")


def test_a_vmlinux_that_is_not_there_is_told(tmp_path) -> None:
    with pytest.raises(ArtifactError):
        verify_vmlinux(tmp_path / "absent", None)


def test_the_running_kernel_is_asked_through_its_notes(tmp_path, profile) -> None:
    notes = tmp_path / "notes"
    notes.write_bytes(
        elf_files.note(b"Linux", 0x100, salt_of(profile).encode() + b"\0")
        + elf_files.note(b"GNU", 3, bytes(20))
    )
    assert failed(verify_notes(notes, profile)) == ()
    profile.write_bytes(b"another")
    assert len(failed(verify_notes(notes, profile))) == 1


def test_a_system_without_notes_is_told(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="cannot be read"):
        verify_notes(tmp_path / "absent", None)


def test_more_cold_parts_than_the_baseline_prove_the_profiles_work(tmp_path, profile) -> None:
    baseline = vmlinux(tmp_path / "b", salt=kconfig.salt(None), cold=2)
    digest = files.sha256_file(profile)
    for cold, ok in ((3, True), (2, False), (0, False)):
        optimised = vmlinux(tmp_path / "o", salt=salt_of(profile), cold=cold)
        salt, parts = check_vmlinux(optimised, digest, baseline)
        assert salt.ok
        assert parts.ok is ok
        assert parts.wanted == "more than 2 cold parts, 0 bytes of hot text"
        assert parts.got == f"{cold} cold parts, 0 bytes of hot text"


def test_hot_text_proves_it_where_no_function_is_split(tmp_path, profile) -> None:
    baseline = vmlinux(tmp_path / "b", salt=kconfig.salt(None), hot=0)
    for hot, ok in ((48, True), (0, False)):
        optimised = vmlinux(tmp_path / "o", salt=salt_of(profile), hot=hot)
        _, parts = check_vmlinux(optimised, files.sha256_file(profile), baseline)
        assert parts.ok is ok
        assert parts.got == f"0 cold parts, {hot} bytes of hot text"


@pytest.fixture
def finished_run(tmp_path: Path, profile: Path) -> Path:
    """Make a work folder whose journal and kernels are those of a finished run."""
    with locked(tmp_path / "w") as workdir:
        entries = finished(workdir.path)
        kernels = {
            "baseline": vmlinux(workdir.path / "b/vmlinux", salt=kconfig.salt(None)),
            "optimised": vmlinux(workdir.path / "o/vmlinux", salt=salt_of(profile), cold=5),
        }
        for which, path in kernels.items():
            one = entries[f"install-{which}"]
            record = dict(one.files) | {"vmlinux": record_file(path)}
            entries[one.stage] = replace(one, files=record)
        convert = entries["convert"]
        record = dict(convert.files) | {"profile": record_file(profile)}
        entries["convert"] = replace(convert, files=record)
        for one in entries.values():
            workdir.journal.write(one)
        return workdir.path


def test_the_kernels_of_a_run_are_checked_as_they_are_now(finished_run, profile) -> None:
    assert failed(verify_workdir(finished_run)) == ()
    vmlinux(finished_run / "o/vmlinux", salt=kconfig.salt(None), cold=5)
    assert [finding.name for finding in failed(verify_workdir(finished_run))] == ["build salt"]


def test_a_run_can_be_checked_against_another_profile(finished_run, tmp_path) -> None:
    (tmp_path / "other.afdo").write_bytes(b"other")
    found = failed(verify_workdir(finished_run, tmp_path / "other.afdo"))
    assert [finding.name for finding in found] == ["build salt"]


def test_a_run_that_is_not_that_far_says_what_is_missing(finished_run) -> None:
    (finished_run / "journal/install-optimised.json").unlink()
    with pytest.raises(ArtifactError, match="no optimised kernel yet") as caught:
        verify_workdir(finished_run)
    assert caught.value.details == "Not done: install-optimised."
    assert f"--workdir {finished_run}" in caught.value.hint


def test_a_folder_without_a_run_cannot_be_verified(tmp_path) -> None:
    with pytest.raises(ConfigError, match="there is no run"):
        verify_workdir(tmp_path / "absent")
