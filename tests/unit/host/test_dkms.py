"""Modules from outside the tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.host.dkms import read_out_of_tree
from tests.unit.host import machines

if TYPE_CHECKING:
    from pathlib import Path

MODULES = """\
nvidia_drm 131072 4 - Live 0x0000000000000000 (POE)
ext4 1052672 1 - Live 0x0000000000000000
zfs 6291456 6 - Live 0x0000000000000000 (PO)
vboxdrv 700416 2 vboxnetadp,vboxnetflt, Live 0x0000000000000000 (OE)
staging 4096 0 - Live 0x0000000000000000 (C)
"""


def test_dkms_and_what_is_loaded_are_named(tmp_path: Path) -> None:
    machines.write(tmp_path, "var/lib/dkms/nvidia/580.1/source")
    machines.write(tmp_path, "var/lib/dkms/dkms_dbversion")
    machines.write(tmp_path, "proc/modules", MODULES)
    found = read_out_of_tree(tmp_path)
    assert found.dkms == ("nvidia",)
    assert found.loaded == ("nvidia_drm", "vboxdrv", "zfs")
    assert found.any


def test_a_machine_without_foreign_modules_has_none(tmp_path: Path) -> None:
    assert not read_out_of_tree(tmp_path).any
