"""The verbs about PKGBUILDs: pkgbuild new."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pkgafdo.cli.options import common, show
from pkgafdo.cli.pkgbuild_care_verbs import CARE_VERBS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_PATH = click.Path(path_type=Path)
_PLAIN = ("description", "url", "maintainer", "llvm", "march", "docs", "address_map")
_MARCH = ("generic", "v2", "v3", "v4", "znver4", "native")


def _described(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what the packages are."""
    for option in (
        click.option("--docs", is_flag=True, default=None,
                     help="Make a package linux-NAME-docs, too."),
        click.option("--llvm", help="What make gets as LLVM=: 1 (default), a suffix such as -19, "
                                    "or a folder that ends in /."),
        click.option("--maintainer", help="Name and address for the first line."),
        click.option("--url", help="The project's home page."),
        click.option("--description", help="One line that the packages' descriptions begin with."),
        click.option("--pkgrel", type=int, default=1, help="The package's release; default: 1."),
        click.option("--name", default="afdo", metavar="NAME",
                     help="The packages are linux-NAME, -headers and -debug; default: afdo."),
    ):  # fmt: skip
        function = option(function)
    return function


def _sourced(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say what the kernel is made of."""
    for option in (
        click.option("--pgp-key", "extra_keys", multiple=True, metavar="FINGERPRINT",
                     help="A further key that signs the tarball; may be repeated."),
        click.option("--patch", "patches", multiple=True, type=_PATH,
                     help="A patch to ship and apply; may be repeated, in order."),
        click.option("--tarball", type=_PATH, help="A local copy of the tarball, for its sum."),
        click.option("--sum", "checksum", default="", metavar="HEX",
                     help="The tarball's b2 or sha256 sum."),
        click.option("--source", metavar="URL", help="A tarball's URL, git+https://…#tag=…, or "
                                                     "“cachyos”; default: kernel.org's tarball."),
        click.option("--config-file", type=_PATH, help="The kernel's .config."),
        click.option("--version", help="The kernel's version, such as 6.18.54."),
        click.option("--from-workdir", "workdir", type=_PATH,
                     help="Take version, .config, LTO and profiles from this run."),
    ):  # fmt: skip
        function = option(function)
    return function


def _optimised(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options that say how the kernel is optimised."""
    for option in (
        click.option("--march", type=click.Choice(_MARCH, case_sensitive=False),
                     help="The processor: a level of x86-64, znver4, or the one that builds; "
                          "default: generic."),
        click.option("--lto", type=click.Choice(["thin", "none"]), help="Default: thin."),
        click.option("--tuning/--no-tuning", default=None,
                     help="Hand LLVM options to the second round that make more of the profile; "
                          "default: as the run of --from-workdir, or yes."),
        click.option("--address-map", is_flag=True, default=None,
                     help="Give vmlinux the map of blocks that Propeller's lists are made with."),
        click.option("--symbol-order", type=_PATH, help="An order of functions for the linker."),
        click.option("--propeller", "layout", type=_PATH, metavar="PREFIX",
                     help="Propeller's lists PREFIX_cc_profile.txt and PREFIX_ld_profile.txt."),
        click.option("--profile", type=_PATH, help="The profile; without it, the first round."),
    ):  # fmt: skip
        function = option(function)
    return function


@click.group("pkgbuild", help="PKGBUILDs of kernels, for plain makepkg.")
def pkgbuild_group() -> None:
    """Hold the verbs about PKGBUILDs."""


@pkgbuild_group.command("new", help="Write a kernel's PKGBUILD and .SRCINFO into DIR.")
@click.argument("folder", metavar="DIR", type=_PATH)
@_sourced
@_optimised
@_described
@common
def pkgbuild_new(
    folder: Path,
    *,
    workdir: Path | None,
    as_json: bool,
    **asked: Any,  # noqa: ANN401  click's values, which the order and its model judge
) -> None:
    """Write the folder and say what is in it."""
    from pkgafdo.workflows.pkgbuild import new_pkgbuild
    from pkgafdo.workflows.pkgbuild_given import Order

    plain = {name: value for name in _PLAIN if (value := asked.pop(name)) is not None}
    order = Order(folder=folder.absolute(), plain=plain, **asked)
    result = new_pkgbuild(order, workdir.resolve() if workdir else None)
    show(as_json, result, _text(result))


def _text(result: Mapping[str, Any]) -> str:
    """Return what was written and the next moves."""
    lines = [f"{result['folder']}: {', '.join(result['files'])}"]
    lines.append(f"  {', '.join(result['packages'])} {result['version']}")
    if result["profile"]:
        lines.append(f"  second round: built with {result['profile']}")
    else:
        lines.append("  first round: build and boot it, record, convert; then set _profile")
    if result["signed_by"]:
        lines.append(f"  before makepkg: gpg --recv-keys {' '.join(result['signed_by'])}")
    return "\n".join(lines)


for _verb in CARE_VERBS:
    pkgbuild_group.add_command(_verb)

PKGBUILD_VERBS: tuple[click.Command, ...] = (pkgbuild_group,)
