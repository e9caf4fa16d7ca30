"""The baseline's twin among the stages, and in what a run tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.errors import ConfigError
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.report.data import build_report
from pkgafdo.workflows.autofdo import autofdo_stages, last_stage
from pkgafdo.workflows.repeat import wishes_of
from pkgafdo.workflows.report import facts_of
from pkgafdo.workflows.result import measure_of, render_result, result_of
from tests.fakes.runner import FakeRunner
from tests.unit.pipeline.stages import entry, file_record
from tests.unit.workflows.entries import finished, measured
from tests.unit.workflows.sessions import make_session
from tests.unit.workflows.test_report import BENCH

if TYPE_CHECKING:
    from pkgafdo.pipeline.entry import Entry
    from pkgafdo.pipeline.stage import Stage

FOLDER = Path("/w")


def stages_of(folder: Path, **sections: Any) -> dict[str, Stage]:
    sections = {"measure": {"noise_floor": True}, "kernel": {"tuning": False}} | sections
    session = make_session(folder, FakeRunner(), **sections)
    tools = dict(session.toolchain.tools) | {"ld.lld": "/usr/bin/ld.lld"}
    session = replace(session, toolchain=replace(session.toolchain, tools=tools))
    assert last_stage(session, "measure") == "measure-heldout-optimised"
    return {stage.name: stage for stage in autofdo_stages(session)}


def test_the_twin_is_made_and_counted_before_the_last_count(tmp_path: Path) -> None:
    stages = stages_of(tmp_path)
    names = list(stages)
    assert names.index("twin") < names.index("measure-train-twin")
    assert names.index("measure-heldout-twin") < names.index("measure-heldout-optimised")
    assert stages["measure-train-twin"].recipe == stages["measure-train-baseline"].recipe
    assert stages["measure-train-twin"].upstream == ("twin",)


def test_nobody_gets_a_twin_without_asking(tmp_path: Path) -> None:
    assert not any("twin" in name for name in stages_of(tmp_path, measure={}))


def test_the_plan_shows_the_link(tmp_path: Path) -> None:
    stage = stages_of(tmp_path)["twin"]
    assert stage.preview is not None
    (line,) = stage.preview(Inputs(needs=stage.needs, entries={}, planned=True))
    assert "--symbol-ordering-file=" in line
    assert line.endswith(" bzImage")


def test_a_twin_without_lto_is_refused_when_the_stages_are_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="without LTO"):
        stages_of(tmp_path, kernel={"lto": "none", "tuning": False})


def with_twin(entries: dict[str, Entry], **digests: str) -> dict[str, Entry]:
    """Return a run's entries with those of the twin of this very baseline, or of another one."""
    installed = entries["install-baseline"]
    vmlinux = digests.get("vmlinux", installed.digest_of("vmlinux"))
    image = file_record(FOLDER / "twin/vmlinuz", "77" * 32)
    twin = entry(
        "twin",
        files={"vmlinux": file_record(FOLDER / "twin/vmlinux"), "image": image},
        facts={"release": "r", "build_id": "cd", "root": "/w/root"},
        inputs={"install-baseline.vmlinux": vmlinux},
    )
    counted = {
        f"measure-{part}-twin": measured(
            f"measure-{part}-twin", part, count,
            inputs={"twin.image": digests.get("image", image.sha256)},
        )
        for part, count in (("train", 1010), ("heldout", 1000))
    }  # fmt: skip
    booted = {"install-baseline.image": installed.digest_of("image")}
    baseline = {
        name: replace(entries[name], inputs=booted)
        for name in ("measure-train-baseline", "measure-heldout-baseline")
    }
    return entries | baseline | {"twin": twin} | counted


def test_the_result_has_the_floor_of_each_suite() -> None:
    result = result_of(FOLDER, with_twin(finished(FOLDER)))
    noise = result["measure"]["train"]["noise"]
    assert noise["changes"]["taken_branches"] == pytest.approx(0.01)
    assert result["measure"]["train"]["taken_branches"].keys() == {"baseline", "optimised"}
    text = render_result(result)
    assert " floor" in text
    assert "1.00%" in text
    assert "Layout’s luck" in text


@pytest.mark.parametrize("stale", [{"vmlinux": "00" * 32}, {"image": "00" * 32}])
def test_the_twin_of_an_older_baseline_is_no_floor(stale: dict[str, str]) -> None:
    measure = measure_of(with_twin(finished(FOLDER), **stale))
    assert measure is not None
    assert "noise" not in measure["train"]


def test_the_report_judges_by_the_floor() -> None:
    # Half of the baseline's counts on the held-out suite are the other layout's luck.
    report = build_report(facts_of(FOLDER, with_twin(finished(FOLDER)), BENCH))
    floors = {claim["part"]: claim["floor"] for claim in report["verdict"]["claims"]}
    assert floors == {"train": pytest.approx(0.01), "heldout": 0.5}
    assert report["verdict"]["headline"].startswith("No change of taken branches beyond layout’s")
    assert any(row["stage"] == "twin" for row in report["timeline"])


def test_repeating_counts_what_was_counted() -> None:
    entries = finished(FOLDER)
    assert wishes_of(entries) == ()
    assert wishes_of(with_twin(entries)) == ("measure.noise_floor=true",)
    third = {"measure-train-propeller": measured("measure-train-propeller", "train", 1)}
    assert wishes_of(entries | third) == ("propeller.enable=true",)
