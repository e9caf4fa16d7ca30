"""The whole job on the toy kernel with a profile from elsewhere."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.fakes import toy_qemu
from tests.fakes.toy_kernel import NOTES_C, make_toy
from tests.integration import tiny_kernel
from tests.integration.cli.program import Pkgafdo, finished

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def run(shared_folder: Path):
    """Run a verb with the toys."""
    tree = make_toy(shared_folder / "src/linux", source=NOTES_C + tiny_kernel.source())
    qemu = f"vm.qemu={toy_qemu.install(shared_folder / 'bin')}"
    pkgafdo = Pkgafdo(folder=shared_folder)

    def start(verb: str, work: str, *words: object):
        arguments = ("-w", shared_folder / work, "--source", tree, "--set", qemu, "--json", *words)
        return pkgafdo.run(verb, *arguments, timeout=300)

    return start


@pytest.fixture(scope="module")
def brought(run, shared_folder):
    """A profile that another run made, with its provenance."""
    made = run("convert", "there").data()["profile"]
    folder = shared_folder / "brought"
    folder.mkdir()
    shutil.copyfile(made["path"], folder / "k.afdo")
    shutil.copyfile(made["provenance"], folder / "k.afdo.json")
    return folder / "k.afdo"


def profile_file(path: Path) -> tuple[str, str]:
    return "--set", f"profile.file={json.dumps(str(path))}"


def test_a_brought_profile_takes_the_place_of_recording_and_converting(
    run, brought, shared_folder
) -> None:
    ended = run("run", "here", *profile_file(brought))
    data = ended.data()
    assert "no provenance" not in ended.stderr
    assert "record" not in finished(shared_folder / "here")
    assert "recording" not in data
    assert data["profile"]["adopted"] == str(brought)
    assert brought.read_bytes() == (shared_folder / "here" / data["profile"]["path"]).read_bytes()
    assert data["verify"]
    assert data["measure"]["train"]["instructions"].keys() == {"baseline", "optimised"}
    again = run("run", "here", *profile_file(brought))
    stages = len(finished(shared_folder / "here"))
    assert again.stderr.count("nothing it depends on has changed") == stages
    verified = run("plan", "here", *profile_file(brought)).data()["stages"]
    assert {stage["verdict"] for stage in verified} == {"reuse"}


def test_a_dry_run_names_the_file_and_records_nothing(run, brought) -> None:
    stages = run("run", "nowhere", "--dry-run", *profile_file(brought)).data()["stages"]
    names = [stage["stage"] for stage in stages]
    assert "record" not in names
    assert stages[names.index("convert")]["commands"] == [f"# the profile: {brought}"]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "There is no profile"), (b"not a profile", "is not a sample profile")],
)
def test_a_file_that_cannot_serve_is_refused_before_anything_is_built(
    run, shared_folder, content, sentence
) -> None:
    path = shared_folder / "bad.afdo"
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    refusal = run("run", "refused", *profile_file(path)).refusal(5)
    assert sentence in refusal.message
    assert finished(shared_folder / "refused") == set()


def test_recording_is_refused_where_a_profile_is_brought(run, brought) -> None:
    assert (
        "no stage “record”" in run("record", "refused", *profile_file(brought)).refusal(2).message
    )
