"""The values that a PKGBUILD's variables have once bash has read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import ArtifactError
from pkgafdo.packaging.sandbox import read_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pkgafdo.packaging.bash_script import Word
    from pkgafdo.packaging.sandbox import Sandbox

PLAIN: Final = (
    "pkgbase", "pkgname", "pkgver", "pkgrel", "arch", "options", "makedepends", "source",
    "conflicts", "provides", "replaces", "validpgpkeys",
)  # fmt: skip
SUMS: Final = (
    "md5sums", "sha1sums", "sha224sums", "sha256sums", "sha384sums", "sha512sums", "b2sums",
)  # fmt: skip
"""makepkg's arrays of checksums, cksums left out (PKGBUILD(5))."""
KINDS: Final = (*SUMS, "cksums")
"""All of them."""

_SIMPLE: Final = re.compile(
    r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)(?:\[[@*]\])?\}|([A-Za-z_][A-Za-z0-9_]*))"
)
# What makepkg itself offers to a PKGBUILD; its output belongs to us, so the PKGBUILD's goes nowhere.
_READ: Final = """
exec 3>&1 >/dev/null </dev/null
CARCH=x86_64 startdir=$PWD
for _one in msg msg2 plain; do eval "$_one() { :; }"; done
for _one in error warning plainerr; do eval "$_one() { echo \\"\\$*\\" >&2; }"; done
unset _one
source ./PKGBUILD || exit 1
for _pkgafdo_name in "$@"; do
  declare -n _pkgafdo_value=$_pkgafdo_name
  if [[ -v _pkgafdo_value[@] || -v _pkgafdo_value ]]; then
    printf '%s\\0' "$_pkgafdo_name" "${#_pkgafdo_value[@]}" "${_pkgafdo_value[@]}" >&3
  fi
  unset -n _pkgafdo_value
done
printf 'end\\0000\\0' >&3
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Values:
    """Every variable as the array that it is in bash; a scalar is an array of one."""

    arrays: Mapping[str, tuple[str, ...]]

    def scalar(self, name: str) -> str:
        """Return the first value of a variable; empty when it is not set."""
        return next(iter(self.arrays.get(name, ())), "")

    def array(self, name: str) -> tuple[str, ...]:
        """Return all values of a variable."""
        return self.arrays.get(name, ())

    def suffixes(self) -> tuple[str, ...]:
        """Return what source arrays end in: nothing, and `_x86_64` and the like."""
        return ("", *(f"_{one}" for one in self.array("arch") if f"source_{one}" in self.arrays))

    def resolve(self, text: str) -> str:
        """Return text with plain expansions replaced by their values; unknown ones stay."""
        return _SIMPLE.sub(self._value_of, text.replace('"', "").replace("'", ""))

    def _value_of(self, match: re.Match[str]) -> str:
        name = match[1] or match[2]
        return " ".join(self.arrays[name]) if name in self.arrays else match[0]

    def words(self, words: Iterable[Word]) -> tuple[str, ...]:
        """Return a command's words with arrays spread out and plain expansions replaced."""
        found: list[str] = []
        for word in words:
            spread = re.fullmatch(r"\"?\$\{([A-Za-z_][A-Za-z0-9_]*)\[[@*]\]\}\"?", word.text)
            found += self.array(spread[1]) if spread else (self.resolve(word.text),)
        return tuple(found)


def parse_values(output: str) -> Values:
    """Parse what the reading script printed; raises ArtifactError when it did not get to its end."""
    fields = iter(output.split("\0"))
    arrays: dict[str, tuple[str, ...]] = {}
    for name in fields:
        count = next(fields, "")
        if (name, count) == ("end", "0"):
            return Values(arrays=arrays)
        if not count.isdecimal():
            break
        arrays[name] = tuple(next(fields, "") for _ in range(min(int(count), len(output))))
    raise ArtifactError(
        "the PKGBUILD ends before its end",
        details="Something outside of its functions leaves it: exit, return, or a failing command.",
        hint="What stands outside of functions should only set variables.",
    )


def read_values(sandbox: Sandbox, folder: Path, names: Iterable[str]) -> Values:
    """Read a PKGBUILD, and return the values of these variables and of those that makepkg knows."""
    sums = [f"{name}{suffix}" for name in KINDS for suffix in ("", "_x86_64", "_aarch64")]
    every = dict.fromkeys((*PLAIN, "source_x86_64", "source_aarch64", *sums, *names))
    asked = [name for name in every if not name.startswith(("BASH", "_pkgafdo_"))]
    return parse_values(read_inside(sandbox, ("bash", "-c", _READ, "bash", *asked), folder))
