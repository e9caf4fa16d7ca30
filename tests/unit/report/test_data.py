"""The report's model: judged, compared, and honest about what it lacks."""

from __future__ import annotations

import json

import pytest

from pkgafdo.report.data import concentration
from pkgafdo.report.verdict import MODEL_KIND
from tests.unit.report.reports import KERNELS, counted, on_machine, recorded, report, twin


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


def test_layouts_luck_is_told_with_its_size_where_it_was_measured() -> None:
    whole = report(noise={"heldout": twin("heldout", 0.002)})
    assert "Layout’s luck: 0.20% on “heldout”." in whole["verdict"]["uncertainty"]
    assert not any("not measured" in line for line in whole["verdict"]["uncertainty"])
    assert whole["noise"]["heldout"]["changes"]["taken_branches"] == 0.002
    assert any("not measured" in line for line in report(noise={})["verdict"]["uncertainty"])


@pytest.mark.parametrize("luck", [0.6, -0.6])
def test_a_gain_that_is_no_larger_than_layouts_luck_is_not_called_one(luck: float) -> None:
    verdict = report(noise={"heldout": twin("heldout", luck)})["verdict"]
    assert verdict["headline"].startswith("No change of taken branches beyond layout’s luck")
    claims = {claim["part"]: claim for claim in verdict["claims"]}
    assert (claims["heldout"]["clear"], claims["heldout"]["floor"]) == (False, 0.6)
    assert (claims["train"]["clear"], claims["train"]["floor"]) == (None, None)
    assert any(
        line.startswith("No gain and no loss") and "taken branches" in line
        for line in verdict["uncertainty"]
    )


def test_a_gain_larger_than_layouts_luck_is_called_one() -> None:
    verdict = report(noise={"heldout": twin("heldout", 0.1)})["verdict"]
    assert "% fewer taken branches on work that the profile never saw" in verdict["headline"]
    assert not any(line.startswith("No gain") for line in verdict["uncertainty"])


def test_each_step_has_its_own_floor() -> None:
    noise = {"heldout": twin("heldout", 0.1)}
    noise["heldout"]["steps"][1]["changes"] = {"taken_branches": -0.9}
    suite = report(noise=noise)["measure"]["suites"][1]
    floors = [
        next(m for m in step["metrics"] if m["metric"] == "taken_branches")["floor"]
        for step in suite["steps"]
    ]
    assert floors == [0.1, 0.9, 0.1]


def test_time_on_the_machine_is_told_beside_the_model_and_never_mixed_with_it() -> None:
    whole = report()
    (machine,) = whole["machine"]
    assert machine["kind"] == "time on this machine"
    assert (machine["better"], machine["worse"], machine["judged"]) == (2, 0, 2)
    assert whole["verdict"]["machine"] == [machine["says"]]
    assert "better in 2" in machine["says"]
    assert "taken branches" in whole["verdict"]["headline"]


def test_too_few_boots_give_no_verdict_on_time() -> None:
    whole = report(machine={"optimised": on_machine(boots=3)})
    assert whole["verdict"]["machine"] == [
        "No verdict on the optimised kernel’s time yet: too few boots (3 and 3 boots)."
    ]
    assert whole["machine"][0]["judged"] == 0


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
