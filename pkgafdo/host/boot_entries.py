"""The entries of a boot menu: reading them, finding a kernel's, and booting one of them once."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_BOOTCTL_HINT: Final = "Install bootctl (Arch: systemd, Debian: systemd-boot)."
_GRUB_HINT: Final = "Install GRUB's programs (Arch: grub, Debian: grub2-common)."
_TITLE: Final = re.compile(r"""(menuentry|submenu)\s+(?:'([^']*)'|"([^"]*)")""")
_ID: Final = re.compile(
    r"""(?:\$\{?menuentry_id_option\}?|--id)[ =]+(?:'([^']*)'|"([^"]*)"|(\S+))"""
)
_PLACE: Final = re.compile(r"\d+(>\d+)*")
_KERNEL: Final = re.compile(r"(?:linux|linuxefi|chainloader)\s+(\S+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class BootEntry:
    """One entry: what the boot loader calls it, its title, its kernel's path and version.

    default: it boots when nobody chooses; selected: the system that runs now was booted by it.
    """

    id: str
    title: str
    linux: str = ""
    version: str = ""
    default: bool = False
    selected: bool = False


def list_command() -> Command:
    """Return the command that lists the entries of a loader with the Boot Loader Interface."""
    # The EFI system partition is often root's alone.
    return Command(argv=("bootctl", "list", "--json=short"), run_as=RunAs.ROOT, hint=_BOOTCTL_HINT)


def oneshot_command(entry_id: str) -> Command:
    """Return the command that boots an entry at the next boot only; an empty id takes that back."""
    return Command(argv=("bootctl", "set-oneshot", entry_id), run_as=RunAs.ROOT, hint=_BOOTCTL_HINT)


def default_command(entry_id: str) -> Command:
    """Return the command that makes an entry the one that boots; an empty id takes that back."""
    return Command(argv=("bootctl", "set-default", entry_id), run_as=RunAs.ROOT, hint=_BOOTCTL_HINT)


def grub_config_command(config: str) -> Command:
    """Return the command that reads GRUB's configuration, which is root's alone."""
    return Command(argv=("cat", "--", config), run_as=RunAs.ROOT)


def grub_environment_command() -> Command:
    """Return the command that lists what GRUB remembers between boots."""
    return Command(argv=("grub-editenv", "list"), run_as=RunAs.ROOT, hint=_GRUB_HINT)


def grub_reboot_command(entry_id: str) -> Command:
    """Return the command that makes GRUB boot an entry at the next boot only."""
    return Command(argv=("grub-reboot", entry_id), run_as=RunAs.ROOT, hint=_GRUB_HINT)


def grub_forget_command() -> Command:
    """Return the command that takes GRUB's one-shot entry back."""
    return Command(
        argv=("grub-editenv", "-", "unset", "next_entry"), run_as=RunAs.ROOT, hint=_GRUB_HINT
    )


def grub_default_command(entry_id: str) -> Command:
    """Return the command that makes GRUB boot an entry when nobody chooses."""
    return Command(argv=("grub-set-default", entry_id), run_as=RunAs.ROOT, hint=_GRUB_HINT)


def parse_bootctl(text: str) -> tuple[BootEntry, ...]:
    """Parse `bootctl list --json=short`: one array, or before systemd 253 an object on each line."""
    if text.lstrip().startswith("["):
        found = json.loads(text)
    else:
        found = [json.loads(line) for line in text.splitlines() if line.strip()]
    return tuple(_bootctl_entry(one) for one in found)


def _bootctl_entry(data: dict[str, Any]) -> BootEntry:
    return BootEntry(
        id=data["id"],
        title=data.get("showTitle") or data.get("title") or data["id"],
        linux=data.get("linux") or "",
        version=data.get("version") or "",
        default=bool(data.get("isDefault")),
        selected=bool(data.get("isSelected")),
    )


def parse_grub(text: str) -> tuple[BootEntry, ...]:
    """Parse GRUB's configuration; the ids are paths as grub-reboot takes them (`menu>entry`)."""
    found: list[BootEntry] = []
    blocks: list[tuple[str, str, str]] = []  # kind, id, title of what is open
    for line in map(str.strip, text.splitlines()):
        if line.endswith("{"):
            blocks.append(_grub_block(line))
        elif line == "}" and blocks:
            blocks.pop()
        elif blocks and blocks[-1][0] == "menuentry" and (kernel := _KERNEL.match(line)):
            path = ">".join(name for kind, name, _ in blocks if kind)
            if path not in {entry.id for entry in found}:
                found.append(BootEntry(id=path, title=blocks[-1][2], linux=kernel[1]))
    return tuple(found)


def _grub_block(line: str) -> tuple[str, str, str]:
    title = _TITLE.match(line)
    if title is None:
        return "", "", ""
    text = title[2] or title[3] or ""
    found = _ID.search(line)
    return title[1], next((part for part in found.groups() if part), text) if found else text, text


def parse_grub_environment(text: str) -> dict[str, str]:
    """Parse what `grub-editenv list` prints."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {name: value for name, mark, value in pairs if mark}


def grub_default_entry(entries: Sequence[BootEntry], saved: str) -> BootEntry | None:
    """Return the entry that GRUB boots when nobody chooses, its default being the saved one.

    None for a default that is saved as a place in the menu (`1>0`): every kernel that is installed
    moves the others. The first place, 0, is what boots without a saved entry.
    """
    if saved != "0" and _PLACE.fullmatch(saved):
        return None
    for entry in entries:
        if saved and saved in {entry.id, entry.title, entry.id.rpartition(">")[2]}:
            return entry
    # Without a saved entry, and where it no longer exists, the menu's first line boots.
    return entries[0] if entries else None


def find_entry(entries: Iterable[BootEntry], *, release: str, pkgbase: str) -> BootEntry | None:
    """Return a kernel's entry; one with the fallback initramfs only if there is no other."""
    found = [entry for entry in entries if _boots(entry, release, pkgbase)]
    return min(found, key=lambda entry: "fallback" in entry.id.lower(), default=None)


def _boots(entry: BootEntry, release: str, pkgbase: str) -> bool:
    image = PurePosixPath(entry.linux)
    # `//linux-mine` in Limine's tree; `arch-linux-mine.efi` is a unified kernel image.
    name = PurePosixPath(entry.id.replace(">", "/")).name
    stem = name.removesuffix(".efi").removesuffix(".conf")
    return (
        entry.version == release
        or image.name in {f"vmlinuz-{pkgbase}", f"vmlinuz-{release}"}
        or release in image.parts
        or stem in {pkgbase, release}
        or stem.endswith((f"-{pkgbase}", f"-{release}"))
    )
