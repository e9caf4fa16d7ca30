"""How a plan shows where the kernel comes from, and what makes it another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel.fetch import SourceHost
from pkgafdo.kernel.fetch_preview import source_lines
from pkgafdo.kernel.fetch_tarball import PINNED
from pkgafdo.kernel.settings import SourceSettings
from pkgafdo.pipeline.plan import preview, recipe_change
from pkgafdo.pipeline.stage import Inputs
from pkgafdo.workflows.kernel_stages import build_stage
from pkgafdo.workflows.rounds import Round
from pkgafdo.workflows.source_stage import source_stage
from tests.fakes.kernel_tree import make_tree
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session

SHA = "ab" * 32
GIT = "https://example.org/linux.git"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            {"location": f"git+{GIT}", "branch": "v7.2"},
            [
                f"# the kernel source: git+{GIT}, branch v7.2",
                f"git ls-remote {GIT} refs/heads/v7.2",
                f"--single-branch --branch v7.2 -- {GIT} ",
            ],
        ),
        ({"location": GIT}, [f"# the kernel source: {GIT}", f"git ls-remote {GIT} HEAD"]),
        (
            {"location": "https://example.org/linux.txz", "sha256": SHA},
            [f"# download https://example.org/linux.txz, sha256 {SHA}", "bsdtar -xf "],
        ),
        ({"location": "/src/linux.tar.gz"}, ["bsdtar -xf /src/linux.tar.gz -C "]),
        ({}, ["# the kernel source: auto"]),
    ],
)
def test_a_plan_shows_how_the_source_is_got(tmp_path, source, lines) -> None:
    stage = source_stage(make_session(tmp_path, FakeRunner(), source=source))
    assert stage.preview is not None
    shown = "\n".join(stage.preview(Inputs(needs=(), entries={}, planned=True)))
    assert [line for line in lines if line not in shown] == []


@pytest.mark.parametrize("keyring", [None, Path("/keys")])
def test_the_newest_source_comes_by_apt_where_it_can_be_verified(tmp_path, keyring) -> None:
    host = SourceHost(keyring=keyring, is_root=False)
    shown = "\n".join(
        source_lines(FakeRunner(), SourceSettings(), sha256="", cache=tmp_path, host=host)
    )
    by_apt = ["apt-get -c", "update", "download", "dpkg-deb -x", "bsdtar -xf"]
    if keyring is None:
        assert f"# download {PINNED.url}" in shown
    else:
        assert [word for word in by_apt if word not in shown] == []


def test_a_plan_knows_a_folder_as_the_run_will_find_it(tmp_path) -> None:
    tree = make_tree(tmp_path / "linux")
    os.utime(tree / "Makefile", (1_700_000_000, 1_700_000_000))
    session = make_session(tmp_path, FakeRunner(), source={"location": str(tree)})
    stages = (source_stage(session), build_stage(session, Round.BASELINE))
    _, shown = preview(stages, {})
    assert f"make -C {tree} " in shown["build-baseline"][0]
    assert "SOURCE_DATE_EPOCH=1700000000" in shown["build-baseline"][0]


@pytest.mark.parametrize("name", ["nope", "nope.tar.xz", "folder"])
def test_a_plan_refuses_what_is_no_source(tmp_path, name) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/file").touch()
    location = str(tmp_path / name)
    session = make_session(tmp_path, FakeRunner(), source={"location": location})
    with pytest.raises((ConfigError, ArtifactError)) as caught:
        preview((source_stage(session),), {})
    assert location in caught.value.message


def test_a_plan_says_where_the_time_of_a_source_is_not_known_yet(tmp_path) -> None:
    session = make_session(tmp_path, FakeRunner(), source={"location": GIT})
    stages = (source_stage(session), build_stage(session, Round.BASELINE))
    _, shown = preview(stages, {})
    assert "KBUILD_BUILD_TIMESTAMP='‹source.timestamp›'" in shown["build-baseline"][0]
    assert "1970" not in "".join(shown["build-baseline"])


def test_a_tarball_that_was_replaced_is_another_source(tmp_path) -> None:
    path = tmp_path / "linux.tar.gz"
    path.write_bytes(b"one")
    session = make_session(tmp_path, FakeRunner(), source={"location": str(path)})
    first = source_stage(session).recipe
    assert source_stage(session).recipe == first
    path.write_bytes(b"another")
    change = recipe_change(first, source_stage(session).recipe)
    assert change is not None
    assert change.startswith("digest changed: ")
