"""Values that try to run code, and models that nobody validated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pkgafdo.packaging.pkgbuild_sources import KernelSource, LocalFile
from tests.unit.packaging.pkgbuilds import B2, local, pkgbuild, second_round

if TYPE_CHECKING:
    from collections.abc import Callable

    from pkgafdo.packaging.pkgbuild_model import Pkgbuild

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
    **{
        name: _one(name)
        for name in (
            "pkgbase",
            "pkgver",
            "url",
            "llvm",
            "lto",
            "pkgrel",
            "march",
            "docs",
            "address_map",
        )
    },
    "tuning": lambda value: pkgbuild(tuning=(value,)),
    "modules": lambda value: pkgbuild(modules=(value,)),
    "layout.name": lambda value: pkgbuild(
        profile=local("a.afdo"),
        cc_profile=local(f"{value}_cc_profile.txt"),
        ld_profile=local(f"{value}_ld_profile.txt"),
    ),
    "symbol_order.name": lambda value: pkgbuild(profile=local("a.afdo"), symbol_order=local(value)),
    "source.url": lambda value: KernelSource(url=value, checksum=B2),
    "source.checksum": lambda value: KernelSource(
        url="https://example.org/linux-7.2.13.tar.xz", checksum=value
    ),
    "file.name": lambda value: LocalFile(name=value, checksum=B2),
    "file.checksum": lambda value: LocalFile(name="a.patch", checksum=value),
    "extra_keys": lambda value: pkgbuild(extra_keys=(value,)),
}
"""How to make something of each field's value."""

_LISTS = frozenset({"extra_keys", "tuning", "modules"})
BYPASSED = (
    "pkgbase", "pkgver", "pkgrel", "description", "url", "maintainer", "llvm", "extra_keys",
    "source.url", "source.checksum", "patch.name", "patch.checksum", "config.checksum",
    "profile.name", "profile.checksum", "provenance.checksum", "march", "tuning", "address_map",
    "cc_profile.name", "cc_profile.checksum", "ld_profile.name", "ld_profile.checksum",
    "symbol_order.name", "symbol_order.checksum", "modules",
)  # fmt: skip


def bypassed(field: str, value: str) -> Pkgbuild:
    """Return a second-round model with a value that no validation has seen."""
    model = second_round()
    parts: dict[str, Any] = {
        "source": model.source, "patch": local("a.patch"), "config": local("config"),
        "profile": local("kernel.afdo"), "provenance": local("kernel.afdo.json"),
        "cc_profile": local("p_cc_profile.txt"), "ld_profile": local("p_ld_profile.txt"),
        "symbol_order": local("order.txt"),
    }  # fmt: skip
    force = object.__setattr__
    for name, part in parts.items():
        force(model, "patches" if name == "patch" else name, (part,) if name == "patch" else part)
    owner, _, attribute = field.rpartition(".")
    if owner:
        force(parts[owner], attribute, value)
    else:
        force(model, field, (value,) if field in _LISTS else value)
    return model
