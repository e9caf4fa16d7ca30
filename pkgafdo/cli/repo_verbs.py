"""The verbs about pacman repositories: repo add, repo check."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pkgafdo.cli.options import common, show
from pkgafdo.errors import ArtifactError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATH = click.Path(path_type=Path)


@click.group("repo", help="Pacman repositories of kernels.")
def repo_group() -> None:
    """Hold the verbs about repositories."""


@repo_group.command("add", help="Add PACKAGES to the repository of REPO_DB (NAME.db.tar.zst).")
@click.argument("database", metavar="REPO_DB", type=_PATH)
@click.argument("packages", metavar="[PACKAGES]...", nargs=-1, type=_PATH)
@click.option("--from-workdir", "workdir", type=_PATH,
              help="Add the packages of this run's last kernel.")  # fmt: skip
@click.option("--key", help="Sign database, provenance and unsigned packages; default: GPGKEY.")
@click.option("--provenance", type=_PATH,
              help="The profile's .json; default: what the kernel's package ships.")  # fmt: skip
@common
def repo_add(
    database: Path,
    packages: tuple[Path, ...],
    *,
    workdir: Path | None,
    key: str | None,
    provenance: Path | None,
    as_json: bool,
) -> None:
    """Add packages and say what is in the repository."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pipeline.workdir import require_workdir
    from pkgafdo.workflows.repo import Addition, add, packages_of_run
    from pkgafdo.workflows.session import make_runner

    if workdir is not None:
        packages = (*packages, *packages_of_run(require_workdir(workdir.resolve()).journal.read()))
    if not packages:
        raise ConfigError("no package is named", hint="Name package files, or --from-workdir.")
    order = Addition(
        database=database.absolute(),
        packages=tuple(path.absolute() for path in packages),
        key=_key(key),
        gnupghome=os.environ.get("GNUPGHOME", ""),
        provenance=provenance,
    )
    result = add(make_runner(read_facts()), order)
    show(as_json, result, _added(result))


def _key(key: str | None) -> str:
    key = os.environ.get("GPGKEY", "") if key is None else key
    if key.startswith("-") or any(ord(one) < 32 for one in key):
        raise ConfigError("a key is named by its fingerprint or address", hint="Mend --key.")
    return key


def _heading(result: Mapping[str, Any]) -> str:
    signed = "signed" if result["signed"] else "not signed"
    return f"{result['folder']}: repository {result['repository']}, {signed}"


def _added(result: Mapping[str, Any]) -> str:
    lines = [_heading(result)]
    lines += [f"  added {name}" for name in result["added"]] or ["  nothing new"]
    lines += [f"  {name}" for name in result["provenance"]]
    return "\n".join(lines)


@repo_group.command(
    "check",
    help="Read the repository of REPO_DB back (its folder's or NAME.db does as well): entries, files, "
    "signatures, provenance.",
    short_help="Read a repository back: entries, files, signatures, provenance.",
)
@click.argument("database", metavar="REPO_DB", type=_PATH)
@common
def repo_check(database: Path, *, as_json: bool) -> None:
    """Print what is in a repository; exit 5 when something is wrong with it."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.packaging.repo import find_database
    from pkgafdo.workflows.repo_check import check
    from pkgafdo.workflows.session import make_runner

    home = os.environ.get("GNUPGHOME", "")
    env = {"GNUPGHOME": home} if home else {}
    result = check(make_runner(read_facts()), find_database(database.absolute()), env=env)
    show(as_json, result, _checked(result))
    if result["faults"]:
        raise ArtifactError(
            f"the repository {result['repository']} has faults",
            details="\n".join(result["faults"]),
            hint="Add the packages again with `pkgafdo repo add`.",
        )


def _checked(result: Mapping[str, Any]) -> str:
    lines = [_heading(result)]
    lines += [f"  {name} {version}" for name, version in result["packages"].items()]
    lines += [f"  note: {note}" for note in result["notes"]]
    return "\n".join(lines)


REPO_VERBS: tuple[click.Command, ...] = (repo_group,)
