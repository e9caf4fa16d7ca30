"""The stages between the AutoFDO kernel and the one laid out by Propeller: layout, verify."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

from pkgafdo import elf, log
from pkgafdo.branches.store import read_table
from pkgafdo.errors import ArtifactError
from pkgafdo.kernel import kconfig
from pkgafdo.kernel.findings import Finding, describe, failed
from pkgafdo.kernel.image import ADDRESS_MAP
from pkgafdo.pipeline.stage import Produced, Stage
from pkgafdo.propeller.read import read_profiles
from pkgafdo.propeller.settings import PropellerSettings
from pkgafdo.propeller.write import COLD, PART
from pkgafdo.runner.command import Command, shell
from pkgafdo.workflows.guidance import LISTS, guidance_needs, guidance_of, layout_place, list_paths
from pkgafdo.workflows.kernel_stages import plain
from pkgafdo.workflows.propeller import layout, render
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from pkgafdo.pipeline.stage import Inputs
    from pkgafdo.propeller.read import Profiles
    from pkgafdo.symtab import SymbolTable
    from pkgafdo.workflows.session import Session

ORDER_KEPT: Final = 0.9
"""The share of neighbours in the wanted order that must be neighbours' order in the kernel: some
functions lie in sections of their own (`.sched.text`, `.spinlock.text`), where no order reaches."""

NAMES_KEPT: Final = 0.97
"""The share of a layout's functions that must be in the kernel built with it by the same name."""

PARTS_KEPT: Final = 0.9
"""The share of the layout's parts that must be there: without its list, clang splits fewer functions."""


def layout_stage(session: Session) -> Stage:
    """Return the stage that lays out the optimised kernel's blocks and functions by its recording."""
    prefix = layout_place(session.workdir.path)
    settings = session.config.propeller

    def run(inputs: Inputs) -> Produced:
        facts = layout(
            session.runner,
            inputs.file("build-optimised.address_map"),
            read_table(inputs.file("record-optimised.table")),
            prefix,
            settings=settings.layout,
            limits=settings.limits,
        )
        for line in render(facts).splitlines()[2:]:
            log.note(" ".join(line.split()))
        return Produced(
            files=list_paths(prefix), facts={k: v for k, v in facts.items() if k not in LISTS}
        )

    def preview(inputs: Inputs) -> tuple[str, ...]:
        vmlinux = str(inputs.file("build-optimised.address_map"))
        table = str(inputs.file("record-optimised.table"))
        words = ("--vmlinux", vmlinux, "--branches", table, "-o", str(prefix), *_set(settings))
        return (shell(Command(argv=("pkgafdo", "propeller", "layout", *words))),)

    return Stage(
        name="layout",
        title="lay out blocks and functions (Propeller)",
        recipe={"layout": plain(settings.layout), "limits": plain(settings.limits)},
        needs=("build-optimised.address_map", "record-optimised.table"),
        run=run,
        preview=preview,
    )


def _set(settings: PropellerSettings) -> Iterator[str]:
    """Yield the options that say of a layout what is not the default."""
    default = PropellerSettings()
    for section in ("layout", "limits"):
        usual = plain(getattr(default, section))
        for key, value in plain(getattr(settings, section)).items():
            if value != usual[key]:
                yield from ("--set", f"propeller.{section}.{key}={value}")


def addresses_of(symbols: SymbolTable) -> dict[str, int]:
    """Return the address of each symbol of a kernel's code by its name.

    Clusters behind the first and cold parts have symbols without a type.
    """
    code = symbols.executable.nonzero()[0].tolist()
    return dict(zip(symbols.names(code), symbols.address[code].tolist(), strict=True))


def order_kept(wanted: Iterable[str], addresses: Mapping[str, int]) -> float:
    """Return how many neighbours in a list of symbols lie in that order in a kernel, as a share."""
    pairs = list(pairwise(addresses[name] for name in wanted if name in addresses))
    return sum(one <= other for one, other in pairs) / len(pairs) if pairs else 0.0


