"""The verbs that only look: doctor, vmlinux find, verify, config schema."""

from __future__ import annotations

import re
from pathlib import Path

import click

from pkgafdo.cli.options import (
    common,
    configured,
    in_workdir,
    read_config,
    show,
    workdir_path,
)
from pkgafdo.errors import ArtifactError, HostError


@click.command("doctor", help="Say what this machine has, what is missing, and how to get it.")
@in_workdir
@configured
@common
def doctor_verb(
    workdir: Path | None,
    config_file: Path | None,
    source: str | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the diagnosis; exit 3 when the configured run cannot work."""
    from pkgafdo.host import doctor
    from pkgafdo.workflows.diagnose import diagnose_host

    config = read_config(config_file, source, overrides)
    diagnosis = diagnose_host(config, workdir=workdir_path(workdir))
    show(as_json, doctor.to_json(diagnosis), doctor.render(diagnosis))
    if not diagnosis.healthy:
        raise HostError(
            "the configured run cannot work on this machine", hint="See the page above."
        )


_ROUNDS = ("baseline", "optimised", "propeller")
_VMLINUX_KEYS = {"path": "vmlinux", "build_id": "build_id", "release": "release"}


@click.group("vmlinux", help="Find the uncompressed kernel that profiles are made with.")
def vmlinux_group() -> None:
    """Hold the verbs about vmlinux."""


def _hex_digits(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    """Return a build-id as tools print it, in small letters; refuse what is none."""
    if value is not None and not re.fullmatch(r"(?:[0-9a-fA-F]{2})+", value):
        raise click.BadParameter(f"a build-id is pairs of hexadecimal digits, not “{value}”")
    return value and value.lower()


@vmlinux_group.command(
    "find", help="Find vmlinux through the installed packages' file lists, or a run's."
)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    default=Path("/"),
    show_default=True,
    help="Where packages are installed.",
)
@click.option("--pkgbase", help="Only packages of this pkgbase, for example linux-cachyos.")
@click.option(
    "--build-id", callback=_hex_digits, help="The GNU build-id that it must have, in hex."
)
@click.option(
    "-w", "--workdir", type=click.Path(path_type=Path), help="The last kernel of this run instead."
)
@click.option(
    "--round", "which", type=click.Choice(_ROUNDS), help="Another kernel of the run (with -w)."
)
@common
def vmlinux_find(
    root: Path,
    pkgbase: str | None,
    build_id: str | None,
    workdir: Path | None,
    which: str | None,
    as_json: bool,
) -> None:
    """Print the path, or raise with every candidate and why it was rejected."""
    if workdir is None and which is not None:
        raise click.UsageError("--round belongs to -w: it names a kernel of a run.")
    if workdir is not None:
        if pkgbase is not None or build_id is not None:
            raise click.UsageError("-w names a run's own kernel: no --pkgbase, no --build-id.")
        _show_kernel_of(workdir_path(workdir), which, as_json=as_json)
        return
    from pkgafdo.host.facts import read_facts
    from pkgafdo.pacman.vmlinux import require_vmlinux
    from pkgafdo.workflows.session import make_runner

    found = require_vmlinux(
        make_runner(read_facts()),
        root=root.absolute(),
        pkgbase=pkgbase,
        expected_build_id=build_id,
    )
    data = {"path": str(found.path), "build_id": found.build_id, "release": found.release}
    show(as_json, data, str(found.path))


def _show_kernel_of(workdir: Path, which: str | None, *, as_json: bool) -> None:
    """Print the vmlinux of a run's kernel."""
    from pkgafdo.workflows.result import require_kernel
    from pkgafdo.workflows.rounds import Round

    kernel = require_kernel(workdir, Round(which) if which else None)
    data = {name: kernel[key] for name, key in _VMLINUX_KEYS.items()}
    show(as_json, data, kernel["vmlinux"])


@click.command("verify", help="Say which profile a kernel was built with, and whether that holds.")
@click.option("--vmlinux", type=click.Path(path_type=Path), help="An uncompressed kernel.")
@click.option("--running", is_flag=True, help="The kernel that runs now.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path),
    help="The profile that it must have been built with.",
)
@in_workdir
@common
def verify_verb(
    vmlinux: Path | None,
    running: bool,
    profile: Path | None,
    workdir: Path | None,
    as_json: bool,
) -> None:
    """Print what a kernel says of its own making; exit 5 when it is not what was asked for."""
    from pkgafdo.kernel.findings import describe, failed
    from pkgafdo.workflows.verify import verify_notes, verify_vmlinux, verify_workdir

    if running and vmlinux is not None:
        raise click.UsageError("--running and --vmlinux are two different kernels; name one.")
    if running:
        findings = verify_notes(Path("/sys/kernel/notes"), profile)
    elif vmlinux is not None:
        findings = verify_vmlinux(vmlinux, profile)
    else:
        findings = verify_workdir(workdir_path(workdir), profile)
    data = [
        {"name": one.name, "ok": one.ok, "wanted": one.wanted, "got": one.got, "why": one.why}
        for one in findings
    ]
    show(as_json, data, "\n".join(describe(one) for one in findings))
    if failed(findings):
        raise ArtifactError(
            "the kernel was not built with that profile", hint="See the lines above."
        )


_ALWAYS_JSON = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    help="As on every verb; this one prints nothing else.",
)


@click.group("config", help="The configuration file.")
def config_group() -> None:
    """Hold the verbs about the configuration."""


@config_group.command("schema", help="Print the JSON Schema of pkgafdo.toml, for editors.")
@_ALWAYS_JSON
def config_schema() -> None:
    """Print the schema."""
    from pkgafdo.config.load import schema

    show(as_json=True, data=schema(), text="")


@config_group.command("show", help="Print the whole configuration in force, as JSON.")
@configured
@_ALWAYS_JSON
def config_show(config_file: Path | None, source: str | None, overrides: tuple[str, ...]) -> None:
    """Print the configuration with its defaults."""
    from pkgafdo.config.load import as_plain

    show(as_json=True, data=as_plain(read_config(config_file, source, overrides)), text="")


LOOK_VERBS: tuple[click.Command, ...] = (doctor_verb, vmlinux_group, verify_verb, config_group)
