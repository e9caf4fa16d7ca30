"""The verbs that care for somebody's PKGBUILD: pkgbuild check, adapt, update."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pkgafdo import log
from pkgafdo.cli.options import common, show
from pkgafdo.errors import ConfigError

if TYPE_CHECKING:
    from pkgafdo.cli.options import Function
    from pkgafdo.workflows.pkgbuild_adapt import Change

_PATH = click.Path(path_type=Path)
_MARCH = click.Choice(["generic", "v2", "v3", "v4", "znver4", "native"], case_sensitive=False)


def _in_folder(function: Function) -> Function:
    """Add what all of them have: the folder, and whether its code may run unguarded."""
    function = click.option(
        "--trust", "trusted", is_flag=True,
        help="Read the PKGBUILD without bubblewrap, as the build user: its code runs.",
    )(function)  # fmt: skip
    return click.argument("folder", metavar="DIR", type=_PATH, callback=_folder_of)(function)


def _folder_of(_: click.Context, __: click.Parameter, path: Path) -> Path:
    """Return the folder that is meant: who completes names arrives at the PKGBUILD in it."""
    return path.parent if path.name == "PKGBUILD" and path.is_file() else path


@click.command(
    "check", help="Say what is wrong with the kernel's PKGBUILD in DIR; exit 5 on errors."
)
@_in_folder
@click.option("--vmlinux", type=_PATH, help="The kernel that its profile must fit.")
@common
def pkgbuild_check(folder: Path, trusted: bool, vmlinux: Path | None, as_json: bool) -> None:
    """Print the findings; raise when there are errors."""
    from pkgafdo.workflows.pkgbuild_check import check_folder, require_good

    outcome = check_folder(
        folder.resolve(), vmlinux=vmlinux.resolve() if vmlinux else None, trusted=trusted
    )
    show(as_json, outcome.plain(), outcome.text())
    require_good(outcome)


@click.command("adapt", help="Show the smallest change that makes the kernel's PKGBUILD in DIR "
                             "build with AutoFDO.")  # fmt: skip
@_in_folder
@click.option("--profile", type=_PATH, help="Add this profile as a source with its checksum.")
@click.option("--propeller", type=_PATH, metavar="PREFIX",
              help="Add Propeller's lists PREFIX_cc_profile.txt and PREFIX_ld_profile.txt.")  # fmt: skip
@click.option("--lto", type=click.Choice(["thin", "none"]),
              help="Default: as it is; thin where the profile would be lost.")  # fmt: skip
@click.option("--march", type=_MARCH,
              help="The processor, where the PKGBUILD has an option for it.")  # fmt: skip
@click.option("--fetch", is_flag=True, help="Fetch sources that come in, for their checksums.")
@click.option("--write", is_flag=True, help="Write the change; the old files are kept.")
@click.option("--revert", is_flag=True, help="Take back what was written, to the byte.")
@common
def pkgbuild_adapt(
    folder: Path,
    *,
    revert: bool,
    as_json: bool,
    **asked: Any,  # noqa: ANN401  click's values, which the order names
) -> None:
    """Print the difference, and what was done with it."""
    from pkgafdo.workflows.pkgbuild_adapt import Order, adapt_folder, revert_folder

    folder = folder.resolve()
    if revert:
        if any(value for name, value in asked.items() if name != "trusted"):
            raise ConfigError("--revert goes with nothing else", hint="Run it alone.")
        names = revert_folder(folder)
        show(as_json, {"reverted": list(names)}, f"{folder}: {', '.join(names)} as before")
        return
    change = adapt_folder(Order(folder=folder, **asked))
    for line in (*(f"already: {one}" for one in change.plan.already), *change.plan.left):
        log.note(line)
    if as_json or change.diff:
        show(as_json, change.plain(), change.diff, verbatim=True)
    log.note(_end(change))


def _end(change: Change) -> str:
    """Return what became of a change, and the next move."""
    if change.written:
        names = ", ".join(sorted(change.contents))
        return f"written: {names}; `pkgafdo pkgbuild adapt --revert` takes it back"
    return "nothing was written" if change.contents else "nothing to change"


@click.command("update", help="Bring the kernel's PKGBUILD in DIR to another version.")
@_in_folder
@click.option("--version", required=True, help="The kernel's version, such as 6.18.54.")
@click.option("--profile", type=_PATH, help="Build with this profile from now on.")
@click.option("--vmlinux", type=_PATH, help="The new kernel: says how well the profile fits.")
@click.option("--fetch", is_flag=True, help="Fetch the new sources, for their checksums.")
@click.option("--template", is_flag=True,
              help="Write what `pkgbuild new` wrote anew, from today's template.")  # fmt: skip
@click.option("-n", "--dry-run", "dry", is_flag=True, help="Show the difference, write nothing.")
@common
def pkgbuild_update(folder: Path, *, as_json: bool, **asked: Any) -> None:  # noqa: ANN401  as above
    """Write the change, print the difference, and say how the profile fits."""
    from pkgafdo.packaging.check_finding import render_finding
    from pkgafdo.workflows.pkgbuild_update import Order, update_folder

    update = update_folder(Order(folder=folder.resolve(), **asked))
    for line in (*update.change.plan.already, *update.change.plan.left):
        log.note(line)
    if as_json or update.change.diff:
        show(as_json, update.plain(), update.change.diff, verbatim=True)
    for one in update.findings:
        log.warn(render_finding(one))
    if update.offer:
        offer = update.offer.rstrip("\n")
        how = "template_diff says how" if as_json else f"so:\n{offer}"
        log.note(f"today's template (--template) would write it otherwise, {how}", verbatim=True)
    log.note(_end(update.change))


CARE_VERBS: tuple[click.Command, ...] = (pkgbuild_check, pkgbuild_adapt, pkgbuild_update)