def parts_of(profiles: Profiles) -> list[tuple[str, ...]]:
    """Return what each part of a function that the linker is told of may be called."""
    listed = set(profiles.symbols)
    parts = []
    for function in profiles.functions:
        later = (f"{PART}{part}" for part in range(1, len(function.clusters)))
        for suffix in (*later, COLD):
            names = (name + suffix for name in function.names)
            parts.append(tuple(name for name in names if name in listed))
    return [names for names in parts if names]


def _present(things: Iterable[tuple[str, ...]], addresses: Mapping[str, int]) -> int:
    """Count the things that a kernel has by one of their names."""
    return sum(any(name in addresses for name in names) for names in things)


def check_layout(
    vmlinux: Path, prefix: Path, *, profile_sha256: str, layout_sha256: str, salted: bool = True
) -> tuple[Finding, ...]:
    """Check a kernel by itself: its salt, no address map any more, functions split and in order.

    salted: its baseline has a salt; somebody's own PKGBUILD may leave it alone.
    """
    wanted, got = kconfig.salt(profile_sha256, layout_sha256), elf.build_salt(vmlinux) or ""
    mapped = any(section.name == ADDRESS_MAP for section in elf.sections(vmlinux))
    profiles, addresses = read_profiles(prefix), addresses_of(elf.symbols(vmlinux))
    kept = order_kept(profiles.symbols, addresses)
    functions = [function.names for function in profiles.functions]
    there, parts = _present(functions, addresses), parts_of(profiles)
    made = _present(parts, addresses)
    salt = Finding(
        name="build salt", ok=got == wanted, wanted=wanted, got=got,
        why="The kernel itself says which profile and which layout built it.",
    )  # fmt: skip
    return (
        *([salt] if salted or got else []),
        Finding(name="address map", ok=not mapped, wanted="none", got="some" if mapped else "none",
                why="Kbuild emits it only where it is not given a layout."),
        Finding(name="functions", ok=there >= NAMES_KEPT * len(functions),
                wanted=f"at least {NAMES_KEPT:.0%} of the layout's {len(functions)}", got=str(there),
                why="ThinLTO names promoted functions after their bitcode, which must be the same in "
                "both kernels; an object of an older configuration has another."),
        Finding(name="cold parts", ok=made >= PARTS_KEPT * len(parts),
                wanted=f"at least {PARTS_KEPT:.0%} of the layout's {len(parts)}", got=str(made),
                why="Clang splits functions as cc_profile.txt says; the linker's list alone does not."),
        Finding(name="order of functions", ok=kept >= ORDER_KEPT,
                wanted=f"at least {ORDER_KEPT:.0%} as in the layout", got=f"{kept:.1%}",
                why="The linker puts the hot text in the order of ld_profile.txt."),
    )  # fmt: skip


def verify_layout_stage(session: Session) -> Stage:
    """Return the stage that proves that the third kernel has the layout."""

    def run(inputs: Inputs) -> Produced:
        guidance = guidance_of(session, Round.PROPELLER, inputs)
        findings = check_layout(
            inputs.file("install-propeller.vmlinux"),
            layout_place(session.workdir.path),
            profile_sha256=inputs.digest("convert.profile"),
            layout_sha256=guidance.layout_sha256 or "",
            salted=bool(elf.build_salt(inputs.file("install-baseline.vmlinux"))),
        )
        if wrong := failed(findings):
            raise ArtifactError(
                "the third kernel does not show Propeller's work",
                details="\n".join(describe(finding) for finding in wrong),
                hint=f"Remove {session.scratch} and run again.",
            )
        checks = [*inputs.fact("build-propeller.checks"), *map(describe, findings)]
        for line in checks[-7:]:
            log.note(line.partition("\n")[0])
        return Produced(facts={"checks": checks})

    return Stage(
        name="verify-layout",
        title="verify that clang and ld.lld used the layout",
        recipe={},
        needs=(
            *guidance_needs(Round.PROPELLER),
            "install-baseline.vmlinux",
            "install-propeller.vmlinux",
            "build-propeller.checks",
        ),
        run=run,
    )
