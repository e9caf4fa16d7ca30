"""What is known of an installed package."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class InstalledPackage:
    """A package in pacman's local database: pkgname, pkgver with pkgrel, pkgbase."""

    name: str
    version: str
    base: str
