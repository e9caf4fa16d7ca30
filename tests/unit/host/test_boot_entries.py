"""Reading boot menus and finding a kernel in them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pkgafdo.host import boot_entries
from pkgafdo.host.boot_entries import BootEntry, find_entry, parse_bootctl, parse_grub
from pkgafdo.runner.command import RunAs

OURS = {"release": "7.2.13-pkgafdo-base", "pkgbase": "linux-pkgafdo-base"}
DATA = Path(__file__).parents[2] / "data/boot"
OLD_BOOTCTL = (DATA / "bootctl-252.jsonl").read_text(encoding="utf-8")
GRUB = (DATA / "grub.cfg").read_text(encoding="utf-8")


def test_both_forms_of_bootctls_list_are_read() -> None:
    old = parse_bootctl(OLD_BOOTCTL)
    assert [entry.id for entry in old] == ["linux-pkgafdo-base.conf", "linux-cachyos.conf"]
    listed = [json.loads(line) for line in OLD_BOOTCTL.split("\n") if line]
    new = parse_bootctl(json.dumps([one | {"isDefault": True, "linux": None} for one in listed]))
    assert [entry.default for entry in new] == [True, True]
    assert new[0].linux == ""
    assert parse_bootctl("") == ()


def test_grubs_submenus_are_paths() -> None:
    found = parse_grub(GRUB)
    assert [entry.id for entry in found] == [
        "gnulinux-simple-6c",
        "gnulinux-advanced-6c>gnulinux-linux-pkgafdo-base-advanced-6c",
        "gnulinux-advanced-6c>gnulinux-linux-pkgafdo-base-fallback-6c",
        "gnulinux-advanced-6c>plain",
    ]
    assert found[0].linux == "/vmlinuz-linux"


def test_a_kernels_entry_is_found_and_not_its_fallback() -> None:
    found = find_entry(reversed(parse_grub(GRUB)), **OURS)
    assert found is not None
    assert found.id == "gnulinux-advanced-6c>gnulinux-linux-pkgafdo-base-advanced-6c"


@pytest.mark.parametrize(
    "entry",
    [
        BootEntry(id="x.conf", title="", linux="/vmlinuz-linux-pkgafdo-base"),
        BootEntry(id="x.conf", title="", linux="/0123/7.2.13-pkgafdo-base/linux"),
        BootEntry(id="x.conf", title="", version="7.2.13-pkgafdo-base"),
        BootEntry(id="0123-7.2.13-pkgafdo-base.conf", title=""),
        BootEntry(id="arch-linux-pkgafdo-base.efi", title=""),
        BootEntry(id="CachyOS/linux-pkgafdo-base", title=""),
        BootEntry(id="/+CachyOS/linux-pkgafdo-base", title=""),
    ],
)
def test_a_kernel_is_known_by_image_version_or_name(entry: BootEntry) -> None:
    assert find_entry([entry], **OURS) == entry


@pytest.mark.parametrize(
    "entry",
    [
        BootEntry(id="linux-pkgafdo.conf", title="", linux="/vmlinuz-linux-pkgafdo"),
        BootEntry(id="7.2.13-pkgafdo-base-old.conf", title=""),
    ],
)
def test_a_similar_name_is_another_kernel(entry: BootEntry) -> None:
    assert find_entry([entry], **OURS) is None


def test_grubs_default_is_the_saved_entry_by_any_of_its_names() -> None:
    entries = parse_grub(GRUB)
    for saved in ("gnulinux-advanced-6c>plain", "plain"):
        default = boot_entries.grub_default_entry(entries, saved)
        assert default is not None
        assert default.linux == "/vmlinuz-linux-lts"


@pytest.mark.parametrize("saved", ["", "gone", "0"])
def test_without_a_saved_entry_grub_boots_the_first(saved: str) -> None:
    entries = parse_grub(GRUB)
    assert boot_entries.grub_default_entry(entries, saved) == entries[0]
    assert boot_entries.grub_default_entry((), saved) is None


@pytest.mark.parametrize("saved", ["2", "1>0"])
def test_a_place_in_the_menu_is_no_entry_by_name(saved: str) -> None:
    assert boot_entries.grub_default_entry(parse_grub(GRUB), saved) is None


def test_grubs_environment_is_read() -> None:
    text = "saved_entry=Advanced>Arch=1\nnext_entry=\nnonsense\n"
    found = boot_entries.parse_grub_environment(text)
    assert found == {"saved_entry": "Advanced>Arch=1", "next_entry": ""}


def test_everything_about_the_boot_loader_is_roots() -> None:
    commands = (
        boot_entries.list_command(),
        boot_entries.oneshot_command("x.conf"),
        boot_entries.default_command(""),
        boot_entries.grub_config_command("/boot/grub/grub.cfg"),
        boot_entries.grub_reboot_command("a>b"),
        boot_entries.grub_default_command("a>b"),
        boot_entries.grub_environment_command(),
        boot_entries.grub_forget_command(),
    )
    assert {command.run_as for command in commands} == {RunAs.ROOT}
