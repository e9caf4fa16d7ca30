"""What a user may ask of recordings on a real machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator
from pydantic.dataclasses import dataclass

from pkgafdo.errors import ConfigError
from pkgafdo.perf.events import DEFAULT_PERIOD, parse_event
from pkgafdo.perf.workloads import parse_weighted
from pkgafdo.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class RecordSettings:
    """Where branches are recorded, and how on a real machine."""

    road: Literal["vm", "host", "auto"] = "vm"
    """Record in the VM with the virtual LBR, on this machine with perf, or there if it can ("auto")."""
    event: str = ""
    """The event, as for perf record -e or as “--pfm-events NAME”; empty: the one that fits the CPU."""
    period: int = Field(default=DEFAULT_PERIOD, ge=101, le=10_000_000_000)
    """Taken branches between two samples; a prime."""
    seconds: int = Field(default=0, ge=0)
    """End each recording after so many seconds; 0: with its workload, or with Ctrl-C."""
    workloads: tuple[str, ...] = ("stress-ng", "network", "file-system")
    """Named workloads, each recorded apart, as NAME or WEIGHT,NAME; none: while you use the machine."""
    command: str = ""
    """A workload of your own instead: a shell line that runs as you, not as root."""
    package: str = ""
    """The folder with the PKGBUILD that the workload makepkg builds."""
    max_lost: float = Field(default=0.1, ge=0, lt=1)
    """The share of lost samples above which a recording is not used."""
    use_failed: bool = False
    """Use recordings whose workload failed or was interrupted, or that broke off, too."""
    keep_perf_data: bool = False
    """Keep what perf wrote beside the counts (private to you: it names programs and their files)."""
    keep_limit: int = Field(default=8192, ge=1)
    """The largest size of a kept recording, in MiB."""
    perf: str = "perf"
    """The perf program."""

    @field_validator("event")
    @classmethod
    def _is_an_event(cls, value: str) -> str:
        if value:
            _as_value_error(parse_event, value)
        return value

    @field_validator("workloads")
    @classmethod
    def _are_workloads(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            _as_value_error(parse_weighted, one)
        return value


def _as_value_error(parse: Callable[[str], object], text: str) -> None:
    """Have a parser judge a value, in the words that the list of all faults takes."""
    try:
        parse(text)
    except ConfigError as error:
        raise ValueError(f"{error.message}. {error.hint}") from error
