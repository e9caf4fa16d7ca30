"""The verbs that packages and shells use: completion, manual."""

from __future__ import annotations

from pathlib import Path

import click

from pkgafdo.cli.manual import SHELLS, completion, manual_pages
from pkgafdo.cli.options import common, show


def _root() -> click.Command:
    return click.get_current_context().find_root().command


@click.command("completion", help="Print the script that makes a shell complete pkgafdo.")
@click.argument("shell", type=click.Choice(SHELLS))
@common
def completion_verb(shell: str, as_json: bool) -> None:
    """Print the script; where it goes is the shell's affair (docs/terminal.md)."""
    text = completion(shell, _root())
    show(as_json, {"shell": shell, "script": text}, text, verbatim=True)


@click.command("manual", help="Write the manual pages of all verbs into a folder.")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@common
def manual_verb(folder: Path, as_json: bool) -> None:
    """Write one page a verb, each by rename."""
    from pkgafdo import files
    from pkgafdo.workflows.version import version

    pages = manual_pages(_root(), version())
    for name, text in pages.items():
        files.write_text(folder / name, text)
    data = {"folder": str(folder), "pages": sorted(pages)}
    show(as_json, data, f"{folder}: {len(pages)} manual pages")


MANUAL_VERBS: tuple[click.Command, ...] = (completion_verb, manual_verb)
