"""Downloads over a pinned checksum: resumed, verified, then renamed; only it knows requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, HostError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import requests

_MIB: Final = 1 << 20
_CHUNK: Final = _MIB
_TIMEOUT: Final = (15.0, 60.0)
"""Seconds to connect, and to wait for the next bytes."""
_PARTIAL_CONTENT: Final = 206
_RANGE_NOT_SATISFIABLE: Final = 416


def download(
    url: str,
    *,
    sha256: str,
    target: Path,
    progress: Callable[[int, int], None] | None = None,
    session: requests.Session | None = None,
) -> Path:
    """Bring a file to `target`, which exists only when its checksum is right.

    A part left by an interrupted download is continued. progress receives the bytes so far and in
    all (0 when unknown). Raises HostError when the network fails and ArtifactError when the
    checksum is wrong; then nothing is kept.
    """
    if target.is_file() and files.sha256_file(target) == sha256:
        return target
    partial = target.with_name(f".{target.name}.{sha256[:16]}.part")
    partial.parent.mkdir(parents=True, exist_ok=True)
    _receive(url, partial, target, progress, session)
    found = files.sha256_file(partial)
    if found != sha256:
        partial.unlink()
        raise ArtifactError(
            f"{url} is not the file that was pinned",
            details=f"sha256 expected {sha256}\n       but got  {found}\nNothing was kept.",
            hint="Check the sha256 at its source; a proxy or mirror may serve something else.",
        )
    partial.replace(target)
    return target


def fetch(
    url: str,
    target: Path,
    *,
    progress: Callable[[int, int], None] | None = None,
    session: requests.Session | None = None,
) -> Path:
    """Bring a file that nobody has pinned yet; `target` exists only when all of it has come.

    Raises HostError when the network fails.
    """
    partial = target.with_name(f".{target.name}.part")
    _receive(url, partial, target, progress, session)
    partial.replace(target)
    return target


def show_progress(done: int, total: int) -> None:
    """Show a download on the progress line."""
    if not total:
        log.progress(f"{done / _MIB:.1f} MiB")
        return
    log.progress(f"{done / _MIB:.1f} of {total / _MIB:.1f} MiB", share=done / total)


def _receive(
    url: str,
    partial: Path,
    target: Path,
    progress: Callable[[int, int], None] | None,
    session: requests.Session | None,
) -> None:
    """Append what is missing to the partial file, translating the network's errors."""
    import requests

    try:
        with session or requests.Session() as connection:
            _append(connection, url, partial, progress)
    except requests.RequestException as error:
        raise HostError(
            f"{url} could not be downloaded",
            details=str(error),
            hint="Run the same command again to go on where it stopped; or download the file "
            f"yourself and put it at {target}",
        ) from error


def _append(
    session: requests.Session,
    url: str,
    partial: Path,
    progress: Callable[[int, int], None] | None,
) -> None:
    have = partial.stat().st_size if partial.is_file() else 0
    # Compressed transfer would make the byte counts of a resumed download meaningless.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if have and response.status_code == _RANGE_NOT_SATISFIABLE:
            return  # nothing is missing; the checksum decides
        response.raise_for_status()
        resumed = response.status_code == _PARTIAL_CONTENT
        done = have if resumed else 0
        length = int(response.headers.get("Content-Length") or 0)
        total = done + length if length else 0
        with partial.open("ab" if resumed else "wb") as stream:
            for chunk in response.iter_content(_CHUNK):
                stream.write(chunk)
                done += len(chunk)
                if progress is not None:
                    progress(done, total)
