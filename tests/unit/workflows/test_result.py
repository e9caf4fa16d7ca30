"""The outcome of a run as one JSON object, and as text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pkgafdo.measure.counts import METRICS
from pkgafdo.workflows.result import measure_of, render_result, result_of
from tests.unit.workflows.entries import finished, measured

FOLDER = Path("/w")
ENTRIES = finished(FOLDER)


def without(*names: str):
    return {name: one for name, one in ENTRIES.items() if name not in names}


def test_a_finished_run_has_every_key_of_the_contract() -> None:
    result = result_of(FOLDER, ENTRIES)
    assert result["kernel"]["release"] == "7.2.13-pkgafdo"
    for which in ("baseline", "optimised"):
        assert len(result[which]["packages"]) == 3
        assert all(path.startswith(f"/w/packages/{which}/") for path in result[which]["packages"])
        assert result[which]["vmlinux"].endswith("/vmlinux")
        assert result[which]["image"].endswith("/vmlinuz")
    assert result["baseline"]["vmlinux"] != result["optimised"]["vmlinux"]
    profile = result["profile"]
    assert profile["path"] == "/w/profiles/kernel.afdo"
    assert (profile["functions"], profile["samples"]) == (1234, 987654)
    for part in ("train", "heldout"):
        for metric in METRICS:
            assert result["measure"][part][metric].keys() == {"baseline", "optimised"}
    assert result["measure"]["train"]["taken_branches"] == {"baseline": 2000, "optimised": 1140}
    assert result["measure"]["train"]["ratio"]["taken_branches"] == {"optimised": 0.57}
    assert result["seconds"].keys() == ENTRIES.keys()
    assert result["seconds"]["build-baseline"] == 300.0


def test_each_kernel_names_its_compiler() -> None:
    recipe = {"toolchain": {"llvm": "22.1.8", "make": "-22"}}
    build = replace(ENTRIES["build-baseline"], recipe=recipe)
    result = result_of(FOLDER, ENTRIES | {"build-baseline": build})
    assert result["baseline"]["compiler"] == "clang 22.1.8"
    assert "baseline kernel 7.2.13-pkgafdo-base, clang 22.1.8:" in render_result(result)


def test_the_result_is_plain_json() -> None:
    result = result_of(FOLDER, ENTRIES)
    assert json.loads(json.dumps(result)) == result


def test_the_model_is_named_wherever_its_numbers_are() -> None:
    result = result_of(FOLDER, ENTRIES)
    assert "32 KiB" in result["measure"]["model"]
    text = render_result(result)
    assert "a model, not time" in text
    assert result["measure"]["model"] in text


def test_nothing_done_has_a_result_all_the_same() -> None:
    result = result_of(FOLDER, {})
    assert result["seconds"] == {}
    assert not {"kernel", "baseline", "optimised", "profile", "measure"} & result.keys()
    assert render_result(result).strip() == ""


@pytest.mark.parametrize("count", range(len(ENTRIES)))
def test_a_run_that_was_stopped_anywhere_has_a_result(count: int) -> None:
    entries = dict(list(ENTRIES.items())[:count])
    result = result_of(FOLDER, entries)
    assert ("profile" in result) == ("convert" in entries)
    assert ("baseline" in result) == ("install-baseline" in entries)
    json.dumps(result)
    render_result(result)


@pytest.mark.parametrize("name", ENTRIES)
def test_a_journal_with_a_deleted_entry_still_has_a_result(name: str) -> None:
    """Deleting an entry is how a user asks for a stage again."""
    result = result_of(FOLDER, without(name))
    render_result(result)
    assert name not in result["seconds"]


def test_the_release_without_an_optimised_kernel_is_the_one_it_will_have() -> None:
    entries = without("build-optimised", "install-optimised")
    assert result_of(FOLDER, entries)["kernel"]["release"] == "7.2.13-pkgafdo"
    assert result_of(FOLDER, entries)["baseline"]["release"] == "7.2.13-pkgafdo-base"


def test_a_half_measured_suite_is_left_out() -> None:
    entries = without("measure-heldout-optimised")
    measure = measure_of(entries)
    assert measure is not None
    assert measure.keys() == {"model", "train"}
    assert measure["train"]["suite"] == "train"


def test_without_a_complete_measurement_there_is_none() -> None:
    assert measure_of(without("measure-train-baseline", "measure-heldout-optimised")) is None


@pytest.mark.parametrize("other", [{"recipe": {"suite": "changed"}}, {"suite": "x"}])
def test_measurements_of_different_work_are_not_compared(other) -> None:
    """After a change of the workload, one kernel may be measured anew and the other not yet."""
    name = "measure-train-baseline"
    if "recipe" in other:
        changed = replace(ENTRIES[name], **other)
    else:
        changed = measured(name, "train", 5, recipe={"suite": {"steps": ["three"]}})
        changed.facts["steps"].pop()
    measure = measure_of(ENTRIES | {name: changed})
    assert measure is not None
    assert "train" not in measure


def test_a_recipe_is_compared_as_json_has_it() -> None:
    """One entry comes fresh from its stage, the other from the disk: tuples there are lists here."""
    changed = {
        f"measure-train-{which}": replace(
            ENTRIES[f"measure-train-{which}"], recipe={"files": files}
        )
        for which, files in (("baseline", ("a",)), ("optimised", ["a"]))
    }
    measure = measure_of(ENTRIES | changed)
    assert measure is not None
    assert "train" in measure


def test_the_text_names_packages_profile_and_change() -> None:
    text = render_result(result_of(FOLDER, ENTRIES))
    lines = text.splitlines()
    assert "baseline kernel 7.2.13-pkgafdo-base:" in lines
    folder = lines.index("  /w/packages/optimised/")
    assert lines[folder + 1] == "    linux-pkgafdo-7.2.13-1-x86_64.pkg.tar.zst"
    assert "profile: /w/profiles/kernel.afdo" in lines
    assert "  1,234 functions, 987,654 samples" in lines
    (row,) = (line for line in lines if "taken branches" in line and "-43.0%" in line)
    assert row.split() == ["taken", "branches", "2,000", "1,140", "-43.0%"]
    assert "never trained on “heldout”:" in lines
