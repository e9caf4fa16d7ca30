"""How much disk builds need, known before the first begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo.kernel import configure, kconfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pkgafdo.kernel.configure import RunningKernel
    from pkgafdo.kernel.settings import KernelSettings

_MIB: Final = 1 << 20
_GIB: Final = 1 << 30

SOURCE: Final = 2 * _GIB
"""estimated: bytes of a kernel tree and of the tarball that it comes from"""
SMALL: Final = 400 * _MIB
"""Bytes of the built-in small configuration's objects.

measured: Linux 7.2.13, clang 19, ThinLTO: 352 MiB (du)
"""
DEFCONFIG: Final = 4 * _GIB
"""estimated: x86-64 defconfig with -gmlt; about ten times the small configuration's objects"""
DISTRIBUTION: Final = 25 * _GIB
"""reported: a distribution's configuration with ThinLTO and debug information takes 20 GB and more"""
_OPTION: Final = DISTRIBUTION // 9500
"""Bytes of the objects behind one option that is on, with full debug information.

estimated: a distribution's total over its options, some 3000 =y and 6500 =m
"""
_LINE_TABLES: Final = 4
"""estimated: how many times smaller objects are that hold line tables only (-gmlt)"""
_WITHOUT_LTO: Final = 0.7
"""estimated: without ThinLTO there is no second set of objects beside the bitcode"""
_OF_KCONFIG: Final = "CC_VERSION_TEXT"
"""Stands in every .config that Kconfig wrote. What lacks it is a part: defaults fill in the rest."""
PACKAGES: Final = 0.4
"""Packages, makepkg's copy of them and the private root, as a share of the objects.

measured: 28 MiB of packages, which unpacked are 110 MiB, for the small configuration
"""


def estimate_objects(text: str, *, modules: int | None = None, lto: bool = True) -> int:
    """Return the bytes of the objects of a configuration, from its text.

    modules is how many modules are built at most, where a list chooses them.
    """
    options = kconfig.parse_config(text)
    values = list(options.values())
    built_in, chosen = values.count("y"), values.count("m")
    count = built_in + (chosen if modules is None else min(chosen, modules))
    size = float(count * _OPTION)
    if not has_full_debug(options):
        size /= _LINE_TABLES
    if not lto:
        size *= _WITHOUT_LTO
    return max(int(size), SMALL if is_whole(options) else DEFCONFIG)


def is_whole(options: Mapping[str, str]) -> bool:
    """Say whether Kconfig wrote a configuration, so that nothing is left to its defaults."""
    return _OF_KCONFIG in options


def has_full_debug(options: Mapping[str, str]) -> bool:
    """Say whether a configuration has more debug information made than the line tables."""
    reduced = any(options.get(f"DEBUG_INFO_{how}") == "y" for how in ("NONE", "REDUCED"))
    return options.get("DEBUG_INFO") == "y" and not reduced


def objects_of(settings: KernelSettings, running: RunningKernel) -> int:
    """Return the bytes of the objects of one build; raises ConfigError as `configure` does."""
    match settings.base:
        case "small":
            return SMALL
        case "defconfig":
            return DEFCONFIG
        case _:
            base = configure.given_base(settings.base, running)
    overlays = [configure.fragment_text(path) for path in settings.fragments]
    modules = None
    if settings.localmodconfig:
        modules = len(configure.read_module_list(Path(settings.localmodconfig)).splitlines())
    return estimate_objects(
        kconfig.merge(base, *overlays), modules=modules, lto=settings.lto != "none"
    )
