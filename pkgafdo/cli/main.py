"""The entry point: the verbs, and errors turned into exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, NoReturn

import click

from pkgafdo import log
from pkgafdo.cli.branches_verbs import BRANCHES_VERBS
from pkgafdo.cli.init_verbs import INIT_VERBS
from pkgafdo.cli.look_verbs import LOOK_VERBS
from pkgafdo.cli.manual_verbs import MANUAL_VERBS
from pkgafdo.cli.measure_verbs import MEASURE_VERBS
from pkgafdo.cli.pkgbuild_verbs import PKGBUILD_VERBS
from pkgafdo.cli.profile_verbs import PROFILE_VERBS
from pkgafdo.cli.propeller_verbs import PROPELLER_VERBS
from pkgafdo.cli.repo_verbs import REPO_VERBS
from pkgafdo.cli.report_verbs import REPORT_VERBS
from pkgafdo.cli.run_verbs import RUN_VERBS
from pkgafdo.cli.service_verbs import Verbs
from pkgafdo.cli.uninstall_verbs import UNINSTALL_VERBS
from pkgafdo.columns import fit, width_of
from pkgafdo.errors import BROKEN_PIPE, INTERRUPTED, ConfigError, HostError, PkgafdoError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

_UNWRITABLE = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EFBIG,
        errno.EROFS,
        errno.EACCES,
        errno.EPERM,
        errno.ENOTDIR,
        errno.EISDIR,
        errno.EEXIST,
        errno.ENOTEMPTY,
    )
)
"""What says that a place cannot be written to, rather than that we have a bug."""
_EPILOG = (
    "Exit codes: 0 fine; 1 a bug of ours; 2 configuration or usage; 3 the machine lacks something; "
    "4 a program failed; 5 a file is not what it must be; 6 waiting for you; 130 interrupted."
)


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=_EPILOG,
)
@click.version_option(package_name="pkgafdo")
def cli() -> None:
    """Make profile-optimised Linux kernels as pacman packages.

    `pkgafdo run` does the whole job from a kernel tree to two sets of packages, the profile between
    them and a comparison; killed or interrupted, the same command goes on where it was.
    """


for _command in (
    *RUN_VERBS,
    *MEASURE_VERBS,  # in place of the run's own verb of this name
    *REPORT_VERBS,
    *BRANCHES_VERBS,
    *PROFILE_VERBS,
    *PROPELLER_VERBS,
    *PKGBUILD_VERBS,
    *REPO_VERBS,
    *LOOK_VERBS,
    *MANUAL_VERBS,
    *UNINSTALL_VERBS,
    *INIT_VERBS,
):
    cli.add_command(_command)


def render_error(error: PkgafdoError) -> str:
    """Return an error as a person reads it: the sentence, the evidence, the next move."""
    lines = [f"pkgafdo: {error.message}"]
    lines += [f"  | {line}" for line in error.details.splitlines()]
    if error.hint:
        lines.append(f"  → {error.hint}")
    lines += [f"  ({note})" for note in getattr(error, "__notes__", ())]
    return "\n".join(lines)


def _fitting(text: str) -> str:
    """Return an error's text with the lines of its sentences broken, on a terminal; not the evidence."""
    if not sys.stderr.isatty():
        return text
    columns = width_of(sys.stderr)
    lines = text.split("\n")
    return "\n".join(
        one if one.startswith("  | ") else fit(one, columns, further=4 if one[:1] == " " else 2)
        for one in lines
    )


def _bug(error: BaseException) -> int:
    """Report our own bug: one sentence, the traceback kept in a file."""
    handle, path = tempfile.mkstemp(prefix="pkgafdo-bug-", suffix=".log")
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        traceback.print_exception(error, file=stream)
    click.echo(
        f"pkgafdo: a bug in pkgafdo: {type(error).__name__}: {error}\n"
        f"  → Please report it with the traceback in {path}.",
        err=True,
    )
    return 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        words = list(arguments) if arguments is not None else None
        cli.main(args=words, prog_name="pkgafdo", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except BaseException as error:  # noqa: BLE001  the last resort: every end has its exit code
        log.done_progress()
        return exit_code(error)
    return 0


def _unwritten(error: OSError) -> HostError:
    """Return what to tell about a file that could not be written."""
    place = error.filename2 or error.filename
    where = f": {place}" if place else ""
    return HostError(
        f"a file could not be written{where}",
        details=str(error.strerror or error),
        hint="Free some space there or choose another place; nothing half-written was left.",
    )


def exit_code(error: BaseException) -> int:  # noqa: PLR0911  one line for each kind of end
    """Say what went wrong on stderr, and return the exit code for it."""
    match error:
        case click.ClickException():
            error.show()
            return ConfigError.exit_code
        case click.Abort() | KeyboardInterrupt():
            # click wraps the interruption, which knows what is kept and what goes on.
            notes = getattr(error.__cause__ or error, "__notes__", ())
            said = ("pkgafdo: interrupted", *notes)
            click.echo("; ".join(said), err=True)
            return INTERRUPTED
        case OSError() if error.errno == errno.EIO and isinstance(
            error.__context__, KeyboardInterrupt
        ):
            return INTERRUPTED  # by a terminal that was closed: nobody is left to say it to
        case PkgafdoError():
            click.echo(_fitting(render_error(error)), err=True)
            return error.exit_code
        case SystemExit():
            # Shell completion ends so, after it has printed what it was asked for.
            return error.code if isinstance(error.code, int) else 0
        case BrokenPipeError():
            # Whoever read our output has gone: nothing is left to say, and no one to say it to.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return BROKEN_PIPE
        case OSError() if error.errno in _UNWRITABLE:
            return exit_code(_unwritten(error))
        case _:
            return _bug(error)


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    del number, frame
    raise KeyboardInterrupt


def entry() -> None:
    """Run as the installed program `pkgafdo`; a polite request to end is taken like Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # Without this the programs that we started would go on by themselves.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    sys.exit(main())
