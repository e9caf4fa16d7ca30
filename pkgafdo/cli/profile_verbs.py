"""The verbs about sample profiles: convert, merge, info, compare, drift, check, trim."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pkgafdo.cli import profile_texts
from pkgafdo.cli.branches_verbs import PATH, allow_mismatch_option, sources_of
from pkgafdo.cli.options import NumberRange, common, read_config, show
from pkgafdo.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pkgafdo.cli.options import Function

TOOLS = ("auto", "llvm-profgen", "create_llvm_prof")


def configured(function: Function) -> Function:
    """Add the options that name the limits and the LLVM in the configuration."""
    for option in (
        click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
                     help="Override a key, such as toolchain.llvm or profile.min_functions."),
        click.option("-c", "--config", "config_file", type=PATH,
                     help="Configuration file; default: pkgafdo.toml here, if there is one."),
    ):  # fmt: skip
        function = option(function)
    return function


def _bench(config_file: Path | None, overrides: tuple[str, ...]) -> Any:  # noqa: ANN401  its module is imported late
    from pkgafdo.workflows.profiles import open_workbench

    return open_workbench(read_config(config_file, None, overrides))


def _require_other(output: Path, inputs: Sequence[Path]) -> None:
    """Raise ConfigError when the output would replace a profile that it is made of."""
    if output.resolve() in {path.resolve() for path in inputs}:
        raise ConfigError("The output is the input", hint="Name another file with -o.")


@click.group("profile", help="Make sample profiles, merge them, and know what they are worth.")
def profile_group() -> None:
    """Hold the verbs about profiles."""


@profile_group.command(
    "convert", help="Convert recordings and tables (- for a pipe) of one kernel to a profile."
)
@click.argument("recordings", nargs=-1, required=True, type=PATH)
@click.option("--vmlinux", type=PATH, required=True, help="The recorded kernel, unstripped.")
@click.option("--tool", type=click.Choice(TOOLS), default="auto",
              help="auto: llvm-profgen, then create_llvm_prof (installed or pinned).")  # fmt: skip
@click.option("--modules", type=PATH, metavar="OBJECTS",
              help="The kernel's build folder: profile its modules too.")  # fmt: skip
@click.option(
    "--direct", is_flag=True, help="Let the tool read perf.data itself (slow, reference)."
)
@click.option("-o", "--output", type=PATH, required=True, help="The profile to write.")
@allow_mismatch_option
@configured
@common
def profile_convert(  # noqa: PLR0917  click passes them by name
    recordings: tuple[Path, ...],
    vmlinux: Path,
    tool: str,
    modules: Path | None,
    direct: bool,
    output: Path,
    allow_mismatch: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the profile with its provenance, and print what it holds."""
    from dataclasses import asdict

    from pkgafdo.profile.convert import Tool
    from pkgafdo.workflows import profiles

    order = profiles.Order(
        sources=sources_of(recordings),
        vmlinux=vmlinux,
        output=output,
        tool=None if tool == "auto" else Tool(tool),
        modules=modules,
        allow_mismatch=allow_mismatch,
        direct=direct,
    )
    conversion, provenance = profiles.convert_sources(_bench(config_file, overrides), order)
    data = {
        "path": str(output),
        "tool": conversion.tool,
        "passed_over": list(conversion.passed_over),
        "modules": [asdict(report) for report in conversion.modules],
        "provenance": asdict(provenance),
    }
    show(as_json, data, profile_texts.render_conversion(output, conversion))


def parse_weighted(text: str) -> tuple[Path, int]:
    """Parse `WEIGHT,FILE` as llvm-profdata has it, or a file alone."""
    weight, comma, path = text.partition(",")
    if comma and weight.isdecimal():
        return Path(path), int(weight)
    return Path(text), 1


