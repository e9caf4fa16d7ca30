"""Which boot loader a machine has, and whether it boots an entry once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pkgafdo.host import boot_loader, mounts
from pkgafdo.host.boot_loader import Loader, OneShot, detect
from tests.unit.host import machines

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "loader"),
    [
        ("systemd-boot 257.9-1-arch", Loader.SYSTEMD_BOOT),
        ("Limine 12.4.0", Loader.LIMINE),
        ("GRUB 2.14", Loader.GRUB),
        ("zzzboot 1", Loader.UNKNOWN),
    ],
)
def test_what_a_loader_announces_counts_whatever_it_is_called(
    tmp_path: Path, name: str, loader: Loader
) -> None:
    machines.announce(tmp_path, name, features=machines.ONE_SHOT | 0b111)
    found = detect(tmp_path)
    assert (found.loader, found.oneshot) == (loader, OneShot.BOOTCTL)
    assert found.name == name


def test_an_older_limine_cannot_and_says_since_when_it_can(tmp_path: Path) -> None:
    machines.announce(tmp_path, "Limine 11.2.0")
    found = detect(tmp_path)
    assert (found.loader, found.oneshot) == (Loader.LIMINE, OneShot.NONE)
    assert "12.4" in found.why
    assert "press a key" in found.by_hand


def test_a_limine_that_remembers_would_boot_the_new_kernel_for_ever(tmp_path: Path) -> None:
    machines.announce(tmp_path, "Limine 12.4.0", features=machines.ONE_SHOT)
    conf = machines.write(tmp_path, "boot/limine.conf", "timeout: 5\n#remember_last_entry: yes\n")
    assert detect(tmp_path).oneshot is OneShot.BOOTCTL
    conf.write_text("timeout: 5\nremember_last_entry: yes\n", encoding="utf-8")
    found = detect(tmp_path)
    assert found.oneshot is OneShot.NONE
    assert "remember_last_entry" in found.why


def test_the_loader_that_started_the_machine_counts_more_than_files(tmp_path: Path) -> None:
    machines.grub(tmp_path)
    machines.announce(tmp_path, "systemd-boot 255", features=machines.ONE_SHOT)
    assert detect(tmp_path).loader is Loader.SYSTEMD_BOOT


def test_grub_boots_once_with_a_saved_default(tmp_path: Path) -> None:
    machines.grub(tmp_path)
    found = detect(tmp_path)
    assert (found.loader, found.oneshot) == (Loader.GRUB, OneShot.GRUB_REBOOT)
    assert found.config == "/boot/grub/grub.cfg"


def test_grub_with_a_fixed_default_is_told_what_to_change(tmp_path: Path) -> None:
    machines.grub(tmp_path, default="0")
    found = detect(tmp_path)
    assert found.oneshot is OneShot.NONE
    assert "GRUB_DEFAULT" in found.why
    assert "grub-mkconfig -o /boot/grub/grub.cfg" in found.why


@pytest.mark.parametrize(
    ("kind", "source"),
    [("btrfs", "/dev/sda1"), ("ext4", "/dev/mapper/vg-boot"), ("ext4", "/dev/md0")],
)
def test_grub_cannot_take_a_one_shot_back_where_it_cannot_write(
    tmp_path: Path, kind: str, source: str
) -> None:
    machines.grub(tmp_path, kind=kind, source=source)
    found = detect(tmp_path)
    assert found.oneshot is OneShot.NONE
    assert (kind if kind == "btrfs" else source) in found.why


@pytest.mark.parametrize(
    ("place", "loader"),
    [
        ("efi/EFI/systemd/systemd-bootx64.efi", Loader.SYSTEMD_BOOT),
        ("boot/limine.conf", Loader.LIMINE),
        ("boot/efi/EFI/refind/refind.conf", Loader.REFIND),
    ],
)
def test_without_firmware_variables_files_tell_the_name_only(
    tmp_path: Path, place: str, loader: Loader
) -> None:
    machines.write(tmp_path, place)
    found = detect(tmp_path)
    assert (found.loader, found.oneshot) == (loader, OneShot.NONE)
    assert found.why


def test_files_of_two_loaders_decide_nothing(tmp_path: Path) -> None:
    machines.grub(tmp_path)
    machines.write(tmp_path, "boot/limine.conf")
    found = detect(tmp_path)
    assert found.loader is Loader.UNKNOWN
    assert "GRUB, Limine" in found.why


def test_no_loader_at_all_is_unknown(tmp_path: Path) -> None:
    found = detect(tmp_path)
    assert (found.loader, found.oneshot) == (Loader.UNKNOWN, OneShot.NONE)
    assert "boot menu" in found.by_hand


def test_the_innermost_mount_holds_a_path() -> None:
    text = machines.MOUNTS.format(root="btrfs", boot="vfat", source="/dev/sda1") + "damaged\n"
    assert mounts.mounted_on(text, "/boot/grub") == ("vfat", "/dev/sda1")
    assert mounts.mounted_on(text, "/bootstrap") == ("btrfs", "/dev/nvme0n1p2")
    assert mounts.mounted_on("", "/boot") == ("", "")


def test_the_last_assignment_of_grubs_default_counts() -> None:
    assert boot_loader.grub_default("GRUB_DEFAULT=0\nGRUB_DEFAULT='saved'\n") == "saved"
    assert boot_loader.grub_default("#GRUB_DEFAULT=saved\n") == ""
