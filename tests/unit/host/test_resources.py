"""Room on the disk."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import HostError
from pkgafdo.host.resources import GIB, free_disk, require_disk

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_is_not_made_yet_counts_where_it_will_be(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert free_disk(tmp_path / "a" / "b") == pytest.approx(free, rel=0.05)


def test_enough_room_is_no_fault(tmp_path: Path) -> None:
    require_disk(tmp_path, 1, purpose="a test")


def test_too_little_room_says_needed_free_and_where(tmp_path: Path) -> None:
    with pytest.raises(
        HostError, match=r"two builds: 1048576\.0 GiB needed, .* GiB free"
    ) as caught:
        require_disk(tmp_path, (1 << 20) * GIB, purpose="two builds")
    assert str(tmp_path) in caught.value.details
    assert "--workdir" in caught.value.hint
    assert caught.value.exit_code == 3
