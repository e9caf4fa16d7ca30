"""Where a run happens."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.host.facts import read_facts
from pkgafdo.runner.local import Builder
from pkgafdo.workflows.session import cache_folder, make_runner, scratch_folder, toolchain_recipe

STRANGER = Builder(name="nobody", uid=65534, gid=65534, home="/nonexistent")


def facts(tmp_path: Path, **changes: Any):
    environ = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "c"), "PATH": "/usr/bin"}
    return replace(read_facts(environ, filesystem=tmp_path), **changes)


def test_a_user_keeps_the_cache_at_home(tmp_path) -> None:
    assert cache_folder(facts(tmp_path, euid=1000)) == tmp_path / "c" / "pkgafdo"


def test_the_cache_of_root_is_public_as_the_build_user_must_read_it(tmp_path) -> None:
    assert cache_folder(facts(tmp_path, euid=0)) == Path("/var/cache/pkgafdo")


def test_without_a_build_user_builds_happen_in_the_work_folder(tmp_path) -> None:
    assert scratch_folder(tmp_path, None) == tmp_path / "scratch"


def test_a_work_folder_that_the_build_user_can_reach_is_built_in(tmp_path) -> None:
    owner = Builder(name="root", uid=tmp_path.stat().st_uid, gid=tmp_path.stat().st_gid, home="/")
    if os.geteuid() != owner.uid:
        pytest.skip("the folder above belongs to someone else")
    assert scratch_folder(tmp_path, owner) == tmp_path / "scratch"


def test_a_closed_work_folder_is_built_for_elsewhere_and_always_at_the_same_place(tmp_path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    first = scratch_folder(closed, STRANGER)
    assert first.parent == Path("/var/tmp")
    assert first == scratch_folder(closed, STRANGER)
    other = tmp_path / "other"
    other.mkdir(mode=0o700)
    assert scratch_folder(other, STRANGER) not in {first, other / "scratch"}


def test_the_runner_sees_the_hosts_clean_environment_only(tmp_path) -> None:
    host = facts(tmp_path, environment={"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"})
    runner = make_runner(host)
    assert runner.env == {"PATH": "/usr/bin", "LC_ALL": "C.UTF-8"}
    assert runner.logs is None
    assert runner.running is None


def test_a_toolchain_is_known_by_its_version_and_name() -> None:
    toolchain = Toolchain(
        make_value="-19", version=(19, 1, 7), tools={"clang": "/usr/bin/clang-19"}
    )
    assert toolchain_recipe(toolchain) == {"llvm": "19.1.7", "make": "-19"}
