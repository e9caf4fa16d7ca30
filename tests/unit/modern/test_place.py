"""Where test roots lie, and what keeps others' folders safe."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo import files
from pkgafdo.errors import ConfigError, HostError
from tests.modern.place import (
    KIND,
    Place,
    held,
    mounts_below,
    place_of,
    read_record,
    require_unmounted,
    roots_folder,
)

MOUNTINFO = """\
22 28 0:21 / /proc rw,nosuid shared:13 - proc proc rw
90 28 0:44 / /roots/sid/root/proc rw - proc proc rw
91 28 0:45 / /roots/sid-other/proc rw - proc proc rw
"""


def test_roots_are_kept_in_roots_cache_or_where_xdg_says():
    assert roots_folder({}) == Path("/var/cache/pkgafdo/roots")
    assert roots_folder({"XDG_CACHE_HOME": "relative"}) == Path("/var/cache/pkgafdo/roots")
    assert roots_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/pkgafdo/roots")


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "sid").mkdir()
    (tmp_path / "sid/thesis.tex").touch()
    with pytest.raises(ConfigError, match="was not made by pkgafdo"):
        place_of("sid", tmp_path)
    assert (tmp_path / "sid/thesis.tex").exists()


def test_a_folder_with_our_mark_is_taken(tmp_path):
    files.mark_folder(tmp_path / "sid", KIND)
    assert place_of("sid", tmp_path).root == tmp_path / "sid/root"


def test_another_llvm_has_a_root_of_its_own(tmp_path):
    place = place_of("sid", tmp_path, 22)
    assert (place.suite, place.name, place.llvm) == ("sid", "sid-llvm22", 22)
    with held(place), held(place_of("sid", tmp_path)):
        pass


def test_a_root_without_its_record_counts_as_half_made(tmp_path):
    place = Place(suite="sid", folder=tmp_path)
    place.root.mkdir()
    assert read_record(place) is None
    for text in ("{", "[]", "{}"):
        place.record.write_text(text)
        assert read_record(place) is None
    files.write_json(place.record, {"made": "2026-01-01T00:00:00+00:00"})
    assert read_record(place) == {"made": "2026-01-01T00:00:00+00:00"}


def test_mounts_are_found_below_the_folder_only():
    assert mounts_below(MOUNTINFO, Path("/roots/sid")) == ("/roots/sid/root/proc",)


def test_a_root_with_something_mounted_in_it_is_not_deleted():
    with pytest.raises(HostError, match="has mounts below it") as caught:
        require_unmounted(Place(suite="sid", folder=Path("/roots/sid")), MOUNTINFO)
    assert "umount" in caught.value.hint
    require_unmounted(Place(suite="sid", folder=Path("/roots/trixie")), MOUNTINFO)


def test_two_runs_cannot_hold_one_place(tmp_path):
    place = Place(suite="sid", folder=tmp_path / "sid")
    with held(place):
        with pytest.raises(ConfigError, match="another run is at work"), held(place):
            pass
        with held(Place(suite="trixie", folder=tmp_path / "trixie")):
            pass
    with held(place):
        pass
