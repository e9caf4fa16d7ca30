"""From what a maintainer names to a folder that makepkg builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from pkgafdo import log
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel.configure import read_config
from pkgafdo.kernel.kconfig import parse_config
from pkgafdo.packaging.kernel_age import why_too_old
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.pkgbuild_folder import checksum, require_absent, write_folder
from pkgafdo.packaging.pkgbuild_model import Pkgbuild
from pkgafdo.packaging.pkgbuild_packages import modules_of
from pkgafdo.packaging.pkgbuild_sources import LocalFile
from pkgafdo.packaging.srcinfo import render_srcinfo
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.toolchain.abilities import LAYOUT_OPTIONS, tuning_options
from pkgafdo.workflows.command_line import again
from pkgafdo.workflows.pkgbuild_given import (
    Given,
    Lto,
    Order,
    kernel_source,
    layout_lists,
    local_files,
)
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from pkgafdo.pipeline.entry import Entry

_OPTIONAL: Final = ("profile", "provenance", "cc_profile", "ld_profile", "symbol_order")
_OPTIONS: Final = {
    ("KernelSource", "url"): "--source",
    ("KernelSource", "checksum"): "--sum",
    ("LocalFile", "name"): "--patch",
    ("Pkgbuild", "pkgbase"): "--name",
    ("Pkgbuild", "pkgver"): "--version",
    ("Pkgbuild", "extra_keys"): "--pgp-key",
}
"""The options that give a model's values, where they are not called as these."""


def new_pkgbuild(order: Order, workdir: Path | None = None) -> dict[str, Any]:
    """Write a PKGBUILD, its .SRCINFO and its local files into the order's folder; say what came out.

    Raises ConfigError when a value is refused or a file would be overwritten, ArtifactError when the
    profile is none.
    """
    given = _complete(order, _finished(workdir) if workdir else {})
    sums = "sha256sums" if len(given.checksum) == 64 else "b2sums"
    local = local_files(given)
    # Names are judged before anything is looked up under them.
    model = _model(given, local, sums)
    contents = {
        **dict(local.values()),
        "PKGBUILD": render_pkgbuild(model).encode(),
        ".SRCINFO": render_srcinfo(model).encode(),
    }
    require_absent(order.folder, tuple(contents))
    write_folder(order.folder, contents)
    if why := why_too_old(model.pkgver):
        log.warn(why)
    return {
        "folder": str(order.folder),
        "files": sorted(contents),
        "pkgbase": model.pkgbase,
        "packages": [package.name for package in model.packages()],
        "version": f"{model.pkgver}-{model.pkgrel}",
        "profile": model.profile.name if model.profile else "",
        "layout": model.layout_name,
        "march": model.march,
        "lto": model.lto,
        "tuning": list(model.tuning),
        "signed_by": list(model.pgp_keys),
    }


def _finished(workdir: Path) -> dict[str, Entry]:
    """Return the journal of a run that has at least built its baseline."""
    entries = require_workdir(workdir).journal.read()
    if "build-baseline" not in entries:
        raise ArtifactError(
            f"the run in {workdir} has built no kernel yet",
            hint=f"Run `{again(workdir, 'run')}` first.",
        )
    return entries


def _complete(order: Order, entries: Mapping[str, Entry]) -> Given:
    """Fill what the order leaves open from a run's journal."""
    built = entries.get(f"build-{Round.OPTIMISED}") or entries.get(f"build-{Round.BASELINE}")
    convert = entries.get("convert")
    config_file = order.config_file or (built.files["config"].path if built else None)
    version = order.version or (str(entries["source"].facts["version"]) if built else None)
    profile = order.profile or (convert.files["profile"].path if convert else None)
    if config_file is None or version is None:
        missing = "--version" if version is None else "--config-file"
        raise ConfigError(
            f"{missing} is needed",
            hint="Name the kernel's version and its .config, or a run with --from-workdir.",
        )
    source, digest = order.source, order.checksum
    if source is None and not digest and built:
        source, digest = _source_of(entries["source"])
    layout = _layout(order, entries)
    return Given(
        order=order,
        # 7.2-rc3 is the kernel's spelling; pacman's has no hyphen.
        version=version.replace("-rc", "rc"),
        config=read_config(
            config_file, hint="Name the kernel's .config with --config-file."
        ).encode(),
        profile=profile,
        layout=layout,
        lto=order.lto or _lto_of(built),
        tuning=_tuning(order, built, laid_out=layout is not None),
        source=source,
        checksum=digest,
    )


