"""The verbs about recordings and the tables made of them: branches read, info, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pkgafdo.cli.options import common, show

if TYPE_CHECKING:
    from typing import BinaryIO

PATH = click.Path(path_type=Path)
FORMS = ("profgen", "create-llvm-prof", "propeller-proto", "fdata", "preagg")
_TOOLS = {
    "llvm-profgen": "profgen",
    "create_llvm_prof": "create-llvm-prof",
    "propeller": "propeller-proto",
    "bolt": "fdata",
    "perf2bolt": "preagg",
}
"""The names of the tools that read the forms; each stands for its form."""
_EXPORT_HELP = """Write a table for another tool.

    \b
    profgen           for llvm-profgen --unsymbolized-profile --use-offset=0
    create-llvm-prof  for create_llvm_prof --profiler=text
    propeller-proto   for generate_propeller_profiles (branch_frequencies.proto)
    fdata             for llvm-bolt --data
    preagg            for perf2bolt -pa

    A tool's name does as well: llvm-profgen, create_llvm_prof, propeller, bolt (fdata), perf2bolt
    (preagg).
    """


class FormChoice(click.Choice[str]):
    """A form by its name, or by that of the tool that reads it."""

    def convert(
        self,
        value: Any,  # noqa: ANN401  as click has it
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str:
        """Return the form's name, or fail as click does."""
        form: str = super().convert(_TOOLS.get(value, value), param, ctx)
        return form


allow_mismatch_option = click.option(
    "--allow-mismatch", is_flag=True, help="Go on although build-ids differ; it is written down."
)


def sources_of(recordings: tuple[Path, ...]) -> tuple[Path | BinaryIO, ...]:
    """Return what to read: files, and stdin for `-`."""
    return tuple(sys.stdin.buffer if str(path) == "-" else path for path in recordings)


@click.group("branches", help="Read recordings into tables, look into them, write them for others.")
def branches_group() -> None:
    """Hold the verbs about recordings."""


@branches_group.command("read", help="Read recordings (perf.data, counts, tables; - for a pipe) "
                                     "of one kernel into one table.")  # fmt: skip
@click.argument("recordings", nargs=-1, required=True, type=PATH)
@click.option(
    "--vmlinux", type=PATH, help="The recorded kernel: undoes KASLR, checks the build-id."
)
@click.option("--no-filter", is_flag=True, help="Count everything that the files hold.")
@click.option("-o", "--output", type=PATH, required=True, help="The table to write (Parquet).")
@click.option(
    "--allow-failed", is_flag=True, help="Go on although a recorder marked one as not to be used."
)
@allow_mismatch_option
@common
def branches_read(
    recordings: tuple[Path, ...],
    vmlinux: Path | None,
    no_filter: bool,
    output: Path,
    allow_failed: bool,
    allow_mismatch: bool,
    as_json: bool,
) -> None:
    """Write the table and say what is in it."""
    from pkgafdo.branches.store import write_table
    from pkgafdo.workflows import recordings as work

    kernel = work.read_vmlinux(vmlinux) if vmlinux is not None else None
    table = work.read_sources(
        sources_of(recordings),
        kernel,
        filters=not no_filter,
        allow_mismatch=allow_mismatch,
        allow_failed=allow_failed,
    )
    write_table(table, output)
    info = work.describe_table(table) | {"path": str(output)}
    show(as_json, info, f"{output}\n{work.render_table_info(info)}")


@branches_group.command("info", help="Say what a recording (- for a pipe) or a table holds.")
@click.argument("source", type=PATH)
@click.option("--no-filter", is_flag=True, help="Count everything that the file holds.")
@common
def branches_info(source: Path, no_filter: bool, as_json: bool) -> None:
    """Print the counts and what is known about their making."""
    from pkgafdo.workflows import recordings as work

    [origin] = sources_of((source,))
    info = work.describe_table(work.read_source(origin, filters=not no_filter))
    show(as_json, info, work.render_table_info(info))


@branches_group.command("export", help=_EXPORT_HELP, short_help="Write a table for another tool.")
@click.argument("table", type=PATH)
@click.option("--to", "form", type=FormChoice(FORMS), required=True, help="The tool's form.")
@click.option("--vmlinux", type=PATH, required=True, help="The recorded kernel.")
@click.option("-o", "--output", type=PATH, required=True, help="The file to write.")
@allow_mismatch_option
@common
def branches_export(
    table: Path,
    form: str,
    vmlinux: Path,
    output: Path,
    allow_mismatch: bool,
    as_json: bool,
) -> None:
    """Write the file."""
    from pkgafdo.workflows import recordings as work

    kernel = work.read_vmlinux(vmlinux)
    found = work.read_sources([table], kernel, allow_mismatch=allow_mismatch)
    work.export_table(found, kernel, work.Form(form), output)
    data = {"path": str(output), "form": form, "size": output.stat().st_size}
    show(as_json, data, f"{output} ({data['size']:,} bytes)")


BRANCHES_VERBS: tuple[click.Command, ...] = (branches_group,)
