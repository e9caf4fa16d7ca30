"""What a .SRCINFO says of a PKGBUILD: names and version of the packages."""

from __future__ import annotations

from dataclasses import dataclass

from pkgafdo.errors import ArtifactError


@dataclass(frozen=True, kw_only=True, slots=True)
class Srcinfo:
    """The names and the version; sources are those for every architecture, as written."""

    pkgbase: str
    pkgver: str
    pkgrel: str
    packages: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def version(self) -> str:
        """The version with pkgrel."""
        return f"{self.pkgver}-{self.pkgrel}"


def read_srcinfo(text: str) -> Srcinfo:
    """Parse a .SRCINFO; raises ArtifactError when it names no package."""
    fields: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, separator, value = line.strip().partition(" = ")
        if separator:
            fields.setdefault(key, []).append(value)
    missing = [key for key in ("pkgbase", "pkgname", "pkgver", "pkgrel") if key not in fields]
    if missing:
        raise ArtifactError(
            "makepkg --printsrcinfo did not describe a package",
            details=f"It lacks {', '.join(missing)}.",
            hint="Try it in the PKGBUILD's folder; it says what is wrong.",
        )
    return Srcinfo(
        pkgbase=fields["pkgbase"][0],
        pkgver=fields["pkgver"][0],
        pkgrel=fields["pkgrel"][0],
        packages=tuple(fields["pkgname"]),
        sources=tuple(fields.get("source", ())),
    )
