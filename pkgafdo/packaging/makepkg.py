"""makepkg on a folder of ours: where it puts things, what it builds, what came out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError
from pkgafdo.packaging import pkginfo
from pkgafdo.packaging.builder import give
from pkgafdo.packaging.syncdeps import sandbox_told
from pkgafdo.runner.command import Command, RunAs

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from pkgafdo.artifacts import PackageFile
    from pkgafdo.runner.base import Runner
    from pkgafdo.runner.local import Builder

_HINT: Final = "Install makepkg (Arch: pacman, Debian: makepkg)."
_KEYS: Final = (
    "If a source's key is unknown, fetch it as the user that builds: gpg --recv-keys KEY "
    "(validpgpkeys in the PKGBUILD)."
)
_DESTINATION_KIND: Final = "packages"
_PROBE_KIND: Final = "makepkg probe"
_PROBE_MARK: Final = "pkgafdo-probe:"
_PROBED: Final = ("PKGDEST", "SRCDEST", "BUILDDIR", "PACKAGER")
_NO_PACKAGER: Final = "Unknown Packager"
_PROBE: Final = "".join(
    [
        "pkgname=probe\npkgver=1\npkgrel=1\narch=(any)\n",
        *(f"printf '{_PROBE_MARK}{name}=%s\\n' \"${name}\"\n" for name in _PROBED),
    ]
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Makepkg:
    """How makepkg is started for one build.

    folder holds the PKGBUILD and is written to; destination is emptied before; build is BUILDDIR.
    env holds what wins over makepkg.conf.
    """

    folder: Path
    destination: Path
    build: Path
    sources: Path
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


def conf_options(conf: str) -> tuple[str, ...]:
    """Return the option that names another makepkg.conf; none when makepkg finds its own."""
    return ("--config", conf) if conf else ()


def probe_command(folder: Path, conf: str) -> Command:
    """Return the command whose PKGBUILD prints what makepkg's configuration comes to."""
    return Command(
        argv=("makepkg", *conf_options(conf), "--printsrcinfo"),
        cwd=folder,
        run_as=RunAs.BUILDER,
        hint=_HINT,
    )


def parse_probe(output: str, folder: Path) -> dict[str, str]:
    """Parse the probe's lines; what is not set, so that makepkg takes the current folder, is left out."""
    lines = (line for line in output.splitlines() if line.startswith(_PROBE_MARK))
    pairs = (line.removeprefix(_PROBE_MARK).partition("=") for line in lines)
    return {
        name: value
        for name, _, value in pairs
        if value not in {"", str(folder), str(folder.resolve()), _NO_PACKAGER}
    }


def read_configuration(
    runner: Runner, folder: Path, *, conf: str, builder: Builder | None
) -> dict[str, str]:
    """Return PKGDEST, SRCDEST, BUILDDIR and PACKAGER as far as makepkg's configuration sets them.

    makepkg itself is asked, in a folder made for it: it knows which of its files win.
    """
    files.remake_marked(folder, _PROBE_KIND)
    files.write_text(folder / "PKGBUILD", _PROBE)
    give(folder, builder)
    try:
        return parse_probe(runner.query(probe_command(folder, conf)).stdout, folder)
    finally:
        files.remove_marked(folder)


def srcinfo_command(folder: Path, env: Mapping[str, str] | None = None) -> Command:
    """Return the command that prints a folder's .SRCINFO."""
    return Command(
        argv=("makepkg", "--printsrcinfo"),
        cwd=folder,
        env=env or {},
        run_as=RunAs.BUILDER,
        hint=_HINT,
    )


def build_command(makepkg: Makepkg, *, log_name: str) -> Command:
    """Return the command that builds the packages anew, whatever an earlier one left."""
    return Command(
        argv=("makepkg", "--cleanbuild", "--force", *makepkg.options),
        cwd=makepkg.folder,
        env={
            **makepkg.env,
            "BUILDDIR": str(makepkg.build),
            "LC_ALL": "C.UTF-8",
            "PKGDEST": str(makepkg.destination),
            "SRCDEST": str(makepkg.sources),
            "SRCPKGDEST": str(makepkg.destination),
        },
        run_as=RunAs.BUILDER,
        log=log_name,
        hint=_HINT,
        on_failure=_KEYS,
    )


def build(
    runner: Runner,
    makepkg: Makepkg,
    *,
    log_name: str,
    builder: Builder | None,
    on_line: Callable[[str], None] | None = None,
) -> tuple[PackageFile, ...]:
    """Build the packages; return them, without one that would replace linux-api-headers.

    Raises CommandError when the build fails, ArtifactError when no package came out.
    """
    files.remake_marked(makepkg.destination, _DESTINATION_KIND)
    for folder in (makepkg.destination, makepkg.build, makepkg.sources):
        if not folder.is_dir():
            folder.mkdir(parents=True)
            give(folder, builder)
    give(makepkg.destination, builder)
    with sandbox_told():
        runner.run(build_command(makepkg, log_name=log_name), on_line=on_line)
    return read_packages(runner, makepkg.destination)


def read_packages(runner: Runner, folder: Path) -> tuple[PackageFile, ...]:
    """Return a folder's packages, sorted by name; raises ArtifactError when there is none."""
    paths = [path for path in folder.glob("*.pkg.tar*") if path.suffix != ".sig"]
    kept, dropped = pkginfo.split(pkginfo.read_package(runner, path) for path in paths)
    for package in dropped:
        log.note(f"{package.pkgname} is left out: it would replace linux-api-headers")
    if not kept:
        raise ArtifactError(
            f"makepkg left no package in {folder}",
            hint="Look into the build's log for what makepkg wrote.",
        )
    return tuple(sorted(kept, key=lambda package: package.pkgname))


def signature(package: Path) -> Path:
    """Return where a package's signature lies."""
    return package.with_name(f"{package.name}.sig")


def find_objects(build: Path) -> Path:
    """Return the folder below BUILDDIR that a kernel was built in.

    Raises ArtifactError when there is none, or more than one.
    """
    release = "include/config/kernel.release"
    # Sources are unpacked into folders of src; some PKGBUILDs build in a folder inside those.
    depths = ("", "*/", "*/*/")
    places = [path.parents[2] for depth in depths for path in build.glob(f"*/src/{depth}{release}")]
    found = [
        path for path in places if (path / "vmlinux").is_file() and (path / ".config").is_file()
    ]
    if len(found) != 1:
        named = ", ".join(str(path) for path in found) or "none"
        raise ArtifactError(
            f"the kernel's object folder is not to be told below {build}",
            details=f"Folders with vmlinux, .config and {release}: {named}.",
            hint="A PKGBUILD for this route builds one kernel, and keeps its objects.",
        )
    return found[0]
