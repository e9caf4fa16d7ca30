"""The verbs that only look, on hand-made files."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

from pkgafdo import files
from pkgafdo.cli.main import main
from pkgafdo.kernel import kconfig
from pkgafdo.pipeline.workdir import locked
from pkgafdo.workflows.command_line import again, keep_words
from pkgafdo.workflows.going_on import local_time
from tests.unit import elf_files
from tests.unit.workflows.entries import finished

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    path = tmp_path / "kernel.afdo"
    path.write_bytes(b"profile")
    return path


@pytest.fixture
def vmlinux(tmp_path: Path, profile: Path) -> Path:
    path = tmp_path / "vmlinux"
    path.write_bytes(elf_files.vmlinux(salt=kconfig.salt(files.sha256_file(profile))))
    return path


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    """Make the work folder of a finished run."""
    with locked(tmp_path / "w") as made:
        for one in finished(made.path).values():
            made.journal.write(one)
        return made.path


def test_verify_says_which_profile_built_a_kernel(capsys, vmlinux, profile) -> None:
    assert main(["verify", "--vmlinux", str(vmlinux)]) == 0
    assert kconfig.salt(files.sha256_file(profile)) in capsys.readouterr().out


def test_verify_prints_one_json_object(capsys, vmlinux, profile) -> None:
    arguments = ["verify", "--json", "--vmlinux", str(vmlinux), "--profile", str(profile)]
    assert main(arguments) == 0
    (finding,) = json.loads(capsys.readouterr().out)
    assert finding["ok"] is True
    assert finding["got"] == finding["wanted"]


def test_verify_ends_with_five_and_still_prints_when_the_profile_is_another(
    capsys, vmlinux, profile
) -> None:
    profile.write_bytes(b"another")
    arguments = ["verify", "--json", "--vmlinux", str(vmlinux), "--profile", str(profile)]
    assert main(arguments) == 5
    captured = capsys.readouterr()
    assert json.loads(captured.out)[0]["ok"] is False
    assert "the kernel was not built with that profile" in captured.err


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"MZ" * 600, elf_files.vmlinux(salt=None)])
def test_verify_refuses_what_is_no_kernel_of_ours(capsys, tmp_path, content: bytes) -> None:
    (tmp_path / "x").write_bytes(content)
    assert main(["verify", "--vmlinux", str(tmp_path / "x")]) == 5
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("pkgafdo: ")
    assert "bug in pkgafdo" not in captured.err


def test_verify_of_a_missing_file_ends_with_five(capsys, tmp_path) -> None:
    assert main(["verify", "--vmlinux", str(tmp_path / "absent")]) == 5
    assert "absent" in capsys.readouterr().err


def test_status_lists_what_is_finished_and_what_came_out(capsys, workdir) -> None:
    assert main(["status", "-w", str(workdir)]) == 0
    text = capsys.readouterr().out
    assert "build-baseline                300.0 s  2026-01-01" in text
    assert "profile: " in text
    assert "taken branches" in text


def test_status_says_what_is_next_and_which_command_goes_on(
    capsys, workdir, tmp_path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stages = [*finished(workdir), "system"]
    words = ("--set", "install.system=true")
    keep_words(workdir, folder=tmp_path, verb="rebuild", words=words, stages=stages)
    assert main(["status", "-w", str(workdir)]) == 0
    done = f"{len(stages) - 1} of {len(stages)} done"
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"next: system ({done}); go on with `{again(workdir, 'rebuild')}`"
    assert last.endswith(" --set install.system=true`")
    keep_words(workdir, folder=tmp_path, verb="run", words=(), stages=list(finished(workdir)))
    main(["status", "-w", str(workdir)])
    assert "next:" not in capsys.readouterr().out


def test_status_shows_this_machines_time(capsys, workdir, monkeypatch) -> None:
    monkeypatch.setenv("TZ", "UTC-02:00")
    time.tzset()
    assert local_time("2026-01-01T10:00:00+00:00") == "2026-01-01 12:00:00"
    assert local_time("yesterday") == "yesterday"
    monkeypatch.undo()
    time.tzset()


def test_vmlinux_of_a_run_is_found_by_its_round(capsys, workdir) -> None:
    assert main(["vmlinux", "find", "-w", str(workdir)]) == 0
    last = capsys.readouterr().out
    assert main(["vmlinux", "find", "-w", str(workdir), "--round", "baseline", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert first.keys() == {"path", "build_id", "release"}
    assert first["path"] != last.strip()
    assert main(["status", "-w", str(workdir)]) == 0
    assert f"  vmlinux: {first['path']}\n" in capsys.readouterr().out
    assert main(["vmlinux", "find", "-w", str(workdir), "--round", "propeller"]) == 5
    assert "has no propeller kernel yet" in capsys.readouterr().err
    assert main(["vmlinux", "find", "--round", "baseline"]) == 2


def test_status_as_json_is_one_object_with_the_contracts_keys(capsys, workdir) -> None:
    assert main(["status", "--json", "--workdir", str(workdir)]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["kernel"]["release"] == "7.2.13-pkgafdo"
    assert result["measure"]["train"]["l1i_misses"] == {"baseline": 2000, "optimised": 1140}
    assert len(result["seconds"]) == len(finished(workdir))
    assert captured.err == ""


def test_status_of_a_run_that_has_just_begun(capsys, tmp_path) -> None:
    with locked(tmp_path / "w"):
        pass
    assert main(["status", "-w", str(tmp_path / "w")]) == 0
    assert capsys.readouterr().out == "nothing is finished yet\n"


def test_status_of_a_damaged_journal_leaves_the_broken_entry_out(capsys, workdir) -> None:
    (workdir / "journal/source.json").write_text("{")
    (workdir / "journal/convert.json").unlink()
    assert main(["status", "--json", "-w", str(workdir)]) == 0
    captured = capsys.readouterr()
    assert "source" not in json.loads(captured.out)["seconds"]
    assert "source.json is unreadable" in captured.err


@pytest.mark.parametrize("verb", ["status", "verify"])
def test_a_folder_without_a_run_ends_with_two(capsys, tmp_path, verb: str) -> None:
    assert main([verb, "-w", str(tmp_path / "absent")]) == 2
    assert "there is no run in" in capsys.readouterr().err
    assert not (tmp_path / "absent").exists()


def test_looking_leaves_the_work_folder_as_it_is(capsys, workdir) -> None:
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("*")}
    main(["status", "-w", str(workdir)])
    main(["verify", "-w", str(workdir)])
    assert {path: path.stat().st_mtime_ns for path in workdir.rglob("*")} == before


@pytest.mark.parametrize("text", ["ZZ", "abc", "", "0x12", "12 34"])
def test_a_build_id_that_is_none_is_refused_as_usage(capsys, text: str) -> None:
    assert main(["vmlinux", "find", "--build-id", text]) == 2
    assert "hexadecimal" in capsys.readouterr().err


def test_a_report_whose_form_its_name_does_not_say_is_refused(capsys, tmp_path, workdir) -> None:
    output = tmp_path / "x.txt"
    assert main(["report", "-w", str(workdir), "-o", str(output)]) == 2
    assert "--format" in capsys.readouterr().err
    assert not output.exists()
