"""One stay of a command in the VM: what the guest is made of, and what it leaves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import elf, files
from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.vlbr import read_counts
from pkgafdo.errors import CommandError, HostError
from pkgafdo.vm.errand import fill_share, run_errand
from pkgafdo.vm.guest import find_trouble
from pkgafdo.vm.lbr import EVENT, plugin_for
from pkgafdo.vm.virtme import FRAGMENT, Visit, require_shareable, virtme_command
from pkgafdo.workflows.vm_road import read_stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.branches.table import BranchTable
    from pkgafdo.config.model import Config
    from pkgafdo.runner.local import LocalRunner
    from pkgafdo.vm.errand import Errand, Outcome
    from pkgafdo.vm.plugin import Native
    from pkgafdo.workflows.vm_kernel import VmKernel
    from pkgafdo.workflows.vm_road import VmRoad

_TAIL_LINES: Final = 25
_COUNTS: Final = "counts"
_MODULES: Final = Path("/lib/modules")
_LAYERS: Final = ("/etc",)
"""Where no module was ever installed, as in a container, there is nothing to mount them on: /lib too."""
_QEMU_PACKAGES: Final = "Install QEMU (Arch: qemu-system-x86; Debian: qemu-system-x86)."


@dataclass(frozen=True, kw_only=True, slots=True)
class VmWish:
    """What `record --vm` was asked for.

    errand has no path of its program yet. image and vmlinux are a kernel by itself; without them the
    baseline of the run in workdir is taken. show gets the command's output as it comes.
    """

    output: Path
    errand: Errand
    workdir: Path
    show: Callable[[bytes], None]
    seconds: float | None = None
    image: Path | None = None
    vmlinux: Path | None = None

    @property
    def kept(self) -> dict[str, Path]:
        """Where the command's output and the guest's console stay: beside the table."""
        return {name: self.output.with_suffix(f".{name}") for name in ("output", "console")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What a guest is made of; program is virtme-run."""

    kernel: VmKernel
    native: Native
    road: VmRoad
    program: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """What a guest left: the counts, how its command ended, what its kernel said.

    damage says what is wrong with the end of the counts, if anything.
    """

    table: BranchTable
    outcome: Outcome
    said: str
    damage: str = ""


def stay(runner: LocalRunner, config: Config, wish: VmWish, machine: Machine) -> Stay:
    """Boot, let the command run, and read what was counted, whatever may speak against it.

    Raises CommandError when the guest never came to the command.
    """
    with tempfile.TemporaryDirectory(prefix="pkgafdo-") as name:
        folder = Path(name)
        require_shareable(folder)
        share, console = folder / "share", folder / "console"
        share.mkdir()
        recorder = machine.road.recorder(config)
        fill_share(share, wish.errand, machine.native.window, recorder=recorder)
        outcome = run_errand(
            runner,
            virtme_command(config.vm, _visit(runner, config, machine, folder)),
            share,
            console=console,
            seconds=wish.seconds,
            boot_timeout=config.vm.timeout,
            show=wish.show,
        )
        said = _keep(wish, share / "output", console)
        _require_begun(outcome, wish, said, config.vm.timeout)
        table, damage = _read(machine, config, folder, _meta(machine, config, wish.errand, outcome))
    return Stay(table=table, outcome=outcome, said=said, damage=damage)


def _visit(runner: LocalRunner, config: Config, machine: Machine, folder: Path) -> Visit:
    kernel, road = machine.kernel, machine.road
    counts = folder / _COUNTS
    return Visit(
        program=machine.program,
        image=kernel.image,
        share=folder / "share",
        qemu=_qemu(runner, config.vm.qemu),
        plugin=plugin_for(machine.native, kernel.vmlinux.path, "record", counts),
        lbr_format=road.lbr_format,
        modules=kernel.modules,
        layers=_LAYERS if _MODULES.is_dir() or not kernel.modules else (*_LAYERS, "/lib"),
    )


def _qemu(runner: LocalRunner, name: str) -> str:
    """Return QEMU's path, as virtme-ng wants it."""
    found = runner.which(name)
    if found is None:
        raise HostError(f"{name} is not installed", hint=_QEMU_PACKAGES)
    return found


def _keep(wish: VmWish, output: Path, console: Path) -> str:
    """Keep what the command and the guest's kernel said; returns the latter."""
    said = ""
    if console.is_file():
        said = console.read_text(encoding="utf-8", errors="replace").replace("\r", "")
    files.write_text(wish.kept["console"], said)
    files.copy_file(output, wish.kept["output"])
    return said


def _require_begun(outcome: Outcome, wish: VmWish, said: str, timeout: int) -> None:
    """Raise CommandError when the guest never came to the command."""
    if outcome.begun:
        return
    if outcome.interrupted:
        raise KeyboardInterrupt
    trouble = find_trouble(said)
    why = f"did not get as far as the command within {timeout} s (vm.timeout)"
    if not outcome.expired:
        why = f"broke: {trouble[0]}" if trouble else "ended before it came to the command"
    raise CommandError(
        f"the guest {why}",
        details="\n".join(said.strip().splitlines()[-_TAIL_LINES:]),
        hint=f"What its kernel said is in {wish.kept['console']}. A kernel built with the fragment "
        f"“{FRAGMENT}” can do it: --set 'kernel.fragments=[\"{FRAGMENT}\"]'.",
    )


def _read(
    machine: Machine, config: Config, folder: Path, meta: TableMeta
) -> tuple[BranchTable, str]:
    """Return the counts with what is known of them, and what is wrong with their end."""
    if not machine.road.lbr_format:
        return read_counts(folder / _COUNTS, meta), ""
    table, damage = read_stream(folder / "share", machine.kernel.vmlinux.path)
    known = replace(
        table.meta,
        build_id=meta.build_id,
        kernelrelease=meta.kernelrelease,
        event=machine.road.event.name,
        period=config.record.period,
        source="perf in a VM, a command of the host through virtme-ng",
        extra=dict(table.meta.extra) | dict(meta.extra),
    )
    return replace(table, meta=known), damage


def _meta(machine: Machine, config: Config, errand: Errand, outcome: Outcome) -> TableMeta:
    vmlinux = machine.kernel.vmlinux
    return TableMeta(
        build_id=vmlinux.build_id,
        kernelrelease=outcome.report.release,
        link_base=elf.text_bounds(vmlinux.path).text or 0,
        event=EVENT,
        period=1,
        source="virtual LBR in QEMU, a command of the host through virtme-ng",
        cpu=config.vm.cpu,
        modules=outcome.report.modules,
        extra={"workload": errand.title},
    )
