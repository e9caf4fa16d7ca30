"""The verb that removes what runs installed into this system."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from pkgafdo.cli.options import common, in_workdir, show, workdir_path

if TYPE_CHECKING:
    from pathlib import Path


@click.command("uninstall", help="Remove the kernels that this work folder's runs installed.")
@click.option("--all", "everything", is_flag=True, help="Those of all work folders.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed; change nothing.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@in_workdir
@common
def uninstall_verb(
    everything: bool, dry_run: bool, yes: bool, workdir: Path | None, as_json: bool
) -> None:
    """Remove them, but never the running kernel and nothing that somebody else installed."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.workflows import uninstall
    from pkgafdo.workflows.installed_record import read_record, record_path
    from pkgafdo.workflows.session import make_runner

    host = read_facts()
    runner = make_runner(host)
    record = record_path(host)
    kernels = uninstall.chosen(read_record(record), None if everything else workdir_path(workdir))
    removals = uninstall.plan_removals(runner, kernels, running=host.release)
    lines = [uninstall.describe(one) for one in removals]
    if removals and not dry_run:
        if not yes and sys.stdin.isatty():
            click.confirm("\n".join([*lines, "Go ahead?"]), abort=True, err=True)
        uninstall.remove(runner, removals, record)
    data = [asdict(one) for one in removals]
    show(as_json, data, "\n".join(lines or ["pkgafdo installed no kernel that it knows of"]))


UNINSTALL_VERBS: tuple[click.Command, ...] = (uninstall_verb,)
