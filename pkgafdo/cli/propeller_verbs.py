"""The verbs about Propeller: lay a kernel out, look at a layout."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pkgafdo.cli.branches_verbs import PATH, allow_mismatch_option
from pkgafdo.cli.options import common, read_config, show
from pkgafdo.errors import ConfigError

if TYPE_CHECKING:
    from pkgafdo.cli.options import Function


class PrefixPath(click.Path):
    """What the names of both files begin with: no folder, which would silently give another name."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Path:
        """Return a prefix as a path, also that of one of the files; raises ConfigError for a folder."""
        del param, ctx
        text = os.fspath(value)
        value = text.removesuffix("_cc_profile.txt").removesuffix("_ld_profile.txt")
        if os.path.basename(value) in ("", ".", ".."):  # noqa: PTH119  a path has no last slash
            raise ConfigError(
                f"{text:.200} is a folder, not a prefix of files",
                hint="Name how the files begin: k stands for k_cc_profile.txt and k_ld_profile.txt.",
            )
        return Path(value)


PREFIX = PrefixPath()


def configured(function: Function) -> Function:
    """Add the options that name layout and limits in the configuration."""
    for option in (
        click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
                     help="Override a key, such as propeller.layout.functions or "
                          "propeller.limits.min_share."),
        click.option("-c", "--config", "config_file", type=PATH,
                     help="Configuration file; default: pkgafdo.toml here, if there is one."),
    ):  # fmt: skip
        function = option(function)
    return function


METHODS = ("ext-tsp", "greedy", "source")
TOOLS = ("own", "google")


@click.group("propeller", help="Lay out the blocks and functions of a kernel, as Propeller does.")
def propeller_group() -> None:
    """Hold the verbs about layouts."""


@propeller_group.command("layout", help="Write the two files that "
                                        "CLANG_PROPELLER_PROFILE_PREFIX names.")  # fmt: skip
@click.option("--vmlinux", type=PATH, required=True,
              help="vmlinux.unstripped of the recorded build, with its address map.")  # fmt: skip
@click.option("--branches", type=PATH, required=True, help="A recording or table of that kernel.")
@click.option("-o", "--output", "prefix", type=PREFIX, required=True, metavar="PREFIX",
              help="Prefix of the files: PREFIX_cc_profile.txt and PREFIX_ld_profile.txt.")  # fmt: skip
@click.option("--method", type=click.Choice(METHODS),
              help="How the blocks of a function are ordered; default: propeller.layout.blocks, "
                   "which is ext-tsp.")  # fmt: skip
@click.option("--tool", type=click.Choice(TOOLS), default=TOOLS[0], show_default=True,
              help="google: generate_propeller_profiles, where it is installed.")  # fmt: skip
@allow_mismatch_option
@configured
@common
def propeller_layout(  # noqa: PLR0917  click passes them by name
    vmlinux: Path,
    branches: Path,
    prefix: Path,
    method: str | None,
    tool: str,
    allow_mismatch: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the files and print what is to be expected of them."""
    from pkgafdo.host.facts import read_facts
    from pkgafdo.workflows import propeller, recordings
    from pkgafdo.workflows.session import make_runner

    if method is not None:
        overrides = (*overrides, f"propeller.layout.blocks={method}")
    settings = read_config(config_file, None, overrides).propeller
    kernel = recordings.read_vmlinux(vmlinux)
    table = recordings.read_sources([branches], kernel, judged_later=True)
    facts = propeller.layout(
        make_runner(read_facts()), vmlinux, table, prefix,
        settings=settings.layout, limits=settings.limits, tool=propeller.LayoutTool(tool),
        allow_mismatch=allow_mismatch,
    )  # fmt: skip
    show(as_json, facts, propeller.render(facts))


@propeller_group.command("inspect", help="Say what a layout holds, and with --vmlinux and "
                                         "--branches what it is worth.")  # fmt: skip
@click.argument("prefix", type=PREFIX)
@click.option("--vmlinux", type=PATH, help="vmlinux.unstripped of the recorded build.")
@click.option("--branches", type=PATH, help="A recording or table of that kernel.")
@allow_mismatch_option
@configured
@common
def propeller_inspect(
    prefix: Path,
    vmlinux: Path | None,
    branches: Path | None,
    allow_mismatch: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print functions, clusters, and the expected share of fall-throughs before and after."""
    from pkgafdo.workflows import propeller, recordings

    if (vmlinux is None) != (branches is None):
        raise ConfigError(
            "--vmlinux and --branches belong together",
            hint="Name the recorded kernel and its recording, or neither.",
        )
    limits = read_config(config_file, None, overrides).propeller.limits
    facts = propeller.describe(prefix)
    if vmlinux is not None and branches is not None:
        kernel = recordings.read_vmlinux(vmlinux)
        table = recordings.read_sources([branches], kernel, judged_later=True)
        facts |= propeller.judge(
            prefix, vmlinux, table, limits=limits, allow_mismatch=allow_mismatch
        )
    show(as_json, facts, propeller.render(facts))


PROPELLER_VERBS: tuple[click.Command, ...] = (propeller_group,)
