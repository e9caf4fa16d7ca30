"""What a user may ask of the virtual machine and of the workload in it."""

from __future__ import annotations

import re
from typing import Final, Literal

from pydantic import Field, field_validator, model_validator
from pydantic.dataclasses import dataclass

from pkgafdo.settings import SETTINGS

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class VmSettings:
    """The virtual machine that kernels are recorded and measured in."""

    qemu: str = "qemu-system-x86_64"
    """The QEMU program; it must support TCG plugins."""
    cpu: str = "max"
    """The emulated CPU model (`qemu-system-x86_64 -cpu help`); the kernel's alternatives follow it."""
    cpu_features: tuple[str, ...] = ("fsrm", "fsrs")
    """Features that the guest's kernel takes for present (setcpuid=), as on current processors:
    QEMU runs them, but older versions do not announce them, and then loops stand in for `rep`."""
    memory: int = Field(default=1024, ge=256, le=65536)
    """The guest's memory in MiB."""
    modules: tuple[str, ...] = ("ext4", "brd")
    """Modules that the guest loads, with what they need; those built in or absent are passed over."""
    lbr: Literal["auto", "virtual"] = "auto"
    """Where `record --vm` gets branches: "auto" takes the processor's own LBR where KVM passes it on."""
    stack_period: int = Field(default=0, ge=0)
    """Also write a perf.data file: the last 32 branches at every so many (a prime); 0: none."""
    timeout: int = Field(default=900, ge=10)
    """Seconds after which a guest that has not finished is ended."""

    @field_validator("cpu_features", "modules")
    @classmethod
    def _are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [name for name in value if not _NAME.fullmatch(name)]:
            raise ValueError(f"not a name: {wrong[0]!r}")
        return value

    @field_validator("cpu", "qemu")
    @classmethod
    def _is_a_word(cls, value: str) -> str:
        if not value or value.startswith("-"):
            raise ValueError("it is empty or begins with “-”")
        return value


@dataclass(frozen=True, kw_only=True, slots=True, config=SETTINGS)
class WorkloadSettings:
    """What runs in the guest while branches are recorded."""

    suite: str = "train"
    """A shipped suite: "train" or "heldout"."""
    command: str = ""
    """An own workload instead: a shell command line that the guest runs as root."""
    files: tuple[str, ...] = ()
    """Programs and files of this machine that the command needs; libraries follow by themselves."""
    operations: int = Field(default=0, ge=0)
    """How many units of work the command does, for counts per operation; 0: it has none."""
    unit: str = "operation"
    """What such a unit is called."""
    step_timeout: int = Field(default=120, ge=1)
    """Seconds of guest time (one per 10⁹ instructions) after which a step is killed."""

    @model_validator(mode="after")
    def _belongs_to_a_command(self) -> WorkloadSettings:
        if self.files and not self.command:
            raise ValueError("files belong to a command of your own; there is none")
        if self.operations and not self.command:
            raise ValueError("operations belong to a command of your own; there is none")
        if "\0" in self.command or any("\0" in name or "\n" in name for name in self.files):
            raise ValueError("commands and file names hold no zero bytes or line ends")
        return self
