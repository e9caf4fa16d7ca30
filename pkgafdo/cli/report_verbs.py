"""The verb that shows a run: one page, or the same as markdown or JSON."""

from __future__ import annotations

from pathlib import Path

import click

from pkgafdo.cli.options import common, configured, in_workdir, read_config, show, workdir_path
from pkgafdo.errors import ConfigError

FORMS = {"html": ".html", "markdown": ".md", "json": ".json"}


@click.command("report", help="Show a run: its verdict, charts and provenance, in one file.")
@click.option("-o", "--output", type=click.Path(path_type=Path),
              help="The file to write; default: report.html (.md, .json) in the work folder.")  # fmt: skip
@click.option("--format", "form", type=click.Choice(list(FORMS)),
              help="Default: what the output's name says; html without one.")  # fmt: skip
@in_workdir
@configured
@common
def report_verb(
    output: Path | None,
    form: str | None,
    workdir: Path | None,
    config_file: Path | None,
    source: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the report of a work folder; with --json print its data as well."""
    from pkgafdo.workflows.profiles import open_workbench
    from pkgafdo.workflows.report import report_workdir, write_report

    path = workdir_path(workdir)
    form = form or form_of(output)
    target = (output or path / f"report{FORMS[form]}").absolute()
    if target.is_dir():
        raise ConfigError(f"{target} is a folder", hint="Name the file to write with --output.")
    report = report_workdir(path, open_workbench(read_config(config_file, source, overrides)))
    write_report(report, target, form)
    show(as_json, report, str(target))


def form_of(output: Path | None) -> str:
    """Return the form that a file's name asks for. Raises ConfigError where it asks for none."""
    suffixes = {suffix: form for form, suffix in FORMS.items()}
    if output is None:
        return "html"
    if (suffix := output.suffix.lower()) not in suffixes:
        raise ConfigError(
            f"the name {output.name} does not say in which form the report is to be",
            hint=f"End it in {', '.join(suffixes)}, or name the form with --format.",
        )
    return suffixes[suffix]


REPORT_VERBS: tuple[click.Command, ...] = (report_verb,)
