"""The plan of interleaved boots: ABBA, so that a drift of the machine hits both kernels alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_KIND: Final = "pkgafdo plan of boots"
_FORMAT: Final = 1


def interleaved(first: str, second: str, boots: int) -> tuple[str, ...]:
    """Return which kernel to boot in which order: A B B A A B B A …, so many boots of each.

    Raises ConfigError when one is no release, both are the same or there are no boots.
    """
    for release in (first, second):
        if not release or {*release} & {*"/ \t\n"}:
            raise ConfigError(
                f"“{release}” is not a kernel’s release",
                hint="Name two kernel releases, as `uname -r` prints them.",
            )
    if first == second:
        raise ConfigError(
            f"{first} cannot be compared with itself by a plan",
            hint="Name two kernel releases, as `uname -r` prints them.",
        )
    if boots < 1:
        raise ConfigError("a plan needs at least one boot of each kernel", hint="Ask for five.")
    order = []
    for pair in range(boots):
        order += [first, second] if pair % 2 == 0 else [second, first]
    return tuple(order)


def next_kernel(order: Sequence[str], done: Mapping[str, int]) -> str | None:
    """Return the kernel whose turn it is, given the boots measured of each; None at the end.

    Boots out of turn count where they belong, so the plan only ever gets shorter.
    """
    left = dict(done)
    for kernel in order:
        if left.get(kernel, 0) > 0:
            left[kernel] -= 1
        else:
            return kernel
    return None


def write_plan(path: Path, order: Sequence[str]) -> None:
    """Write a plan by rename."""
    files.write_json(path, {"kind": _KIND, "format": _FORMAT, "order": list(order)})


def read_plan(path: Path) -> tuple[str, ...]:
    """Read a plan. Raises ArtifactError when it is none."""
    try:
        data = files.read_json(path)
        kind = (data["kind"], data["format"])
        order = tuple(str(kernel) for kernel in data["order"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _no_plan(path, str(error)) from error
    if kind != (_KIND, _FORMAT):
        raise _no_plan(path, f"It is {kind[0]} of format {kind[1]}.")
    return order


def _no_plan(path: Path, evidence: str) -> ArtifactError:
    return ArtifactError(
        f"{path} is not a plan of boots",
        details=evidence,
        hint="Make one with `pkgafdo measure plan`.",
    )
