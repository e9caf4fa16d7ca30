"""Which boot loader started this machine, and whether it can boot an entry once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from pkgafdo.host import efivars
from pkgafdo.host.mounts import mounted_on

if TYPE_CHECKING:
    from pathlib import Path


class Loader(StrEnum):
    """The boot loaders that we know by name."""

    SYSTEMD_BOOT = "systemd-boot"
    GRUB = "GRUB"
    LIMINE = "Limine"
    REFIND = "rEFInd"
    UNKNOWN = "unknown"


class OneShot(StrEnum):
    """How an entry is booted once: with `bootctl set-oneshot`, with `grub-reboot`, or not at all."""

    BOOTCTL = "bootctl"
    GRUB_REBOOT = "grub-reboot"
    NONE = "none"


@dataclass(frozen=True, kw_only=True, slots=True)
class BootLoader:
    """A boot loader: what it is, what it calls itself, and how it boots an entry once.

    why says what stands against a one-shot boot, by_hand how a person does it. config is GRUB's
    configuration as an absolute path on this machine.
    """

    loader: Loader
    name: str
    oneshot: OneShot
    why: str = ""
    config: str = ""

    @property
    def by_hand(self) -> str:
        """How a person boots another entry once."""
        return _BY_HAND[self.loader]


_NAMES: Final = (
    ("systemd-boot", Loader.SYSTEMD_BOOT),
    ("grub", Loader.GRUB),
    ("limine", Loader.LIMINE),
    ("refind", Loader.REFIND),
)
_LIMINE_CONFIGS: Final = ("limine.conf", "limine/limine.conf", "EFI/limine/limine.conf")
_REMEMBERS: Final = re.compile(
    r"^\s*remember_last_entry\s*[:=]\s*yes", re.MULTILINE | re.IGNORECASE
)
_PLACES: Final = (
    (Loader.SYSTEMD_BOOT, ("EFI/systemd/systemd-bootx64.efi", "loader/loader.conf")),
    (Loader.GRUB, ("grub/grub.cfg", "grub2/grub.cfg")),
    (Loader.LIMINE, _LIMINE_CONFIGS),
    (Loader.REFIND, ("EFI/refind/refind.conf",)),
)
_BOOT_FOLDERS: Final = ("boot", "efi", "boot/efi")
_ONE_SHOT_FEATURE: Final = 1 << 3
"""EFI_LOADER_FEATURE_ENTRY_ONESHOT in LoaderFeatures (systemd, src/boot/boot.c)."""
_NO_ENVIRONMENT: Final = frozenset({"btrfs", "zfs", "xfs", "f2fs", "bcachefs"})
"""GRUB cannot write its environment there: an entry would be booted for ever, not once.

GRUB's manual (“The GRUB environment block”) names btrfs, ZFS, LVM and RAID; its other drivers of
file systems that move blocks are refused to be sure.
"""
_MENU: Final = "Restart, and choose the kernel in the boot menu"
_BY_HAND: Final = {
    Loader.SYSTEMD_BOOT: f"{_MENU} (hold the space bar if it stays hidden).",
    Loader.GRUB: f"{_MENU} (hold Shift or press Esc; it may be under “Advanced options”).",
    Loader.LIMINE: f"{_MENU} (press a key while Limine counts down).",
    Loader.REFIND: f"{_MENU} (F2 on the Linux icon shows all kernels).",
    Loader.UNKNOWN: f"{_MENU} of this machine's boot loader.",
}


def detect(filesystem: Path) -> BootLoader:
    """Find the boot loader: by what it left in the firmware's variables, or else by its files."""
    name = efivars.read_text(filesystem, "LoaderInfo", efivars.LOADER)
    features = efivars.read_number(filesystem, "LoaderFeatures", efivars.LOADER) or 0
    if name:
        return _by_itself(filesystem, name, one_shot=bool(features & _ONE_SHOT_FEATURE))
    found = [loader for loader, places in _PLACES if _present(filesystem, places)]
    if len(found) == 1:
        return _by_files(filesystem, found[0])
    why = f"files of {', '.join(found)} are there" if found else "no boot loader that we know"
    return BootLoader(loader=Loader.UNKNOWN, name="unknown", oneshot=OneShot.NONE, why=why)


