"""Running a program as root so that it always ends with us, and sysctls come back to what they were."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import Final

from pkgafdo.runner.command import Command, RunAs

SYSCTLS: Final = "/proc/sys"
NOTES: Final = "/run/pkgafdo"
"""A reboot empties it, as it does the changes themselves."""

FOR_ROOT: Final = (("kernel/kptr_restrict", 1),)
"""What root itself needs: with kptr_restrict 2 nobody sees where the kernel and its modules lie.
perf_event_paranoid never concerns root (Linux, kernel/events/core.c: perf_allow_kernel)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where sysctls lie, and where it is noted what they were; others stand for them in tests."""

    sysctls: str = SYSCTLS
    notes: str = NOTES


REAL_PLACES: Final = Places()


def keeper_script() -> str:
    """Return the path of the small script that runs as root."""
    return str(resources.files("pkgafdo.perf") / "keeper.sh")


def kept_command(
    argv: tuple[str, ...],
    *,
    run_as: RunAs = RunAs.ROOT,
    places: Places = REAL_PLACES,
    hint: str = "",
) -> Command:
    """Return the command that runs a program until its standard input ends.

    As root it holds the sysctls that root needs lower; as anybody else it changes nothing.
    """
    held = FOR_ROOT if run_as is RunAs.ROOT else ()
    return Command(
        argv=(
            "sh", keeper_script(), places.sysctls, places.notes,
            *(f"{name}={most}" for name, most in held), "--", *argv,
        ),
        run_as=run_as,
        hint=hint,
        accept=frozenset({0, 130}),  # perf ends itself by the signal that it was asked to end with
    )  # fmt: skip
