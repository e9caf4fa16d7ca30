"""Configuring a real tree from each kind of base, as far as the .config."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from pkgafdo.host.facts import read_facts
from pkgafdo.kernel import configure
from pkgafdo.kernel.make import Kbuild
from pkgafdo.kernel.settings import KernelSettings
from pkgafdo.runner.local import LocalRunner
from pkgafdo.toolchain.select import select
from pkgafdo.toolchain.settings import ToolchainSettings

if TYPE_CHECKING:
    from pathlib import Path

BASES: Final = ("file", "running", "localmodconfig")
"""Beside defconfig, which these are made from here, and the small one, which the run builds."""


def configured(tree: Path, folder: Path, settings: KernelSettings, running: Path) -> dict[str, str]:
    """Configure a tree in an object folder; return the options that Kconfig left.

    Raises ConfigError when an option that pkgafdo wants did not stick. running stands for the
    /proc/config.gz of a machine.
    """
    runner = LocalRunner(env=read_facts().environment, logs=folder / "logs")
    kbuild = Kbuild(
        tree=tree,
        objects=folder / "objects",
        toolchain=select(runner, ToolchainSettings()),
        jobs=2,
        timestamp=0,
    )
    kbuild.objects.mkdir(parents=True, exist_ok=True)
    machine = configure.RunningKernel(release="none", proc_config=running)
    configure.configure(runner, kbuild, settings, running=machine)
    return configure.built_config(kbuild.objects)


def settings_of(base: str, folder: Path, default: str) -> tuple[KernelSettings, Path]:
    """Return the settings for a base made of a defconfig's text, and a running kernel's config.gz."""
    running = folder / "config.gz"
    running.write_bytes(gzip.compress(default.encode()))
    own = folder / "own.config"
    own.write_text(default, encoding="utf-8")
    settings = KernelSettings(base="running" if base == "running" else str(own), lto="thin")
    if base == "localmodconfig":
        modules = folder / "modules"
        modules.write_text("Module Size Used by\nnone_of_the_tree 16384 0\n", encoding="ascii")
        settings = replace(settings, localmodconfig=str(modules))
    return settings, running
