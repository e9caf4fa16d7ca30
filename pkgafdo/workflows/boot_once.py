"""Setting a one-shot boot entry, so that the boot after next is the old kernel again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import log
from pkgafdo.errors import PkgafdoError
from pkgafdo.host import boot_entries, installed
from pkgafdo.host.boot_loader import Loader, OneShot
from pkgafdo.runner.command import Command, RunAs, shell
from pkgafdo.workflows.rounds import naming

if TYPE_CHECKING:
    from pkgafdo.host.boot_entries import BootEntry
    from pkgafdo.host.boot_loader import BootLoader
    from pkgafdo.runner.base import Runner
    from pkgafdo.workflows.rounds import Round
    from pkgafdo.workflows.session import Session


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The kernel to boot once, and the one that runs now: their releases and pkgbases.

    running_pkgbase is empty where no package owns the running kernel. may_be_default tells that the
    kernel is no stranger: if its entry is the default, it stays that.
    """

    release: str
    pkgbase: str
    running_release: str
    running_pkgbase: str = ""
    may_be_default: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Armed:
    """Whether the next boot takes the target; entry is what it is called, why not otherwise why.

    after says what boots after that, where it is not the running kernel again.
    """

    entry: str = ""
    why_not: str = ""
    after: str = ""


def target_of(
    session: Session, which: Round, release: str, *, filesystem: Path = Path("/")
) -> Target:
    """Return the kernel that has to be booted once."""
    running = session.host.release
    return Target(
        release=release,
        pkgbase=naming(session.config, which).pkgbase,
        running_release=running,
        running_pkgbase=installed.pkgbase_of(filesystem, running),
    )


def arm(runner: Runner, loader: BootLoader, target: Target) -> Armed:
    """Make the next boot, and only that, take the target's entry; or say why that cannot be done.

    A boot loader that fails is no fault of the run: a person can still choose in the menu.
    """
    try:
        match loader.oneshot:
            case OneShot.BOOTCTL:
                return _arm_bootctl(runner, loader, target)
            case OneShot.GRUB_REBOOT:
                return _arm_grub(runner, loader, target)
            case OneShot.NONE:
                return Armed(why_not=loader.why)
    except (PkgafdoError, ValueError, KeyError) as error:
        return Armed(why_not=f"{loader.name} could not be asked: {error}")


def disarm(runner: Runner, loader: BootLoader) -> None:
    """Take a one-shot entry back."""
    match loader.oneshot:
        case OneShot.BOOTCTL:
            runner.run(boot_entries.oneshot_command(""))
        case OneShot.GRUB_REBOOT:
            runner.run(boot_entries.grub_forget_command())
        case OneShot.NONE:
            pass


def arming_lines(loader: BootLoader, target: Target) -> tuple[str, ...]:
    """Return what a plan shows of booting the target: the command, or how a person does it."""
    match loader.oneshot:
        case OneShot.BOOTCTL:
            first = shell(boot_entries.oneshot_command(f"‹entry of {target.pkgbase}›"))
        case OneShot.GRUB_REBOOT:
            first = shell(boot_entries.grub_reboot_command(f"‹entry of {target.pkgbase}›"))
        case OneShot.NONE:
            return (f"# {loader.by_hand} It is {target.release}.",)
    return first, "# reboot; the same command goes on in that kernel, the boot after is the default"


def reboot_command() -> Command:
    """Return the command that reboots this machine."""
    return Command(
        argv=("systemctl", "reboot"),
        run_as=RunAs.ROOT,
        hint="Reboot by hand; --reboot needs systemd.",
    )


def sync_command() -> Command:
    """Return the command that brings everything written to the disk, before a reboot or power cut."""
    return Command(argv=("sync",))


_COPY: Final = (
    ": make one (CachyOS: `sdboot-manage gen`; else copy your entry in loader/entries and let it name "
    "vmlinuz-{pkgbase} and its initramfs), then this again"
)
_LIMINE: Final = (
    ": make one (`limine-update`; else an entry for vmlinuz-{pkgbase} in limine.conf), "
    "then this again"
)


def _missing(target: Target, hint: str) -> Armed:
    return Armed(why_not=f"no boot entry of {target.pkgbase} ({target.release}) was found{hint}")


def _arm_bootctl(runner: Runner, loader: BootLoader, target: Target) -> Armed:
    entries = boot_entries.parse_bootctl(runner.query(boot_entries.list_command()).stdout)
    entry = _find(entries, target)
    if entry is None:
        how = _LIMINE if loader.loader is Loader.LIMINE else _COPY
        return _missing(target, how.format(pkgbase=target.pkgbase))
    running = next((one for one in entries if one.selected), None)
    default = next((one for one in entries if one.default), running)
    after = ""
    if entry.default and not target.may_be_default:
        if running is None or running.id == entry.id:
            return Armed(why_not="it is the default entry, and the old kernel's is not known")
        runner.run(boot_entries.default_command(running.id))
        log.note(
            f"the new kernel would have become the default: “{running.id}” is it now "
            "(`bootctl set-default ''` takes that back)"
        )
    elif default is not None and running is not None and default.id != running.id:
        after = f"the default, “{default.title}”"
    runner.run(boot_entries.oneshot_command(entry.id))
    return Armed(entry=entry.id, after=after)


def _arm_grub(runner: Runner, loader: BootLoader, target: Target) -> Armed:
    text = runner.query(boot_entries.grub_config_command(loader.config)).stdout
    if "next_entry" not in text or "saved_entry" not in text:
        how = f"run `grub-mkconfig -o {loader.config}`"
        return Armed(why_not=f"{loader.config} is older than GRUB_DEFAULT=saved: {how}")
    entries = boot_entries.parse_grub(text)
    entry = _find(entries, target)
    if entry is None:
        return _missing(target, f": run `grub-mkconfig -o {loader.config}`, then this again")
    answer = runner.query(boot_entries.grub_environment_command()).stdout
    saved = boot_entries.parse_grub_environment(answer).get("saved_entry", "")
    default, old = boot_entries.grub_default_entry(entries, saved), _running(entries, target)
    after = ""
    if default is None:
        after = f"line {saved} of its menu, whichever that is now (`grub-set-default` takes a name)"
    elif default.linux == entry.linux and not target.may_be_default:
        if old is None:
            return Armed(why_not="it is GRUB's default entry, and the old kernel's is not known")
        runner.run(boot_entries.grub_default_command(old.id))
        log.note(f"the new kernel would have become GRUB's default: “{old.title}” is it now")
    elif old is None or default.linux != old.linux:
        after = f"the default, “{default.title}”"
    runner.run(boot_entries.grub_reboot_command(entry.id))
    return Armed(entry=entry.id, after=after)


def _find(entries: tuple[BootEntry, ...], target: Target) -> BootEntry | None:
    return boot_entries.find_entry(entries, release=target.release, pkgbase=target.pkgbase)


def _running(entries: tuple[BootEntry, ...], target: Target) -> BootEntry | None:
    """Return the entry of the kernel that runs now; where its package is unknown, by release alone."""
    release = target.running_release
    return boot_entries.find_entry(
        entries, release=release, pkgbase=target.running_pkgbase or release
    )
