"""From what a maintainer names to a folder that makepkg builds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import ValidationError

from pkgafdo import files
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel.configure import read_config
from pkgafdo.kernel.make import profile_file
from pkgafdo.packaging.pkgbuild import render_pkgbuild
from pkgafdo.packaging.pkgbuild_fields import check_pkgver
from pkgafdo.packaging.pkgbuild_folder import checksum, require_absent, write_folder
from pkgafdo.packaging.pkgbuild_model import (
    CONFIG_NAME,
    KERNEL_ORG,
    KernelSource,
    LocalFile,
    Pkgbuild,
)
from pkgafdo.packaging.srcinfo import render_srcinfo
from pkgafdo.pipeline.workdir import require_workdir
from pkgafdo.profile.provenance import find_provenance, provenance_path
from pkgafdo.workflows.recordings import is_recording
from pkgafdo.workflows.rounds import Round

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

    from pkgafdo.pipeline.entry import Entry

Lto = Literal["thin", "none"]

_NO_PROFILES: Final = (b"\x7fELF", b"PAR1", b"{")
"""How an ELF file, a branch table and a JSON file begin."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What `pkgbuild new` was asked for; None and empty mean: what the work folder says, or default.

    texts holds the model's plain fields (description, url, maintainer, llvm); source is the URL of a
    tarball or a git tag; tarball a local copy of it, to take the checksum from.
    """

    folder: Path
    name: str
    version: str | None = None
    pkgrel: int = 1
    config_file: Path | None = None
    profile: Path | None = None
    lto: Lto | None = None
    source: str | None = None
    checksum: str = ""
    tarball: Path | None = None
    patches: tuple[Path, ...] = ()
    extra_keys: tuple[str, ...] = ()
    texts: Mapping[str, str] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An order with nothing left open."""

    order: Order
    version: str
    config: bytes
    profile: Path | None
    lto: Lto
    source: str | None
    checksum: str


def new_pkgbuild(order: Order, workdir: Path | None = None) -> dict[str, Any]:
    """Write a PKGBUILD, its .SRCINFO and its local files into the order's folder; say what came out.

    Raises ConfigError when a value is refused or a file would be overwritten, ArtifactError when the
    profile is none.
    """
    given = _complete(order, _finished(workdir) if workdir else {})
    sums = "sha256sums" if len(given.checksum) == 64 else "b2sums"
    local = _local_files(given)
    # Names are judged before anything is looked up under them.
    model = _model(given, local, sums)
    contents = {
        **dict(local.values()),
        "PKGBUILD": render_pkgbuild(model).encode(),
        ".SRCINFO": render_srcinfo(model).encode(),
    }
    require_absent(order.folder, tuple(contents))
    write_folder(order.folder, contents)
    return {
        "folder": str(order.folder),
        "files": sorted(contents),
        "pkgbase": model.pkgbase,
        "packages": [package.name for package in model.packages()],
        "version": f"{model.pkgver}-{model.pkgrel}",
        "profile": model.profile_name,
        "lto": model.lto,
        "signed_by": list(model.pgp_keys),
    }


