"""A folder with somebody's PKGBUILD, read without trusting it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError, ConfigError, HostError
from pkgafdo.host.facts import read_facts
from pkgafdo.host.users import require_builder
from pkgafdo.packaging.bash_syntax import parse_script
from pkgafdo.packaging.check_tools import check_bash
from pkgafdo.packaging.pkgbuild_shape import read_shape
from pkgafdo.packaging.pkgbuild_values import read_values
from pkgafdo.packaging.sandbox import Sandbox, read_inside, require_sandbox
from pkgafdo.workflows.session import make_runner

if TYPE_CHECKING:
    from pathlib import Path

    from pkgafdo.packaging.bash_script import Script
    from pkgafdo.packaging.pkgbuild_shape import Shape
    from pkgafdo.packaging.pkgbuild_values import Values

NAME: Final = "PKGBUILD"
SRCINFO: Final = ".SRCINFO"

_SIZE_LIMIT: Final = 1 << 20
_PRINT: Final = ("makepkg", "--printsrcinfo")


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """A PKGBUILD that was read: its folder, script and values, and how it was run for that."""

    folder: Path
    sandbox: Sandbox
    script: Script
    values: Values
    shape: Shape


def open_sandbox(*, trusted: bool) -> Sandbox:
    """Return how this machine reads PKGBUILDs.

    Raises HostError when it cannot do so safely and the folder is not trusted.
    """
    host = read_facts()
    runner = make_runner(host)
    if trusted:
        runner = replace(runner, builder=require_builder(host.euid))
    sandbox = Sandbox(runner=runner, trusted=trusted)
    require_sandbox(sandbox)
    return sandbox


def read_content(folder: Path) -> bytes:
    """Return the PKGBUILD's bytes; raises ConfigError when the folder has none, or no file."""
    path = folder / NAME
    try:
        if not path.is_file():
            raise ConfigError(
                f"{folder} holds no PKGBUILD", hint="Name the folder that the PKGBUILD lies in."
            )
        if path.stat().st_size > _SIZE_LIMIT:
            raise ArtifactError(
                f"{path} has more than {_SIZE_LIMIT >> 20} MiB", hint="This is no PKGBUILD."
            )
        content = path.read_bytes()
    except OSError as error:
        raise HostError(
            f"{path} cannot be read", details=error.strerror or str(error),
            hint="Let your user read it, or use a copy that is yours.",
        ) from error  # fmt: skip
    if b"\0" in content:
        raise ArtifactError(f"{path} has NUL bytes in it", hint="This is no text.")
    return content


def read_script(sandbox: Sandbox, folder: Path, content: bytes) -> Script:
    """Return the parsed PKGBUILD; raises ArtifactError, with the line, when it has syntax errors."""
    path = folder / NAME
    for fault in check_bash(sandbox.runner, path):
        raise ArtifactError(
            f"{path}:{fault.line}: {fault.message}",
            hint="Mend the syntax error first: makepkg cannot read the file either.",
        )
    script = parse_script(content)
    for unknown in script.faults:
        raise ArtifactError(
            f"{path}:{unknown.line}: “{unknown.text}” is not understood, so nothing is changed",
            hint="Write this line more plainly.",
        )
    return script


def read_folder(sandbox: Sandbox, folder: Path) -> Reading:
    """Read a folder's PKGBUILD, its values included."""
    script = read_script(sandbox, folder, read_content(folder))
    values = evaluate(sandbox, folder, script)
    return Reading(
        folder=folder, sandbox=sandbox, script=script, values=values,
        shape=read_shape(script, values),
    )  # fmt: skip


def evaluate(sandbox: Sandbox, folder: Path, script: Script) -> Values:
    """Return the values of all variables that a script sets outside of its functions."""
    names = (one.name for one in script.assignments if not one.function)
    return read_values(sandbox, folder, names)


def make_srcinfo(sandbox: Sandbox, folder: Path) -> str | None:
    """Return what makepkg prints for .SRCINFO; None where makepkg is not installed."""
    if sandbox.runner.which("makepkg") is None:
        return None
    return read_inside(sandbox, _PRINT, folder)


def read_srcinfo(folder: Path) -> str | None:
    """Return the folder's .SRCINFO, or None."""
    path = folder / SRCINFO
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else None