@profile_group.command("merge", help="Add profiles up; write 3,FILE to count one three times.")
@click.argument("inputs", nargs=-1, required=True, metavar="[WEIGHT,]PROFILE...")
@click.option("--normalise", is_flag=True, help="Give each the same total count, times its weight.")
@click.option("-o", "--output", type=PATH, required=True, help="The profile to write.")
@allow_mismatch_option
@configured
@common
def profile_merge(
    inputs: tuple[str, ...],
    normalise: bool,
    output: Path,
    allow_mismatch: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the merged profile with its provenance."""
    from dataclasses import asdict

    from pkgafdo.profile.merge import WeightedProfile, check_inputs
    from pkgafdo.workflows import profiles

    weighted = [
        WeightedProfile(path=path, weight=weight) for path, weight in map(parse_weighted, inputs)
    ]
    check_inputs(weighted)
    _require_other(output, [entry.path for entry in weighted])
    profile, provenance = profiles.merge_sources(
        _bench(config_file, overrides), weighted, output,
        normalise=normalise, allow_mismatch=allow_mismatch,
    )  # fmt: skip
    data = {"path": str(output), "provenance": asdict(provenance)}
    show(as_json, data, profile_texts.render_merged(profile, provenance))


@profile_group.command(
    "info", help="Say what a profile holds, and with --vmlinux how much that is."
)
@click.argument("profile", type=PATH)
@click.option("--vmlinux", type=PATH, help="A kernel: adds coverage and density.")
@configured
@common
def profile_info(
    profile: Path,
    vmlinux: Path | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print totals, hot functions, coverage and provenance."""
    from pkgafdo.workflows import judging

    data = judging.describe_profile(_bench(config_file, overrides), profile, vmlinux)
    show(as_json, data, profile_texts.render_info(data))


@profile_group.command("compare", help="Say how two profiles differ.")
@click.argument("base", type=PATH)
@click.argument("test", type=PATH)
@configured
@common
def profile_compare(
    base: Path,
    test: Path,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print overlap, functions gained and lost, and the biggest movers."""
    from pkgafdo.workflows import judging

    data = judging.compare(_bench(config_file, overrides), base, test)
    show(as_json, data, profile_texts.render_comparison(data))


@profile_group.command("drift", help="Say how much of a profile still fits a newer kernel.")
@click.argument("profile", type=PATH)
@click.option("--vmlinux", type=PATH, required=True, help="The newer kernel, unstripped.")
@click.option("--modules", type=PATH, metavar="OBJECTS", help="Its build folder, for the modules.")
@configured
@common
def profile_drift(
    profile: Path,
    vmlinux: Path,
    modules: Path | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the shares and the verdict: fresh, usable or stale."""
    from pkgafdo.workflows import judging

    data = judging.drift(_bench(config_file, overrides), profile, vmlinux, objects=modules)
    show(as_json, data, profile_texts.render_drift(data))


@profile_group.command("check", help="Check a profile against the [profile] limits and more; "
                                     "exit 5 when it fails.")  # fmt: skip
@click.argument("profile", type=PATH)
@click.option("--vmlinux", type=PATH, help="A kernel that it must fit (see drift).")
@click.option("--modules", type=PATH, metavar="OBJECTS", help="Its build folder, for the modules.")
@click.option("--at-least", type=click.Choice(("fresh", "usable")), default="usable",
              help="How well it must fit that kernel.")  # fmt: skip
@click.option("--base", type=PATH, help="A profile that it must be like (see compare).")
@click.option("--similarity", type=NumberRange(0, 1), default=0.8, show_default=True,
              help="How like it must be.")  # fmt: skip
@click.option(
    "--provenance",
    is_flag=True,
    help="It, and what went into it, must have a provenance, with build-ids compared.",
)
@configured
@common
def profile_check(  # noqa: PLR0917  click passes them by name
    profile: Path,
    vmlinux: Path | None,
    modules: Path | None,
    at_least: str,
    base: Path | None,
    similarity: float,
    provenance: bool,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print the findings; raise when there are any."""
    from pkgafdo.profile.drift import Verdict
    from pkgafdo.workflows import judging

    _require_asked(vmlinux=vmlinux, base=base)
    gates = judging.Gates(
        vmlinux=vmlinux,
        objects=modules,
        at_least=Verdict(at_least),
        base=base,
        similarity=similarity,
        has_provenance=provenance,
    )
    findings = judging.check(_bench(config_file, overrides), profile, gates)
    data = {"path": str(profile), "passes": not findings, "findings": findings}
    if as_json or not findings:
        show(as_json, data, f"{profile} passes")
    judging.require_checked(profile, findings)


def _require_asked(*, vmlinux: Path | None, base: Path | None) -> None:
    """Raise ConfigError for a wish about a comparison that nobody asked for: it would not be made."""
    source, given = click.get_current_context().get_parameter_source, ParameterSource.COMMANDLINE
    partners = (("modules", "vmlinux", vmlinux), ("at_least", "vmlinux", vmlinux),
                ("similarity", "base", base))  # fmt: skip
    for name, partner, value in partners:
        if value is None and source(name) is given:
            option = f"--{name.replace('_', '-')}"
            raise ConfigError(
                f"{option} says nothing without --{partner}",
                hint=f"Name what to compare with by --{partner}, or leave {option} out.",
            )


@profile_group.command("trim", help="Leave out the functions below a share of all samples.")
@click.argument("profile", type=PATH)
@click.option("--share", type=float, required=True, help="The least share, such as 0.0001.")
@click.option("-o", "--output", type=PATH, required=True, help="The profile to write.")
@configured
@common
def profile_trim(
    profile: Path,
    share: float,
    output: Path,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """Write the smaller profile."""
    from pkgafdo.workflows import profiles

    _require_other(output, [profile])
    data = profiles.trim(_bench(config_file, overrides), profile, share, output)
    show(as_json, data, profile_texts.render_trimmed(data))


PROFILE_VERBS: tuple[click.Command, ...] = (profile_group,)
