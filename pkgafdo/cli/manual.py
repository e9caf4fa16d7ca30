"""Shell completions and manual pages, made from the verbs themselves."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import click
from click.shell_completion import get_completion_class

if TYPE_CHECKING:
    from collections.abc import Iterator

SHELLS: Final = ("bash", "zsh", "fish")
_PROGRAM: Final = "pkgafdo"
_VARIABLE: Final = "_PKGAFDO_COMPLETE"
_PAGES: Final = (
    ("EXIT STATUS", (
        ("0", "fine"), ("1", "a bug of pkgafdo"), ("2", "configuration or usage"),
        ("3", "the machine lacks something"), ("4", "a program failed; its log is named"),
        ("5", "a file is not what it must be"), ("6", "waiting for you"), ("130", "interrupted"),
    )),
    ("ENVIRONMENT", (("NO_COLOR", "if set and not empty, messages have no colours"),)),
    ("FILES", (
        ("pkgafdo.toml", "the configuration, in the current folder"),
        ("pkgafdo-work", "the work folder of a run, in the current folder"),
    )),
)  # fmt: skip


def completion(shell: str, command: click.Command) -> str:
    """Return the script that makes a shell complete this command line."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"There is no completion for {shell}.")
    # What `source` of bash's does besides is to start bash and look at its version.
    one = found(command, {}, _PROGRAM, _VARIABLE)
    return one.source_template % one.source_vars()


def manual_pages(command: click.Command, version: str) -> dict[str, str]:
    """Return every verb's manual page by file name; pkgafdo.1 is that of the program."""
    root = click.Context(command, info_name=_PROGRAM)
    return {
        f"{_path(context).replace(' ', '-')}.1": _page(context, version)
        for context in _contexts(root)
    }


def _contexts(context: click.Context) -> Iterator[click.Context]:
    yield context
    if isinstance(context.command, click.Group):
        for name in context.command.list_commands(context):
            command = context.command.get_command(context, name)
            if command is not None and not command.hidden:
                yield from _contexts(click.Context(command, info_name=name, parent=context))


def _path(context: click.Context) -> str:
    """Return the words of a verb; click's own path has the arguments of the verbs above, too."""
    above = f"{_path(context.parent)} " if context.parent is not None else ""
    return f"{above}{context.info_name}"


def _page(context: click.Context, version: str) -> str:
    path = _path(context)
    name = path.replace(" ", "-")
    short = context.command.get_short_help_str(limit=200).rstrip(".")
    lines = [
        f'.TH "{_roff(name).upper()}" "1" "" "pkgafdo {_roff(version)}" "pkgafdo manual"',
        ".SH NAME",
        f"{_roff(name)} \\- {_roff(short[:1].lower() + short[1:])}",
        ".SH SYNOPSIS",
        f".B {_roff(path)}",
        _roff(" ".join(context.command.collect_usage_pieces(context))),
        ".SH DESCRIPTION",
        *_paragraphs(context.command.help or ""),
        *_options(context),
        *_commands(context),
    ]
    if context.parent is None:
        for heading, rows in _PAGES:
            lines.append(f".SH {_quoted(heading)}")
            lines += [line for term, text in rows for line in _term(term, text)]
    lines += [".SH SEE ALSO", *_others(context)]
    return "\n".join(lines) + "\n"


def _paragraphs(text: str) -> Iterator[str]:
    for part in re.split(r"\n\s*\n", text.strip()):
        if part.lstrip().startswith("\b"):  # click's mark of a table: name, spaces, text
            for line in part.splitlines()[1:]:
                term, _, rest = line.strip().partition("  ")
                yield from _term(term, rest)
            continue
        yield ".PP"
        yield _roff(" ".join(part.split()))


def _options(context: click.Context) -> Iterator[str]:
    records = [
        record
        for parameter in context.command.get_params(context)
        if (record := parameter.get_help_record(context)) is not None
    ]
    if records:
        yield ".SH OPTIONS"
        for term, text in records:
            yield from _term(term, text)


def _commands(context: click.Context) -> Iterator[str]:
    if not isinstance(context.command, click.Group):
        return
    yield ".SH COMMANDS"
    for name in context.command.list_commands(context):
        command = context.command.get_command(context, name)
        if command is not None and not command.hidden:
            yield from _term(name, command.get_short_help_str(limit=200))


def _term(term: str, text: str) -> tuple[str, ...]:
    return (".TP", f".B {_roff(term)}", _roff(" ".join(text.split())))


def _others(context: click.Context) -> Iterator[str]:
    parent = context.parent
    if parent is not None:
        yield f".BR {_roff(_path(parent).replace(' ', '-'))} (1)"
    elif isinstance(context.command, click.Group):
        names = context.command.list_commands(context)
        yield ",\n".join(f".BR {_roff(f'{_PROGRAM}-{name}')} (1)" for name in names)


def _quoted(text: str) -> str:
    return f'"{text}"'


def _roff(text: str) -> str:
    """Return text as troff takes it: nothing in it is a request or an escape (groff_man(7))."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"(?m)^([.'])", r"\\&\1", text)
