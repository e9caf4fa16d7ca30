"""Reading a PKGBUILD means running it: in bubblewrap, without network and with nothing to write to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError, CommandError, HostError
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from pkgafdo.runner.base import Runner
    from pkgafdo.runner.command import Result

INSIDE: Final = "/build"
"""Where the folder of the PKGBUILD is seen inside."""
OUTPUT_LIMIT: Final = 4 << 20
SECONDS: Final = 180.0
"""Long for a loaded machine, and an end for what has none."""

_WIDTH: Final = 200
"""Longest line of a PKGBUILD's own that is shown."""
_TMPFS_BYTES: Final = 64 << 20
_MEMORY_KIB: Final = 4 << 20
_ETC: Final = ("makepkg.conf", "makepkg.conf.d", "pacman.conf", "alternatives", "ld.so.cache")
"""What makepkg reads, and nothing that is anyone's secret."""
_SCRATCH: Final = ("BUILDDIR", "PKGDEST", "SRCDEST", "SRCPKGDEST", "LOGDEST")
_HINT: Final = "Install bubblewrap (Arch: bubblewrap, Debian: bubblewrap), or run with --trust."
# A PKGBUILD may print for ever: what it says is cut, and so ends it. 141 is SIGPIPE's.
_LIMITED: Final = (
    'ulimit -v "$1" -c 0; set -o pipefail; shift; "${@:2}" 2> >(head -c 9999 >&2) | head -c "$1"'
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sandbox:
    """How PKGBUILDs of a folder are read; trusted: as they are, without bubblewrap.

    seconds is how long reading one may take.
    """

    runner: Runner
    trusted: bool = False
    seconds: float = SECONDS


def bwrap_argv(folder: Path) -> tuple[str, ...]:
    """Return bubblewrap with its options: the system and the folder, both read-only, and no network."""
    etc = (f"/etc/{name}" for name in _ETC)
    return (
        "bwrap",
        "--unshare-all", "--unshare-user",
        "--uid", "1000", "--gid", "1000",
        "--cap-drop", "ALL",
        "--die-with-parent", "--new-session", "--clearenv",
        "--ro-bind", "/usr", "/usr",
        *(
            part
            for name in ("bin", "sbin", "lib", "lib64")
            for part in ("--symlink", f"usr/{name}", f"/{name}")
        ),
        *(part for path in etc for part in ("--ro-bind-try", path, path)),
        "--proc", "/proc", "--dev", "/dev",
        "--size", str(_TMPFS_BYTES), "--tmpfs", "/tmp",  # noqa: S108  the sandbox's own
        "--ro-bind", str(folder), INSIDE,
        "--chdir", INSIDE,
    )  # fmt: skip


def inside_environment() -> dict[str, str]:
    """Return the environment of what runs inside; a CI's variables are not in it."""
    scratch = dict.fromkeys(_SCRATCH, "/tmp")  # noqa: S108  the sandbox's own
    return {"PATH": "/usr/bin:/usr/sbin", "HOME": "/tmp", "LANG": "C.UTF-8"} | scratch  # noqa: S108


def sandboxed_command(argv: tuple[str, ...], folder: Path) -> Command:
    """Return the command that runs a program on a folder inside bubblewrap."""
    setenv = (
        part
        for name, value in inside_environment().items()
        for part in ("--setenv", name, value)
    )  # fmt: skip
    return _limited((*bwrap_argv(folder), *setenv, "--", *argv))


def trusted_command(argv: tuple[str, ...], folder: Path) -> Command:
    """Return the command that runs a program on a folder as the build user, without bubblewrap."""
    command = _limited(argv)
    return Command(
        argv=command.argv, cwd=folder, env=inside_environment(),
        accept=command.accept, run_as=RunAs.BUILDER,
    )  # fmt: skip


def _limited(argv: tuple[str, ...]) -> Command:
    return Command(
        argv=("bash", "-c", _LIMITED, "bash", str(_MEMORY_KIB), str(OUTPUT_LIMIT), *argv),
        accept=frozenset(range(256)),
    )


def probe_command() -> Command:
    """Return the command that succeeds where bubblewrap works."""
    return Command(
        argv=(*bwrap_argv(Path("/usr")), "--", "/usr/bin/true"), accept=frozenset(range(256))
    )


def require_sandbox(sandbox: Sandbox) -> None:
    """Raise HostError when a PKGBUILD cannot be read safely here, and is not trusted."""
    if sandbox.trusted:
        return
    refusal = "a PKGBUILD is only read inside bubblewrap, as reading it runs its code"
    if sandbox.runner.which("bwrap") is None:
        raise HostError(refusal, details="bwrap is not installed.", hint=_HINT)
    result = sandbox.runner.query(probe_command())
    if result.returncode:
        raise HostError(
            f"{refusal}, and bubblewrap does not work here",
            details=result.stderr.strip(),
            hint="User namespaces are needed: kernel.unprivileged_userns_clone=1, "
            "kernel.apparmor_restrict_unprivileged_userns=0, or in a container the right to make "
            "them. Or run with --trust, if you trust what is in the folder.",
        )


def run_inside(sandbox: Sandbox, argv: tuple[str, ...], folder: Path) -> Result:
    """Run a program on a folder, whatever its exit code; CommandError when it never ends."""
    make = trusted_command if sandbox.trusted else sandboxed_command
    return sandbox.runner.query(replace(make(argv, folder), timeout=sandbox.seconds))


def read_inside(sandbox: Sandbox, argv: tuple[str, ...], folder: Path) -> str:
    """Return what a program prints about a folder.

    Raises ArtifactError when it fails, prints without end, or never ends.
    """
    try:
        result = run_inside(sandbox, argv, folder)
    except CommandError as error:
        raise ArtifactError(
            f"the PKGBUILD in {folder} does not let itself be read",
            details=error.message,
            hint="What stands outside of its functions should only set variables.",
        ) from error
    if result.returncode or len(result.stdout) >= OUTPUT_LIMIT:
        raise ArtifactError(
            f"the PKGBUILD in {folder} cannot be read",
            details="\n".join((f"it ended with exit code {result.returncode}", *said(result))),
            hint="Look at what stands outside of its functions; makepkg --printsrcinfo says more.",
        )
    return result.stdout


def said(result: Result) -> tuple[str, ...]:
    """Return the last lines of what a program said, short and without a terminal's own signs."""
    lines = (line.strip() for line in result.stderr.splitlines())
    kept = [line[:_WIDTH] for line in lines if line][-5:]
    return tuple("".join(one if one.isprintable() else " " for one in line) for line in kept)
