"""Trying a changed PKGBUILD in a copy of its folder, before anything of the folder changes."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import log
from pkgafdo.download import fetch, show_progress
from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.adapt_sums import plan_sums
from pkgafdo.packaging.bash_edit import apply_edits
from pkgafdo.packaging.check_finding import render_finding
from pkgafdo.packaging.check_package import check_sums, is_fetched, source_name
from pkgafdo.workflows.pkgbuild_reading import NAME, SRCINFO, Reading, make_srcinfo, read_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pkgafdo.packaging.pkgbuild_values import Values
    from pkgafdo.packaging.sandbox import Sandbox

_COPIED: Final = 8 << 20
"""Larger files are no part of what a PKGBUILD reads: tarballs."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """What a change comes to: the files' contents with sums and .SRCINFO, and the values then."""

    contents: dict[str, bytes]
    values: Values


def try_change(
    sandbox: Sandbox,
    before: Reading,
    contents: dict[str, bytes],
    *,
    fetching: bool,
    renewing: bool = False,
) -> Tried:
    """Return what a change comes to, after bash and makepkg have read it in a copy.

    Sources without a sum get the one of the file beside the PKGBUILD, or of what is fetched; with
    `renewing`, the owner's own files get theirs anew. Raises ArtifactError when that is not
    possible, or the PKGBUILD cannot be read any more.
    """
    _require_sums(before, "Run updpkgsums first.")
    with _copy(before.folder, contents) as place:
        reading = _read(sandbox, place)
        find = finder((place, before.folder), place if fetching else None)
        edits = plan_sums(reading.script, before.values, reading.values, find, renewing=renewing)
        if edits:
            contents = {**contents, NAME: apply_edits(contents[NAME], edits)}
            (place / NAME).write_bytes(contents[NAME])
            reading = _read(sandbox, place)
        _require_sums(reading, "Add the sums by hand.")
        made = make_srcinfo(sandbox, place)
    if made is not None and (before.folder / SRCINFO).is_file():
        contents = {**contents, SRCINFO: made.encode()}
    elif (before.folder / SRCINFO).is_file():
        log.warn("makepkg is not installed, so .SRCINFO is not brought up to date")
    return Tried(contents=contents, values=reading.values)


@contextmanager
def _copy(folder: Path, contents: Mapping[str, bytes]) -> Iterator[Path]:
    """Yield a copy of a folder's small files with other contents for some of them."""
    with tempfile.TemporaryDirectory(prefix="pkgafdo-") as name:
        place = Path(name)
        place.chmod(0o755)
        for path in folder.iterdir():
            if path.is_file() and path.stat().st_size <= _COPIED:
                shutil.copyfile(path, place / path.name)
        for file, content in contents.items():
            (place / file).write_bytes(content)
        yield place


def _read(sandbox: Sandbox, place: Path) -> Reading:
    try:
        return read_folder(sandbox, place)
    except ArtifactError as error:
        raise ArtifactError(
            f"with the change this {NAME} cannot be read any more; nothing was changed",
            details=f"{error.message}\n{error.details}",
            hint="Make the change by hand; `pkgafdo pkgbuild check` says what is missing.",
        ) from error


def finder(places: tuple[Path, ...], fetched: Path | None) -> Callable[[str], Path | None]:
    """Return what finds the file of an entry of source=(): in folders, or fetched into one."""

    def find(entry: str) -> Path | None:
        name, url = source_name(entry), entry.rpartition("::")[2]
        if not name or "/" in name or name in {".", ".."}:
            return None
        if fetched is not None and url.startswith("https://"):
            log.step(f"fetching {url}")
            log.warn(f"{name} is taken as it comes; makepkg --verifysource checks its signature")
            with log.working():
                return fetch(url, fetched / name, progress=show_progress)
        present = next((place / name for place in places if (place / name).is_file()), None)
        if present is not None and is_fetched(entry):
            log.note(f"the checksum of {name} is that of the file beside the PKGBUILD")
        return present

    return find


def _require_sums(reading: Reading, hint: str) -> None:
    """Raise ArtifactError when sources and checksums do not belong together."""
    faults = [
        one
        for one in check_sums(reading.script, reading.values)
        if one.rule in {"sums-count", "sums-missing"}
    ]
    if faults:
        raise ArtifactError(
            "sources and checksums do not belong together; nothing was changed",
            details="\n".join(render_finding(one) for one in faults),
            hint=hint,
        )
