"""What every verb has in common: options, output, and the way from errors to exit codes."""

from __future__ import annotations

import functools
import json
import os
import sys
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from pkgafdo import log
from pkgafdo.columns import fit, width_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.config.model import Config

Function = TypeVar("Function", bound="Callable[..., Any]")

DEFAULT_CONFIG = Path("pkgafdo.toml")


class NumberRange(click.FloatRange):
    """A number between bounds; click itself lets “nan” through, which is below every limit."""

    def convert(
        self,
        value: Any,  # noqa: ANN401  as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> float:
        """Return the number, or fail as click does."""
        number: float = super().convert(value, param, ctx)
        if isnan(number):
            self.fail(f"{value} is not a number.", param, ctx)
        return number


def common(function: Function) -> Function:
    """Add the options that every verb has; the verb itself is given only `as_json`."""

    @functools.wraps(function)
    def with_terminal(*args: Any, quiet: bool, verbose: bool, **words: Any) -> Any:  # noqa: ANN401
        open_terminal(quiet=quiet, verbose=verbose)
        return function(*args, **words)

    wrapped: Any = with_terminal
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout."),
        click.option("-q", "--quiet", is_flag=True, help="Show only warnings and errors."),
        click.option("-v", "--verbose", is_flag=True, help="Show every command that runs."),
    ):
        wrapped = option(wrapped)
    return cast("Function", wrapped)


def configured(function: Function) -> Function:
    """Add the options of verbs that read the configuration."""
    for option in (
        click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
                     help="Override a key of the configuration; may be repeated."),
        click.option("--source", metavar="PLACE",
                     help="Kernel source: folder, tarball, git URL, or “auto” (source.location)."),
        click.option("-c", "--config", "config_file", type=click.Path(path_type=Path),
                     help="Configuration file; default: pkgafdo.toml here, if there is one."),
    ):  # fmt: skip
        function = option(function)
    return function


def in_workdir(function: Function) -> Function:
    """Add the option that names the work folder."""
    return click.option(
        "-w", "--workdir", type=click.Path(path_type=Path), default=None,
        help="Folder that keeps everything of this run; default: pkgafdo-work here.",
    )(function)  # fmt: skip


def open_terminal(*, quiet: bool, verbose: bool) -> None:
    """Set up what a person sees, from the flags and the terminal."""
    live = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    log.use(
        log.Terminal(
            quiet=quiet,
            verbose=verbose,
            live=live,
            color=live and not os.environ.get("NO_COLOR"),
        )
    )


def read_config(config_file: Path | None, source: str | None, overrides: tuple[str, ...]) -> Config:
    """Return the configuration that the options name; places in it are relative to here."""
    from pkgafdo.config.load import load_config

    if config_file is None and DEFAULT_CONFIG.is_file():
        config_file = DEFAULT_CONFIG
    if source is not None:
        overrides = (*overrides, f"source.location={json.dumps(source)}")
    return load_config(config_file, overrides)


def words_of(
    config_file: Path | None, source: str | None, overrides: tuple[str, ...]
) -> tuple[str, ...]:
    """Return the options that `read_config` is given, so that they can be given again from here."""
    if config_file is None and DEFAULT_CONFIG.is_file():
        config_file = DEFAULT_CONFIG
    return (
        *(("--config", str(config_file.absolute())) if config_file else ()),
        *(("--source", source) if source is not None else ()),
        *(word for override in overrides for word in ("--set", override)),
    )


def workdir_path(workdir: Path | None) -> Path:
    """Return the work folder as an absolute path; one folder has one path, however it is spelled."""
    return Path(workdir or "pkgafdo-work").resolve()


def show(as_json: bool, data: object, text: str, *, verbatim: bool = False) -> None:
    """Print a result on stdout: one JSON object, or text.

    On a terminal long lines are broken between words, unless the text is to be copied as it is.
    """
    if as_json:
        click.echo(json.dumps(data, indent=2, ensure_ascii=False))
        return
    if sys.stdout.isatty() and not verbatim:
        text = fit(text, width_of(sys.stdout))
    click.echo(text.rstrip("\n"))