def _by_itself(filesystem: Path, name: str, *, one_shot: bool) -> BootLoader:
    loader = next((one for word, one in _NAMES if word in name.lower()), Loader.UNKNOWN)
    if one_shot and loader is Loader.LIMINE and _remembers(filesystem):
        why = "limine.conf sets remember_last_entry: what is booted once would boot ever after"
        return BootLoader(loader=loader, name=name, oneshot=OneShot.NONE, why=why)
    if one_shot:
        return BootLoader(loader=loader, name=name, oneshot=OneShot.BOOTCTL)
    if loader is Loader.GRUB:
        return _grub(filesystem, name)
    return BootLoader(loader=loader, name=name, oneshot=OneShot.NONE, why=_why_not(loader))


def _remembers(filesystem: Path) -> bool:
    """Tell whether Limine takes the entry that was booted last for its default (CONFIG.md)."""
    folders = [filesystem / folder for folder in _BOOT_FOLDERS]
    places = [folder / place for folder in folders for place in _LIMINE_CONFIGS]
    return any(_REMEMBERS.search(_read(place)) for place in places)


def _by_files(filesystem: Path, loader: Loader) -> BootLoader:
    if loader is Loader.GRUB:
        return _grub(filesystem, "GRUB")
    why = "it told the firmware nothing of itself, so it was not started by EFI or is too old"
    return BootLoader(loader=loader, name=loader.value, oneshot=OneShot.NONE, why=why)


def _why_not(loader: Loader) -> str:
    if loader is Loader.LIMINE:
        # Limine-Bootloader/Limine issues 531, 601, 620: LoaderEntryOneShot came with 12.4.0.
        return "this Limine cannot boot an entry once; 12.4 and newer can"
    return "it does not announce that it can boot an entry once"


def _present(filesystem: Path, places: tuple[str, ...]) -> bool:
    folders = [filesystem / folder for folder in _BOOT_FOLDERS]
    return any(_exists(folder / place) for folder in folders for place in places)


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:  # the EFI system partition may be root's alone
        return False


def _grub(filesystem: Path, name: str) -> BootLoader:
    folder = next(
        (f"boot/{one}" for one in ("grub", "grub2") if _exists(filesystem / f"boot/{one}")), ""
    )
    why = _grub_obstacle(filesystem, folder)
    return BootLoader(
        loader=Loader.GRUB,
        name=name,
        oneshot=OneShot.NONE if why else OneShot.GRUB_REBOOT,
        why=why,
        config=f"/{folder}/grub.cfg" if folder else "",
    )


def _grub_obstacle(filesystem: Path, folder: str) -> str:
    if not folder:
        return "its folder below /boot is not there"
    kind, source = mounted_on(_read(filesystem / "proc/self/mountinfo"), f"/{folder}")
    if kind in _NO_ENVIRONMENT or source.startswith(("/dev/mapper/", "/dev/dm-", "/dev/md")):
        where = kind if kind in _NO_ENVIRONMENT else source
        return f"GRUB cannot take a one-shot entry back where /{folder} is on {where}"
    if grub_default(_read(filesystem / "etc/default/grub")) != "saved":
        return (
            "GRUB_DEFAULT in /etc/default/grub is not “saved”; set it, and run "
            f"`grub-mkconfig -o /{folder}/grub.cfg`"
        )
    return ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def grub_default(text: str) -> str:
    """Return GRUB_DEFAULT of /etc/default/grub: the last assignment counts."""
    found = re.findall(r"^\s*GRUB_DEFAULT=(.*)$", text, re.MULTILINE)
    return found[-1].partition("#")[0].strip().strip("\"'") if found else ""