def _source_of(source: Entry) -> tuple[str | None, str]:
    """Return URL and sum of the tarball that a run was made of, when it was one from the web."""
    location, digest = (str(source.recipe.get(key, "")) for key in ("location", "sha256"))
    return (location, digest) if location.startswith("https://") and digest else (None, "")


def _lto_of(built: Entry | None) -> Lto:
    """Return the link time optimization of a run's kernel; thin without a run."""
    return "none" if built and built.recipe.get("kernel", {}).get("lto") == "none" else "thin"


def _tuning(order: Order, built: Entry | None, *, laid_out: bool) -> tuple[str, ...]:
    """Return the LLVM options of a run's optimised kernel, or those that pkgafdo knows to help."""
    if order.tuning is None and built and built.stage != f"build-{Round.BASELINE}":
        used = tuple(built.facts["tuning"])
        return used + LAYOUT_OPTIONS if used and laid_out else used
    return () if order.tuning is False else tuning_options(laid_out=laid_out)


def _layout(order: Order, entries: Mapping[str, Entry]) -> tuple[Path, Path] | None:
    """Return Propeller's two lists: those that were named, or a run's."""
    if order.layout is not None:
        return layout_lists(order.layout)
    if "layout" not in entries:
        return None
    made = entries["layout"].files
    return made["cc_profile"].path, made["ld_profile"].path


def _model(given: Given, local: Mapping[str, tuple[str, bytes]], sums: str) -> Pkgbuild:
    """Return the validated model. Raises one ConfigError that lists every fault."""
    order = given.order
    try:
        kept = {
            key: LocalFile(name=name, checksum=checksum(content, sums))
            for key, (name, content) in local.items()
        }
        optional: dict[str, Any] = {key: kept.get(key) for key in _OPTIONAL}
        return Pkgbuild(
            pkgbase=order.name if order.name.startswith("linux-") else f"linux-{order.name}",
            pkgver=given.version,
            pkgrel=order.pkgrel,
            source=kernel_source(given, sums),
            extra_keys=order.extra_keys,
            patches=tuple(one for key, one in kept.items() if key.startswith("patch-")),
            config=kept["config"],
            modules=modules_of(parse_config(given.config.decode())),
            **optional,
            lto=given.lto,
            tuning=given.tuning,
            **order.plain,
        )
    except ValidationError as error:
        raise ConfigError(
            "the PKGBUILD is not written: a value may not stand in it",
            details=_faults(error),
            hint="Mend these values; `pkgafdo pkgbuild new --help` names the options.",
        ) from error


def _faults(error: ValidationError) -> str:
    """Return what is wrong, each under the option that gave it, whichever part of a rule refused it."""
    lines = [
        _fault(error.title, one)
        for one in error.errors(include_url=False)
        if one["type"] != "literal_error" or len(one["loc"]) == 1  # else the empty text of a union
    ]
    return "\n".join(lines)


def _fault(model: str, detail: ErrorDetails) -> str:
    name = str(next(iter(detail["loc"]), ""))
    option = _OPTIONS.get((model, name), f"--{name.replace('_', '-')}")
    message = detail["msg"].removeprefix("Value error, ")
    shown = f" (it is {detail['input']!r})" if isinstance(detail["input"], str) else ""
    return (f"{option}: " if name else "") + message + shown
