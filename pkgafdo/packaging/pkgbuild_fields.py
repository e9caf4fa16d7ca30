"""The rules of a PKGBUILD's single values: what may stand in a name, a version, a URL, a sum."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator

TEXT_LIMIT: Final = 200
"""Longest free text (description, maintainer) in characters."""
RESERVED: Final = frozenset(
    f"linux-{name}"
    for name in (
        "aarch64", "api-headers", "atm", "cachyos", "docs", "firmware", "hardened", "headers", "lts",
        "manual", "rt", "rt-lts", "tools", "upstream", "zen",
    )
)  # fmt: skip
"""Names that packages of Arch and CachyOS, or the kernel's own pacman-pkg, have already."""

_PKGBASE: Final = re.compile(r"linux-[a-z0-9][a-z0-9._+-]*")
_PKGVER: Final = re.compile(r"[0-9]+(\.[0-9]+){1,3}(rc[0-9]+)?")
_FILE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
_HOST: Final = r"https://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?"
_PATH: Final = r"(/[A-Za-z0-9._~%+@=,-]+)*/?"
_HTTPS: Final = re.compile(_HOST + _PATH)
_GIT: Final = re.compile(
    rf"git\+{_HOST}{_PATH}(\?signed)?#(tag|commit)=[A-Za-z0-9][A-Za-z0-9._/-]*"
)
_SUM: Final = re.compile(r"[0-9a-f]{64}|[0-9a-f]{128}")
_PGP_KEY: Final = re.compile(r"[0-9A-F]{40}")
_LLVM_OPTION: Final = re.compile(r"-[a-z][a-z0-9]*(-[a-z0-9]+)+(=[A-Za-z0-9][A-Za-z0-9.-]*)?")
_LLVM: Final = re.compile(r"1|-[0-9]+|(/[A-Za-z0-9._+][A-Za-z0-9._+-]*)+/")


def check_pkgbase(value: str) -> str:
    """Return a name that a kernel's packages may have, beside the kernels that there are."""
    if not _PKGBASE.fullmatch(value):
        raise ValueError(
            "the name of a kernel's packages is “linux-” and lower case letters, digits or . _ + -"
        )
    if value in RESERVED or value.endswith(("-headers", "-debug", "-docs")):
        raise ValueError("this name belongs to another package; choose one of your own")
    return value


def check_pkgver(value: str) -> str:
    """Return a version that pacman's vercmp sorts as the kernel's versions follow each other."""
    if not _PKGVER.fullmatch(value):
        raise ValueError("a kernel's version reads 6.18.54, and a release candidate's 7.2rc3")
    return value


def check_text(value: str) -> str:
    """Return one line of readable text."""
    foreign = any(unicodedata.category(one)[0] == "C" for one in value)
    if foreign or any(unicodedata.category(one) in {"Zl", "Zp"} for one in value):
        raise ValueError("a text is one line without control characters")
    if not value or value != value.strip() or "  " in value or value.startswith("-"):
        raise ValueError("a text is not empty, has single spaces, and does not begin with “-”")
    if len(value) > TEXT_LIMIT:
        raise ValueError(f"a text has at most {TEXT_LIMIT} characters")
    return value


def check_file_name(value: str) -> str:
    """Return the plain name of a file that lies beside the PKGBUILD."""
    if not _FILE_NAME.fullmatch(value):
        raise ValueError(
            "a file's name has letters, digits or . _ + - and begins with a letter or digit"
        )
    return value


def check_https(value: str) -> str:
    """Return an https URL without a query."""
    if not _HTTPS.fullmatch(value) or "/../" in f"{value}/":
        raise ValueError("a URL is https://host/path, without a query and “..”")
    return value


def check_source(value: str) -> str:
    """Return the URL of a tarball, or of a git tag or commit as makepkg writes it."""
    if not value.startswith("git+"):
        return check_https(value)
    if not _GIT.fullmatch(value) or ".." in value:
        raise ValueError(
            "a git source is git+https://host/path#tag=NAME, or #commit=DIGEST; "
            "?signed before the # has makepkg check its signature"
        )
    return value


def check_sum(value: str) -> str:
    """Return a sha256 or b2 sum in hex."""
    if not _SUM.fullmatch(value):
        raise ValueError("a checksum is hexadecimal: 64 digits (sha256) or 128 (b2)")
    return value


def check_pgp_key(value: str) -> str:
    """Return the full fingerprint of an OpenPGP key."""
    if not _PGP_KEY.fullmatch(value):
        raise ValueError("a key is named by its whole fingerprint: 40 digits of 0-9 and A-F")
    return value


def check_llvm(value: str) -> str:
    """Return what make takes as LLVM=."""
    if not _LLVM.fullmatch(value) or "/../" in value or "/./" in value:
        raise ValueError("LLVM is 1, a suffix such as -19, or an absolute folder that ends in “/”")
    return value


def check_llvm_option(value: str) -> str:
    """Return an option of LLVM's code generator, as -NAME or -NAME=VALUE."""
    if not _LLVM_OPTION.fullmatch(value):
        raise ValueError("an LLVM option reads -some-name or -some-name=value")
    return value


Pkgbase = Annotated[str, AfterValidator(check_pkgbase)]
Pkgver = Annotated[str, AfterValidator(check_pkgver)]
Text = Annotated[str, AfterValidator(check_text)]
FileName = Annotated[str, AfterValidator(check_file_name)]
Https = Annotated[str, AfterValidator(check_https)]
SourceUrl = Annotated[str, AfterValidator(check_source)]
Sum = Annotated[str, AfterValidator(check_sum)]
PgpKey = Annotated[str, AfterValidator(check_pgp_key)]
Llvm = Annotated[str, AfterValidator(check_llvm)]
LlvmOption = Annotated[str, AfterValidator(check_llvm_option)]
