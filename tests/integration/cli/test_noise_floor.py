"""The baseline's twin on the toy kernel: linked, counted, told."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pkgafdo.files import read_json, sha256_file
from pkgafdo.kernel.twin import check_twin
from tests.fakes import toy_qemu
from tests.fakes.toy_kernel import NOTES_C, RELEASE, make_toy
from tests.integration import tiny_kernel
from tests.integration.cli.program import Pkgafdo, finished

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.cli.program import Ended

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def run(shared_folder: Path) -> Callable[..., Ended]:
    """Run a verb with the toys in one work folder."""
    tree = make_toy(
        shared_folder / "src/linux", source=NOTES_C + tiny_kernel.source(), sections=True
    )
    qemu = f"vm.qemu={toy_qemu.install(shared_folder / 'bin')}"
    pkgafdo = Pkgafdo(folder=shared_folder)

    def start(verb: str, *words: object) -> Ended:
        options = ("-w", shared_folder / "work", "--source", tree, "--set", qemu)
        return pkgafdo.run(*verb.split(), *options, *words, timeout=300)

    return start


@pytest.fixture(scope="module")
def data(run: Callable[..., Ended]) -> Any:
    """The result of a whole run with the noise floor."""
    return run("run", "--noise-floor", "--json").data()


@pytest.fixture(scope="module")
def work(shared_folder: Path, data: Any) -> Path:
    """The folder of that run."""
    return shared_folder / "work"


def test_the_twin_is_the_baseline_in_another_order(work: Path, data: Any) -> None:
    twin = work / "twin" / RELEASE / "vmlinux"
    assert check_twin(Path(data["baseline"]["vmlinux"]), twin).ok
    assert (
        read_json(work / "journal/twin.json")["facts"]["build_id"] != data["baseline"]["build_id"]
    )


def test_the_baselines_own_objects_stay_as_they_are(work: Path, data: Any) -> None:
    entry = read_json(work / "journal/build-baseline.json")
    objects = Path(entry["facts"]["objects"])
    assert sha256_file(objects / "vmlinux") == sha256_file(Path(data["baseline"]["vmlinux"]))
    assert not (objects.parents[1] / "twin").exists()


def test_every_suite_has_a_floor_in_the_result_and_on_the_page(work: Path, data: Any) -> None:
    for part in ("train", "heldout"):
        assert data["measure"][part]["noise"]["changes"].keys() >= {"taken_branches", "l1i_misses"}
        assert data["measure"][part]["taken_branches"].keys() == {"baseline", "optimised"}
    assert "Layout’s luck: the baseline with its functions" in (work / "report.html").read_text()
    assert "floor" in (work / "report.txt").read_text()


def test_a_second_run_makes_no_second_twin(
    run: Callable[..., Ended], work: Path, data: Any
) -> None:
    again = run("run", "--noise-floor", "--json")
    assert again.stderr.count("nothing it depends on has changed") == len(finished(work))
    assert again.data()["measure"] == data["measure"]


def test_repeating_counts_the_twin_too(run: Callable[..., Ended], data: Any) -> None:
    rows = run("measure repeat", "--json").data()["rows"]
    assert {(row["kernel"], row["suite"]) for row in rows} == {
        (kernel, suite)
        for kernel in ("baseline", "twin", "optimised")
        for suite in ("train", "heldout")
    }
    assert all(row["equal"] for row in rows)


def test_where_no_twin_can_be_made_that_is_said_before_anything_is_built(
    run: Callable[..., Ended], shared_folder: Path
) -> None:
    words = ("--noise-floor", "--set", "kernel.lto=none", "-w", shared_folder / "refused")
    refusal = run("build", *words).refusal(2)
    assert "without LTO the baseline cannot be linked in another order" in refusal.message
    assert "kernel.lto" in refusal.hint
