"""Values that try to run code, and models that nobody validated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pkgafdo.packaging.pkgbuild_model import KernelSource, LocalFile, Pkgbuild
from tests.unit.packaging.pkgbuilds import B2, local, pkgbuild, second_round

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "pkgafdo-was-here"
"""The file that a hostile value leaves in the current folder when it is run."""
ONE_LINE = (
    f"$(touch {MARKER})",
    f"`touch {MARKER}`",
    f"'; touch {MARKER}; '",
    f'"; touch {MARKER}; "',
    f"x; touch {MARKER}",
    f"x) touch {MARKER} (",
    f"a[$(touch {MARKER})]",
    f"${{x:=$(touch {MARKER})}}",
    f"\\'; touch {MARKER} #",
    f"}}; touch {MARKER}; {{",
    f"x && touch {MARKER} &",
    f"<(touch {MARKER})",
)
HOSTILE = (
    *ONE_LINE,
    f"x\ntouch {MARKER}",
    f"x\rtouch {MARKER}",
    f"x\n}}\ntouch {MARKER}\n",
    f"x'\ntouch {MARKER}\n'",
    "x\0",
    "x\x1b[2J",
    "x\u202ey",
    "x\u2028y",
    "../../etc/passwd\n",
    "-rf",
    "--eval=$(x)",
    "",
)
TEXTS = frozenset({"description", "maintainer"})
"""Free texts may hold any character that is printed: quoting alone makes them harmless."""


def _one(field: str) -> Callable[[Any], object]:
    return lambda value: pkgbuild(**{field: value})


FIELDS: dict[str, Callable[[Any], object]] = {
    **{name: _one(name) for name in ("pkgbase", "pkgver", "url", "llvm", "lto", "pkgrel")},
    "source.url": lambda value: KernelSource(url=value, checksum=B2),
    "source.checksum": lambda value: KernelSource(
        url="https://example.org/linux-7.2.13.tar.xz", checksum=value
    ),
    "file.name": lambda value: LocalFile(name=value, checksum=B2),
    "file.checksum": lambda value: LocalFile(name="a.patch", checksum=value),
    "extra_keys": lambda value: pkgbuild(extra_keys=(value,)),
}
"""How to make something of each field's value."""

BYPASSED = (
    "pkgbase", "pkgver", "pkgrel", "description", "url", "maintainer", "llvm", "extra_keys",
    "source.url", "source.checksum", "patch.name", "patch.checksum", "config.checksum",
    "profile.name", "profile.checksum", "provenance.checksum",
)  # fmt: skip


def bypassed(field: str, value: str) -> Pkgbuild:
    """Return a second-round model with a value that no validation has seen."""
    model = second_round()
    patch, profile, provenance = local("a.patch"), local("kernel.afdo"), local("kernel.afdo.json")
    config = local("config")
    parts: dict[str, Any] = {
        "source": model.source, "patch": patch, "config": config, "profile": profile,
        "provenance": provenance,
    }  # fmt: skip
    force = object.__setattr__
    for name, part in parts.items():
        if name != "source":
            force(
                model, "patches" if name == "patch" else name, (part,) if name == "patch" else part
            )
    owner, _, attribute = field.rpartition(".")
    if owner:
        force(parts[owner], attribute, value)
    else:
        force(model, field, (value,) if field == "extra_keys" else value)
    return model
