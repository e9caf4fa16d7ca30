"""Object folders whose objects must all be of one configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.kernel.make import Kbuild
from pkgafdo.runner.command import Result
from pkgafdo.workflows.object_folder import clean_if_stale
from tests.fakes.runner import FakeRunner

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = 'CONFIG_64BIT=y\nCONFIG_BUILD_SALT="pkgafdo:1"\n'


@pytest.fixture
def kbuild(tmp_path: Path) -> Kbuild:
    objects = tmp_path / "optimised/objects"
    objects.mkdir(parents=True)
    return Kbuild(
        tree=tmp_path / "linux", objects=objects, jobs=2, timestamp=0,
        toolchain=Toolchain(make_value="1", version=(19, 1, 7), tools={}),
    )  # fmt: skip


def cleaned(kbuild: Kbuild, config: str) -> bool:
    """Configure the folder and say whether its objects were removed."""
    (kbuild.objects / ".config").write_text(config)
    runner = FakeRunner(answers={"make": lambda _: Result(returncode=0)})
    clean_if_stale(runner, kbuild)
    return any("clean" in command.argv for command in runner.ran)


def test_a_new_folder_has_nothing_to_remove(kbuild: Kbuild) -> None:
    assert not cleaned(kbuild, CONFIG)


def test_objects_of_the_same_configuration_stay(kbuild: Kbuild) -> None:
    cleaned(kbuild, CONFIG)
    assert not cleaned(kbuild, CONFIG)


def test_objects_of_another_configuration_go_once(kbuild: Kbuild) -> None:
    cleaned(kbuild, CONFIG)
    assert cleaned(kbuild, CONFIG + "CONFIG_MODULES=y\n")
    assert not cleaned(kbuild, CONFIG + "CONFIG_MODULES=y\n")


def test_another_profile_is_not_another_configuration(kbuild: Kbuild) -> None:
    cleaned(kbuild, CONFIG)
    assert not cleaned(kbuild, CONFIG.replace("pkgafdo:1", "pkgafdo:2"))
