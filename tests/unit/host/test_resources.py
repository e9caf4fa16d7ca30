"""Room on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host.mounts import disk_of
from pkgafdo.host.resources import GIB, Need, find_rooms, free_disk, require_room


def test_a_folder_that_is_not_made_yet_counts_where_it_will_be(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert free_disk(tmp_path / "a" / "b") == pytest.approx(free, rel=0.05)


def test_enough_room_is_no_fault(tmp_path: Path) -> None:
    require_room([Need(path=tmp_path, size=1, what="builds")], purpose="a test")


def test_too_little_room_says_needed_free_where_and_for_what(tmp_path: Path) -> None:
    needs = [
        Need(path=tmp_path / "a", size=(1 << 20) * GIB, what="builds"),
        Need(path=tmp_path / "b", size=2 * GIB, what="the source"),
    ]
    with pytest.raises(
        HostError, match=r"two builds: 1048578\.0 GiB needed, .* GiB free"
    ) as caught:
        require_room(needs, purpose="two builds")
    assert f"{tmp_path}/a, {tmp_path}/b: " in caught.value.details
    assert "2.0 GiB for the source" in caught.value.details
    assert "--workdir" in caught.value.hint
    assert caught.value.exit_code == 3


def test_what_lies_in_a_folder_counts_only_where_it_is_a_part_of_the_need(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(1 << 16))
    begun, new = (
        find_rooms([Need(path=tmp_path, size=1, what="x", begun=begun)])[0].held
        for begun in (True, False)
    )
    assert begun >= 1 << 16
    assert new == 0


def test_each_file_system_is_held_against_what_falls_on_it(tmp_path: Path) -> None:
    proc = Path("/proc")  # everywhere a file system of its own
    places = (tmp_path / "a", proc, tmp_path / "b")
    rooms = find_rooms(Need(path=path, size=2, what="x") for path in places[:1] + places[2:])
    assert [(room.needed, len(room.needs)) for room in rooms] == [(4, 2)]
    needs = [
        Need(path=tmp_path / "a", size=2, what="x"),
        Need(path=proc / "none", size=1, what="y"),
    ]
    assert [room.needed for room in find_rooms(needs)] == [2, 1]


BTRFS = """\
30 1 0:27 /@ / rw shared:1 - btrfs /dev/nvme0n1p2 rw,subvol=/@
31 30 0:28 /@home {home} rw shared:2 - btrfs /dev/nvme0n1p2 rw,subvol=/@home
32 30 0:29 / {tmp} rw shared:3 - tmpfs tmpfs rw
"""


def test_subvolumes_of_one_disk_share_its_room(tmp_path: Path) -> None:
    mountinfo = tmp_path / "mountinfo"
    home, tmp = tmp_path / "home", tmp_path / "tmp"
    for folder in (home, tmp):
        folder.mkdir()
    mountinfo.write_text(BTRFS.format(home=home, tmp=tmp))
    needs = [Need(path=path, size=2, what="x") for path in (Path("/var/none"), home, tmp)]
    assert [room.needed for room in find_rooms(needs, mountinfo=mountinfo)] == [4, 2]


def test_datasets_of_one_pool_share_its_room() -> None:
    mountinfo = "30 1 0:27 / / rw - zfs tank/root rw\n31 30 0:28 / /home rw - zfs tank/home rw\n"
    assert disk_of(mountinfo, "/home/x") == disk_of(mountinfo, "/var") == "zfs tank"
