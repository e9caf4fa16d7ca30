"""Debian's newest kernel source, through an apt of our own that leaves the system's alone."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cmp_to_key
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.artifacts import KernelTree
from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.kernel import fetch_tarball, tree
from pkgafdo.kernel.debian_version import compare_versions
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.runner.base import Runner

KEYRINGS: Final = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
"""Where Debian's package debian-archive-keyring puts it (.pgp since trixie)."""

SUITES: Final = ("trixie-backports", "sid")
OLDEST: Final = (6, 13)
"""First mainline release with CONFIG_AUTOFDO_CLANG; Debian backports none of it."""

APT_MARK: Final = "apt"
_PACKAGE: Final = re.compile(r"linux-source-(\d+)\.(\d+)")
_HINT: Final = (
    "Or name a source yourself: a kernel tree, a tarball or a git URL in source.location."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourcePackage:
    """One version of a linux-source package in the archive."""

    name: str
    version: str


def sources_list(mirror: str, keyring: Path) -> str:
    """Return the sources of our apt: the suites that carry new kernels, package lists only."""
    options = f"[signed-by={keyring} target=Packages]"
    return "".join(f"deb {options} {mirror} {suite} main\n" for suite in SUITES)


def apt_conf(folder: Path, *, is_root: bool) -> str:
    """Return the configuration of our apt: every path its own, none of the system's hooks.

    It is read after the system's (`-c`), so that proxies set there still hold.
    """
    paths = {
        "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State::lists": folder / "lists",
        "Dir::Cache": folder / "cache",
    }
    lines = [f'{name} "{value}";' for name, value in paths.items()]
    # Images for containers delete the system's package cache in such hooks.
    lines += ["#clear APT::Update::Post-Invoke;", "#clear APT::Update::Post-Invoke-Success;"]
    lines += ['Acquire::Languages "none";', 'APT::Update::Error-Mode "any";']
    if is_root:
        lines.append('APT::Sandbox::User "root";')
    return "\n".join(lines) + "\n"


def indextargets_command() -> Command:
    """Return the command that lists the archives that the system's apt uses."""
    return Command(
        argv=("apt-get", "indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(SITE)"),
        env={"LC_ALL": "C"},
    )


def mirror_from(indextargets: str) -> str | None:
    """Return the system's mirror of the Debian archive, or None.

    Before the first `apt-get update` apt cannot tell an archive's origin: then its name decides.
    """
    unnamed = None
    for line in indextargets.splitlines():
        origin, label, site = (*line.split("|"), "", "")[:3]
        site = site.rstrip("/")
        if not site.startswith(("http://", "https://")):
            continue
        if (origin, label) == ("Debian", "Debian"):
            return site
        if not origin and site.endswith("/debian"):
            unnamed = unnamed or site
    return unnamed


def apt_command(folder: Path, program: str, *words: str, log: str | None = None) -> Command:
    """Return an apt command that uses our configuration."""
    return Command(
        argv=(program, "-c", str(folder / "apt.conf"), *words),
        cwd=folder,
        env={"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        log=log,
        hint=_HINT,
        on_failure=_HINT,
    )


def parse_packages(text: str) -> tuple[SourcePackage, ...]:
    """Parse `apt-cache show` stanzas into the source packages that are new enough."""
    found = []
    for stanza in text.split("\n\n"):
        fields = dict(re.findall(r"^(Package|Version): (\S+)$", stanza, re.MULTILINE))
        match = _PACKAGE.fullmatch(fields.get("Package", ""))
        if match and (int(match[1]), int(match[2])) >= OLDEST and "Version" in fields:
            found.append(SourcePackage(name=fields["Package"], version=fields["Version"]))
    return tuple(found)


def newest(packages: tuple[SourcePackage, ...]) -> SourcePackage | None:
    """Return the package of the highest version, or None of nothing."""
    by_version = cmp_to_key(compare_versions)
    return max(packages, key=lambda package: by_version(package.version), default=None)


def prepare(runner: Runner, folder: Path, keyring: Path, *, is_root: bool) -> None:
    """Write our apt's configuration and bring its package lists up to date."""
    files.mark_folder(folder, APT_MARK)
    for name in ("lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    mirror = mirror_from(runner.query(indextargets_command()).stdout)
    if mirror is None:
        raise HostError(
            "apt's sources name no mirror of the Debian archive",
            details="`apt-get indextargets` lists none of origin Debian.",
            hint="Set source.location to a kernel tree, a tarball or a git URL.",
        )
    files.write_text(folder / "sources.list", sources_list(mirror, keyring))
    files.write_text(folder / "apt.conf", apt_conf(folder, is_root=is_root))
    runner.run(update_command(folder))


def apt_folder(cache: Path) -> Path:
    """Return where our apt keeps its configuration and lists."""
    return cache / "apt"


def download_folder(folder: Path) -> Path:
    """Return where our apt downloads to and packages are taken apart."""
    return folder / "download"


def update_command(folder: Path) -> Command:
    """Return the command that brings our apt's package lists up to date."""
    return apt_command(folder, "apt-get", "update", log="fetch")


def search_command(folder: Path) -> Command:
    """Return the command that lists the archive's packages of kernel sources."""
    return apt_command(folder, "apt-cache", "search", "--names-only", r"^linux-source-[0-9.]+$")


def download_command(folder: Path, package: SourcePackage) -> Command:
    """Return the command that downloads one version of a package."""
    wanted = f"{package.name}={package.version}"
    command = apt_command(folder, "apt-get", "download", wanted, log="fetch")
    return replace(command, cwd=download_folder(folder))


def extract_command(deb: Path, scratch: Path) -> Command:
    """Return the command that takes a package's files out of it."""
    return Command(argv=("dpkg-deb", "-x", str(deb), str(scratch / "files")), log="fetch")


def require_newest(runner: Runner, folder: Path) -> SourcePackage:
    """Return the newest source package; raises ArtifactError when the archive has none."""
    names = runner.query(search_command(folder)).stdout
    wanted = sorted({line.split(" ")[0] for line in names.splitlines() if line})
    shown = runner.query(apt_command(folder, "apt-cache", "show", *wanted)).stdout if wanted else ""
    found = newest(parse_packages(shown))
    if found is None:
        raise ArtifactError(
            f"Debian's archive has no linux-source of {OLDEST[0]}.{OLDEST[1]} or newer",
            details=f"Asked {', '.join(SUITES)}; found {', '.join(wanted) or 'nothing'}.",
            hint=_HINT,
        )
    return found


def from_apt(runner: Runner, *, cache: Path, keyring: Path, is_root: bool) -> KernelTree:
    """Return the tree of Debian's newest linux-source package, downloading it once.

    apt verifies the archive's signature and the package's checksum.
    """
    folder = apt_folder(cache)
    log.step("looking for Debian's newest kernel source")
    prepare(runner, folder, keyring, is_root=is_root)
    package = require_newest(runner, folder)
    record = cache / "debian" / f"{package.name}_{package.version}.json"
    sha256 = files.read_json(record)["sha256"] if record.is_file() else ""
    path = fetch_tarball.find_unpacked(cache, fetch_tarball.key_of(sha256)) if sha256 else None
    if path is None:
        sha256, path = _download(runner, folder, package, cache=cache)
        files.write_json(record, {"sha256": sha256})
    return KernelTree(
        path=path,
        version=tree.inspect(path).version,
        digest=sha256,
        kind="tarball",
        origin=f"Debian {package.name} {package.version}",
    )


def _download(
    runner: Runner, folder: Path, package: SourcePackage, *, cache: Path
) -> tuple[str, Path]:
    """Download and unpack a source package; return the digest of its tarball and the tree."""
    log.step(f"downloading {package.name} {package.version}")
    scratch = download_folder(folder)
    files.remake_marked(scratch, APT_MARK)
    runner.run(download_command(folder, package))
    deb = next(scratch.glob("*.deb"))
    runner.run(extract_command(deb, scratch))
    tarball = next((scratch / "files/usr/src").glob("linux-source-*.tar.*"))
    sha256 = files.sha256_file(tarball)
    path = fetch_tarball.unpack(runner, tarball, sha256, cache=cache)
    files.remove_marked(scratch)
    return sha256, path