def _finished(workdir: Path) -> dict[str, Entry]:
    """Return the journal of a run that has at least built its baseline."""
    entries = require_workdir(workdir).journal.read()
    if "build-baseline" not in entries:
        raise ArtifactError(
            f"the run in {workdir} has built no kernel yet",
            hint=f"Run `pkgafdo run --workdir {workdir}` first.",
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
    return Given(
        order=order,
        # 7.2-rc3 is the kernel's spelling; pacman's has no hyphen.
        version=version.replace("-rc", "rc"),
        config=read_config(config_file).encode(),
        profile=profile,
        lto=order.lto or _lto_of(built),
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


def _local_files(given: Given) -> dict[str, tuple[str, bytes]]:
    """Return the files that lie beside the PKGBUILD, by what they are: name there and content."""
    local = {"config": (CONFIG_NAME, given.config)}
    for number, patch in enumerate(given.order.patches):
        local[f"patch-{number}"] = (patch.name, _read(patch, "patch"))
    if given.profile is not None:
        content = _read_profile(given.profile)
        name = profile_file(Path(), files.sha256_file(given.profile)).name
        local["profile"] = (name, content)
        if find_provenance(given.profile) is not None:
            provenance = provenance_path(given.profile)
            local["provenance"] = (f"{name}.json", provenance.read_bytes())
    return local


def _read(path: Path, what: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"the {what} {path} cannot be read", details=str(error), hint="Check the path."
        ) from error
    if not content:
        raise ArtifactError(f"the {what} {path} is empty", hint="Check where it comes from.")
    return content


def _read_profile(path: Path) -> bytes:
    content = _read(path, "profile")
    if is_recording(path) or content.startswith(_NO_PROFILES):
        raise ArtifactError(
            f"{path} is no sample profile",
            hint="Recordings are converted with `pkgafdo profile convert`.",
        )
    return content


def _model(given: Given, local: Mapping[str, tuple[str, bytes]], sums: str) -> Pkgbuild:
    """Return the validated model. Raises one ConfigError that lists every fault."""
    order = given.order
    try:
        kept = {
            key: LocalFile(name=name, checksum=checksum(content, sums))
            for key, (name, content) in local.items()
        }
        return Pkgbuild(
            pkgbase=order.name if order.name.startswith("linux-") else f"linux-{order.name}",
            pkgver=given.version,
            pkgrel=order.pkgrel,
            source=_source(given, sums),
            extra_keys=order.extra_keys,
            patches=tuple(one for key, one in kept.items() if key.startswith("patch-")),
            config=kept["config"],
            profile=kept.get("profile"),
            provenance=kept.get("provenance"),
            lto=given.lto,
            **dict(order.texts or {}),
        )
    except ValidationError as error:
        raise ConfigError(
            "the PKGBUILD is not written: a value may not stand in it",
            details="\n".join(_fault(one) for one in error.errors(include_url=False)),
            hint="Mend these values; `pkgafdo pkgbuild new --help` names the options.",
        ) from error


def _fault(detail: ErrorDetails) -> str:
    name = ".".join(str(part) for part in detail["loc"])
    message = detail["msg"].removeprefix("Value error, ")
    shown = f" (it is {detail['input']!r})" if isinstance(detail["input"], str) else ""
    return (f"{name}: " if name else "") + message + shown


def _source(given: Given, sums: str) -> KernelSource:
    """Return where the kernel comes from: the source named, or kernel.org's tarball."""
    url = given.source or _kernel_org(given.version)
    digest = given.checksum
    if (tarball := given.order.tarball) is not None:
        digest = _agreeing(checksum(_read(tarball, "tarball"), sums), digest, tarball)
    if url.startswith("git+"):
        return KernelSource(url=url, checksum=digest)
    if not digest:
        raise ConfigError(
            f"the checksum of {url} is needed",
            hint="Give its b2 or sha256 sum with --sum (kernel.org has sha256sums.asc beside the "
            "tarballs), or name a copy of it with --tarball.",
        )
    return KernelSource(url=url, checksum=digest.lower())


def _agreeing(digest: str, stated: str, tarball: Path) -> str:
    """Return a tarball's sum; raises ArtifactError when it is not the one that was stated."""
    if stated and stated.lower() != digest:
        raise ArtifactError(
            f"{tarball} is not the tarball with that checksum",
            details=f"its sum:    {digest}\nstated sum: {stated}",
            hint="Fetch it again, or mend --sum.",
        )
    return digest


def _kernel_org(version: str) -> str:
    """Return the URL of kernel.org's tarball; raises ConfigError for what it has none of."""
    try:
        check_pkgver(version)
    except ValueError as error:
        raise ConfigError(
            f"“{version}” is no version of the kernel",
            details=str(error),
            hint="Example: --version 6.18.54",
        ) from error
    if "rc" in version:
        raise ConfigError(
            f"kernel.org has no signed tarball of the release candidate {version}",
            hint="Name one with --source: git+https://…#tag=v7.2-rc3, or a tarball's URL.",
        )
    return f"{KERNEL_ORG}v{version.partition('.')[0]}.x/linux-{version}.tar.xz"
