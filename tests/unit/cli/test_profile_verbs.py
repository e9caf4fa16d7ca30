"""The verbs about recordings and profiles: what they take, and how facts read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pkgafdo.artifacts import SampleProfile
from pkgafdo.branches.store import write_table
from pkgafdo.cli import main as subject
from pkgafdo.cli import profile_texts
from pkgafdo.cli.branches_verbs import FORMS
from pkgafdo.cli.profile_verbs import TOOLS, parse_weighted
from pkgafdo.profile.check import Found, Quality
from pkgafdo.profile.conversion import Conversion
from pkgafdo.profile.convert import ORDER
from pkgafdo.profile.modules import ModuleReport
from pkgafdo.profile.provenance import Provenance
from pkgafdo.workflows.recordings import Form
from tests.unit import elf_files
from tests.unit.branches.tables import BUILD_ID, TEXT, table_of

TABLE = table_of([(TEXT + 4, TEXT + 16, 5, 1)], [(TEXT + 16, TEXT + 20, 5)])
PROFILE = SampleProfile(path=Path("k.afdo"), sha256="d" * 64, functions=1234, samples=5678)


@pytest.fixture
def table(tmp_path):
    write_table(TABLE, tmp_path / "t.parquet")
    return tmp_path / "t.parquet"


@pytest.fixture
def vmlinux(tmp_path):
    (tmp_path / "vmlinux").write_bytes(elf_files.vmlinux())
    return tmp_path / "vmlinux"


@pytest.mark.parametrize(
    "words",
    [
        *(["branches", verb] for verb in ("read", "info", "export")),
        *(["profile", verb] for verb in ("convert", "merge", "info", "compare", "drift")),
        *(["profile", verb] for verb in ("check", "trim")),
    ],
)
def test_every_verb_is_there_with_help_and_json(capsys, words) -> None:
    assert subject.main([*words, "--help"]) == 0
    assert "--json" in capsys.readouterr().out


def test_the_names_on_the_command_line_are_those_of_the_code() -> None:
    assert set(FORMS) == {form.value for form in Form}
    assert ("auto", *ORDER) == TOOLS


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("k.afdo", (Path("k.afdo"), 1)),
        ("3,k.afdo", (Path("k.afdo"), 3)),
        ("a,b.afdo", (Path("a,b.afdo"), 1)),
        ("0,k.afdo", (Path("k.afdo"), 0)),
    ],
)
def test_a_weight_may_stand_before_a_profile(text, parsed) -> None:
    assert parse_weighted(text) == parsed


def test_a_weight_of_zero_is_refused(capsys, tmp_path) -> None:
    arguments = ["profile", "merge", "0,a.afdo", "-o", str(tmp_path / "m")]
    assert subject.main(arguments) == 2
    assert "weight 0" in capsys.readouterr().err


def test_a_table_is_described_as_json(capsys, table) -> None:
    assert subject.main(["branches", "info", "--json", str(table)]) == 0
    info = json.loads(capsys.readouterr().out)
    assert info["build_id"] == BUILD_ID
    assert info["branches"] == info["ranges"] == 5
    assert info["distinct_branches"] == info["distinct_ranges"] == 1


def test_tables_are_added_up(capsys, tmp_path, table, vmlinux) -> None:
    output = tmp_path / "sum.parquet"
    arguments = ["branches", "read", str(table), str(table), "-o", str(output)]
    assert subject.main([*arguments, "--vmlinux", str(vmlinux), "--json"]) == 0
    info = json.loads(capsys.readouterr().out)
    assert (info["branches"], info["path"]) == (10, str(output))
    assert output.is_file()


def test_a_table_of_another_kernel_is_refused_with_five(capsys, tmp_path, table) -> None:
    (tmp_path / "other").write_bytes(elf_files.vmlinux(build_id=b"another build-id"))
    output = tmp_path / "out"
    arguments = ["branches", "read", str(table), "--vmlinux", str(tmp_path / "other")]
    assert subject.main([*arguments, "-o", str(output)]) == 5
    assert "another kernel" in capsys.readouterr().err
    assert not output.exists()
    assert subject.main([*arguments, "--allow-mismatch", "-o", str(output)]) == 0
    assert "hit wrong functions" in capsys.readouterr().err


@pytest.mark.parametrize("form", FORMS)
def test_a_table_is_exported(capsys, tmp_path, table, vmlinux, form) -> None:
    output = tmp_path / "out"
    arguments = ["branches", "export", "--to", form, str(table), "--vmlinux", str(vmlinux)]
    assert subject.main([*arguments, "-o", str(output), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["size"] == output.stat().st_size > 0


@pytest.mark.parametrize(
    ("tool", "form"),
    [
        ("llvm-profgen", "profgen"),
        ("create_llvm_prof", "create-llvm-prof"),
        ("propeller", "propeller-proto"),
        ("bolt", "fdata"),
        ("perf2bolt", "preagg"),
    ],
)
def test_a_form_may_be_named_by_its_tool(capsys, tmp_path, table, vmlinux, tool, form) -> None:
    arguments = ["branches", "export", "--to", tool, str(table), "--vmlinux", str(vmlinux)]
    assert subject.main([*arguments, "-o", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["form"] == form


@pytest.mark.parametrize("similarity", ["nan", "NaN", "-0.1", "1.5", "much"])
def test_a_similarity_that_is_no_share_is_refused(capsys, tmp_path, similarity) -> None:
    arguments = ["profile", "check", "k", "--base", "b", "--similarity", similarity]
    assert subject.main(arguments) == 2
    assert "--similarity" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wish", "partner"),
    [
        (("--at-least", "fresh"), "--vmlinux"),
        (("--at-least", "usable"), "--vmlinux"),
        (("--modules", "objects"), "--vmlinux"),
        (("--similarity", "0.99"), "--base"),
    ],
)
def test_a_gate_without_what_to_compare_with_is_refused(capsys, wish, partner) -> None:
    assert subject.main(["profile", "check", "k.afdo", *wish]) == 2
    assert f"{wish[0]} says nothing without {partner}" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["b.afdo", "./b.afdo", "link.afdo"])
def test_a_merged_profile_does_not_overwrite_one_of_its_sources(
    capsys, monkeypatch, tmp_path, name
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("b.afdo").write_bytes(b"profile")
    Path("link.afdo").symlink_to("b.afdo")
    assert subject.main(["profile", "merge", "a.afdo", "3,b.afdo", "-o", name]) == 2
    assert "The output is the input" in capsys.readouterr().err
    assert Path("b.afdo").read_bytes() == b"profile"


def test_a_trimmed_profile_does_not_overwrite_its_source(capsys, tmp_path) -> None:
    path = str(tmp_path / "k.afdo")
    assert subject.main(["profile", "trim", path, "--share", "0.1", "-o", path]) == 2
    assert "output is the input" in capsys.readouterr().err


def test_a_conversion_reads_well() -> None:
    conversion = Conversion(
        profile=PROFILE,
        quality=Quality(
            functions=1,
            samples=1,
            found=Found(branches=1000, in_functions=999, distinct_functions=1),
        ),
        table=TABLE,
        passed_over=("create_llvm_prof is passed over: it is broken",),
        modules=(
            ModuleReport(name="ext4", branches=1, functions=22, samples=3),
            ModuleReport(name="crc16", branches=0, why_not="no records"),
        ),
    )
    text = profile_texts.render_conversion(Path("k.afdo"), conversion)
    assert "1,234 functions, 5,678 samples, by llvm-profgen" in text
    assert "99.9% of 1,000 kernel branches" in text
    assert "passed over: it is broken" in text
    assert "module ext4: 22 functions" in text
    assert "module crc16: no records" in text


def test_a_merge_reads_well() -> None:
    provenance = Provenance(
        profile_sha256="", functions=1, counts=1, merged_from=(("a" * 64, 3), ("b" * 64, 1))
    )
    text = profile_texts.render_merged(PROFILE, provenance)
    assert f"3 × {'a' * 16}\n" in text


def test_what_a_profile_holds_reads_well() -> None:
    data = {
        "path": "k.afdo", "size": 1000, "functions": 12, "samples": 3456, "blocks": 78,
        "functions_total": 200, "provenance": None, "density": 2.5,
        "hot": [{"name": "vfs_read", "total": 50}],
        "coverage": {"profiled_functions": 10, "functions": 100, "profiled_bytes": 25,
                     "code_bytes": 100, "foreign": 2},
    }  # fmt: skip
    text = profile_texts.render_info(data)
    assert "10 of 100 functions, 25.0% of the code; 2 names are not in this kernel" in text
    assert "provenance  none" in text
    assert "25.00%  vfs_read" in text


def test_an_allowed_mismatch_is_shown_with_the_provenance() -> None:
    data = {
        "path": "k", "size": 1, "functions": 1, "samples": 1, "blocks": 1, "functions_total": 1,
        "hot": [],
        "provenance": {"kernelrelease": "", "build_id": "", "workload": "", "event": "",
                       "samples": 0, "modules": {"ext4": 1}, "created_by": "", "converter": "x",
                       "mismatch": True, "build_id_checked": True, "unknown_origins": ("d0",)},
    }  # fmt: skip
    text = profile_texts.render_info(data)
    assert text.count("WARNING") == 2
    assert "profiles without provenance went into it: 1" in text
    assert "modules     ext4" in text


def test_differences_drift_and_trimming_read_well() -> None:
    comparison = {
        "overlap": {"similarity": 0.979, "samples": 0.5, "hot_functions": 0.25},
        "gained": tuple("abcdef"), "lost": (),
        "movers": [{"name": "vfs_read", "before": 0.1, "after": 0.2}],
    }  # fmt: skip
    text = profile_texts.render_comparison(comparison)
    assert "97.9%" in text
    assert "6 functions: a, b, c, d, e …" in text
    assert "0 functions: none" in text
    assert "10.00% →  20.00%  vfs_read" in text
    drift = {
        "verdict": "usable", "function_share": 0.97, "functions": 10, "functions_found": 9,
        "line_share": 0.9, "range_share": 0.95, "lost": (("gone", 0.03),), "moved": (),
    }  # fmt: skip
    text = profile_texts.render_drift(drift)
    assert text.startswith("usable\n")
    assert "3.00%  gone" in text
    assert "that changed" not in text
    trimmed = {
        "path": "t", "functions": 5, "dropped": 7, "kept_share": 0.99, "size_before": 1000,
        "size": 100,
    }  # fmt: skip
    assert "99.00% of the samples kept\n  1,000 → 100 bytes" in profile_texts.render_trimmed(
        trimmed
    )
