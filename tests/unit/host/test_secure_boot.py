"""Secure Boot, as the firmware's variables tell it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pkgafdo.host import efivars
from pkgafdo.host.secure_boot import SecureBoot, read_secure_boot
from tests.unit.host import machines

if TYPE_CHECKING:
    from pathlib import Path


def test_a_machine_without_efi_has_no_secure_boot(tmp_path: Path) -> None:
    assert read_secure_boot(tmp_path) is SecureBoot.OFF
    assert not efivars.is_efi(tmp_path)


def test_secure_boot_that_is_on_refuses_what_nobody_signed(tmp_path: Path) -> None:
    machines.secure_boot(tmp_path, on=True)
    assert efivars.is_efi(tmp_path)
    assert read_secure_boot(tmp_path) is SecureBoot.ON
    assert read_secure_boot(tmp_path).refuses


def test_secure_boot_that_is_off_refuses_nothing(tmp_path: Path) -> None:
    machines.secure_boot(tmp_path, on=False)
    assert not read_secure_boot(tmp_path).refuses


def test_a_shim_that_verifies_nothing_lets_every_kernel_boot(tmp_path: Path) -> None:
    machines.secure_boot(tmp_path, on=True)
    machines.variable(tmp_path, "MokSBStateRT", efivars.SHIM, b"\1")
    assert read_secure_boot(tmp_path) is SecureBoot.SHIM_OFF


def test_with_keys_of_sbctl_kernels_are_signed_here(tmp_path: Path) -> None:
    machines.secure_boot(tmp_path, on=True)
    (tmp_path / "var/lib/sbctl/keys").mkdir(parents=True)
    assert read_secure_boot(tmp_path) is SecureBoot.ON
    (tmp_path / "var/lib/sbctl/keys/db").mkdir()
    assert read_secure_boot(tmp_path) is SecureBoot.SIGNING


def test_a_truncated_variable_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / efivars.FOLDER / f"SecureBoot-{efivars.GLOBAL}"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x06\0")
    assert read_secure_boot(tmp_path) is SecureBoot.OFF


def test_a_variable_of_several_texts_is_split(tmp_path: Path) -> None:
    content = "a.conf\0b.conf\0".encode("utf-16-le")
    machines.variable(tmp_path, "LoaderEntries", efivars.LOADER, content)
    found = efivars.read_texts(tmp_path, "LoaderEntries", efivars.LOADER)
    assert found == ("a.conf", "b.conf")
