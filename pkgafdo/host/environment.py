"""The small environment that our child processes get, whatever the user's shell has set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_PASSED: Final = (
    "HOME", "USER", "LOGNAME", "TERM", "TMPDIR",
    "http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO",
)  # fmt: skip
"""Nothing else: CFLAGS, MAKEFLAGS, KBUILD_*, CI and the like would change what is built."""
_ALWAYS_ON_PATH: Final = ("/usr/sbin", "/sbin")
_DEFAULT_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


def child_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for child processes out of our own one."""
    passed = {name: environ[name] for name in _PASSED if environ.get(name)}
    return {"PATH": _path(environ.get("PATH", "")), "LANG": "C.UTF-8"} | passed


def _path(path: str) -> str:
    """Return a search path of absolute folders, with those that an unprivileged Debian lacks."""
    folders = [part for part in (path or _DEFAULT_PATH).split(":") if part.startswith("/")]
    folders += [folder for folder in _ALWAYS_ON_PATH if folder not in folders]
    return ":".join(folders)
