"""What builds and their source take, folder by folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.config.load import build_config
from pkgafdo.kernel import disk, fetch_tarball
from pkgafdo.kernel.configure import RunningKernel
from pkgafdo.kernel.settings import SourceSettings
from pkgafdo.workflows import room

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1 << 30
SHA = "ab" * 32


def sizes(folder: Path, *, builds: int = 1, **sections: object) -> dict[str, int]:
    config = build_config(sections, origin="the test")
    needs = room.build_needs(
        config,
        RunningKernel(release="1"),
        scratch=folder / "scratch",
        workdir=folder / "work",
        builds=builds,
    )
    return {str(need.path.relative_to(folder)): need.size for need in needs}


def test_objects_lie_in_the_scratch_folder_and_results_in_the_work_folder(tmp_path):
    found = sizes(tmp_path, builds=2)
    assert found.keys() == {"scratch", "work/root"}
    assert found["scratch"] > 2 * disk.SMALL > found["work/root"]


def test_what_the_user_knows_of_a_build_goes_before_every_estimate(tmp_path):
    base = {"base": str(tmp_path / "no.config")}
    found = sizes(tmp_path, builds=3, kernel=base, build={"disk_gib": 1.5})
    assert sum(found.values()) == pytest.approx(5 * GIB, rel=0.001)  # with the margin


def test_makepkg_unpacks_a_source_for_each_build(tmp_path):
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "PKGBUILD").write_text("pkgbase=linux\n")
    (folder / "config").write_text("".join(f"CONFIG_M{one}=m\n" for one in range(6000)))
    config = build_config(
        {"package": {"route": "pkgbuild", "folder": str(folder)}}, origin="the test"
    )
    running = RunningKernel(release="1")
    needs = room.build_needs(config, running, scratch=tmp_path, workdir=tmp_path, builds=2)
    assert 2 * disk.SOURCE in {need.size for need in needs}
    assert needs[0].size > 2 * disk.SMALL


def test_fragments_and_patches_beside_a_whole_configuration_take_nothing(tmp_path):
    folder = tmp_path / "pkg"
    folder.mkdir()
    (folder / "PKGBUILD").write_text("pkgbase=linux\n")
    (folder / "config.fragment").write_text("CONFIG_MODULES=y\n")
    (folder / "configure-fix.patch").write_text("--- a/configure\n")
    package = {"route": "pkgbuild", "folder": str(folder)}
    alone = sizes(tmp_path, package=package)["work/root"]
    (folder / "config").write_text('CONFIG_CC_VERSION_TEXT="clang version 19.1.7"\n')
    assert sizes(tmp_path, package=package)["work/root"] < alone / 2


def test_a_source_takes_room_unless_it_is_here(tmp_path):
    assert room.source_needs(SourceSettings(), tmp_path)[0].size == disk.SOURCE
    assert not room.source_needs(SourceSettings(location="/src/linux"), tmp_path)
    tarball = SourceSettings(location="/src/linux.tar.xz", sha256=SHA)
    assert room.source_needs(tarball, tmp_path)
    (fetch_tarball.source_folder(tmp_path, fetch_tarball.key_of(SHA)) / "tree").mkdir(parents=True)
    assert not room.source_needs(tarball, tmp_path)
    unsaid = SourceSettings(location="/src/linux.tar.xz")
    assert room.source_needs(unsaid, tmp_path)
    assert not room.source_needs(unsaid, tmp_path, sha256=SHA)
