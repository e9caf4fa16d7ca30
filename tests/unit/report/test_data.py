"""The report's model: judged, compared, and honest about what it lacks."""

from __future__ import annotations

import json

import pytest

from pkgafdo.report.data import build_report, concentration
from pkgafdo.report.verdict import MODEL_KIND
from tests.unit.report.reports import KERNELS, counted, facts, recorded, report


def test_the_report_is_plain_json() -> None:
    whole = report(KERNELS)
    assert json.loads(json.dumps(whole)) == whole


def test_the_headline_speaks_of_the_last_kernel_on_work_never_trained_on() -> None:
    verdict = report(KERNELS)["verdict"]
    # (1010 × (1·52 + 2·53 + 3·54)) ÷ (1010 × (1·100 + 2·101 + 3·102)) − 1
    assert verdict["headline"].startswith("47.4\u202f% fewer taken branches")
    assert verdict["headline"].endswith("on work that the profile never saw")
    assert verdict["kind"] == "model"
    assert verdict["says"] == MODEL_KIND


def test_without_a_held_out_suite_the_headline_says_that_it_is_the_trained_work() -> None:
    verdict = report(suites={"train": ("trained on", counted("train", KERNELS[:2]))})["verdict"]
    assert verdict["headline"].endswith("on the work that it was trained on")


def test_more_branches_are_called_more() -> None:
    data = counted("heldout", KERNELS[:2])
    data["taken_branches"] = {"baseline": 100, "optimised": 150}
    verdict = report(suites={"heldout": ("never trained on", data)})["verdict"]
    assert verdict["headline"].startswith("50.0\u202f% more taken branches")


def test_equal_counts_are_called_equal() -> None:
    data = counted("heldout", KERNELS[:2])
    data["taken_branches"] = {"baseline": 100, "optimised": 100}
    verdict = report(suites={"heldout": ("never trained on", data)})["verdict"]
    assert verdict["headline"].startswith("As many taken branches")


def test_every_kernel_but_the_first_has_a_claim_on_every_suite() -> None:
    claims = report(KERNELS)["verdict"]["claims"]
    assert [(one["suite"], one["kernel"]) for one in claims] == [
        ("train", "optimised"), ("train", "propeller"),
        ("heldout", "optimised"), ("heldout", "propeller"),
    ]  # fmt: skip
    for claim in claims:
        assert claim["least"] <= claim["change"] <= claim["most"]


def test_changes_are_those_of_the_counts() -> None:
    for suite in report(KERNELS)["measure"]["suites"]:
        for metric in [*suite["metrics"], *(m for step in suite["steps"] for m in step["metrics"])]:
            before = metric["kernels"][0]["count"]
            for row in metric["kernels"]:
                assert row["change"] == pytest.approx(row["count"] / before - 1)


def test_counts_per_operation_exist_only_where_the_work_has_a_unit() -> None:
    steps = report()["measure"]["suites"][0]["steps"]
    assert steps[0]["metrics"][0]["kernels"][0]["per_operation"] is None
    row = steps[1]["metrics"][0]["kernels"][0]
    assert row["per_operation"] == row["count"] / 40


def test_what_is_missing_is_said() -> None:
    lacking = report(recordings=[recorded("baseline")], profile=None, suites={})["missing"]
    assert any("optimised kernel" in line for line in lacking)
    assert any("held-out" in line for line in lacking)
    assert any("no profile" in line for line in lacking)
    assert report()["missing"] == []


def test_a_noise_floor_is_told_when_it_was_measured() -> None:
    whole = build_report(facts(noise={"says": "Two builds differ by 0.2 %."}))
    assert "Two builds differ by 0.2 %." in whole["verdict"]["uncertainty"]
    assert not any("not measured" in line for line in whole["verdict"]["uncertainty"])


def test_movers_go_from_the_first_to_the_last_recorded_kernel() -> None:
    movers = report(KERNELS)["movers"]
    assert (movers["before"], movers["after"]) == ("baseline", "propeller")
    first = movers["functions"][0]
    assert (first["name"], first["before"], first["after"]) == ("do_it", 6000, 3120)
    names = {row["name"]: row for row in movers["functions"]}
    assert names["net_baseline"]["after"] == 0
    assert names["net_propeller"]["before"] == 0


def test_one_recording_has_no_movers_among_functions() -> None:
    assert "functions" not in report(recordings=[recorded("baseline")])["movers"]


def test_the_hidden_functions_of_a_subsystem_are_counted() -> None:
    functions = [{"name": f"f{n}", "count": 1000 - n, "source": "mm/x.c"} for n in range(400)]
    total = sum(1000 - n for n in range(400))
    one = recorded("baseline")
    many = type(one)(
        kernel="baseline", suite="train", branches=total, layout=one.layout,
        subsystems=[{"name": "mm", "count": total, "functions": functions}],
    )  # fmt: skip
    (group,) = report(recordings=[many])["where"][0]["subsystems"]
    shown = sum(f["count"] for f in group["functions"])
    assert shown + group["others"]["count"] == total
    assert len(group["functions"]) + group["others"]["functions"] == 400


def test_the_concentration_rises_to_the_whole() -> None:
    points = concentration(recorded("baseline").subsystems)
    shares = [point["share"] for point in points]
    assert shares == sorted(shares)
    assert points[0] == {"functions": 1, "share": 0.6}
    assert points[-1] == {"functions": 4, "share": 1.0}
