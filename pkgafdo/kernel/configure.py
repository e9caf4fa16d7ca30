"""From settings to a .config in the object folder, and the proof that it is the one wanted."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files, log
from pkgafdo.errors import ArtifactError, ConfigError
from pkgafdo.kernel import kconfig, kconfig_check
from pkgafdo.kernel.make import make_command

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pkgafdo.kernel.findings import Finding
    from pkgafdo.kernel.make import Kbuild
    from pkgafdo.kernel.settings import KernelSettings
    from pkgafdo.runner.base import Runner
    from pkgafdo.runner.command import Command

ALLCONFIG: Final = "pkgafdo.allconfig"
MODULE_LIST: Final = "pkgafdo.modules"
BUILT_IN_FRAGMENTS: Final = ("virtme",)
"""Names that kernel.fragments may hold in place of a path."""
_NAME_IT: Final = (
    "Name a kernel's .config in kernel.base, or a fragment of one in kernel.fragments."
)
_ANSWERS: Final = "\n" * 10_000
"""streamline_config asks about new options; an empty line takes the default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningKernel:
    """Where the running kernel's configuration may lie; the caller knows the machine."""

    release: str
    proc_config: Path = Path("/proc/config.gz")
    boot: Path = Path("/boot")
    modules: Path = Path("/usr/lib/modules")


def running_config(running: RunningKernel) -> str:
    """Return the running kernel's configuration; raises ConfigError when the machine has none."""
    candidates = (
        running.proc_config,
        running.boot / f"config-{running.release}",
        running.modules / running.release / "config",
        running.modules / running.release / "build/.config",
    )
    for path in candidates:
        if path.is_file():
            return read_config(path)
    raise ConfigError(
        "the running kernel's configuration is nowhere to be found",
        details="Looked for " + ", ".join(str(path) for path in candidates) + ".",
        hint='Set kernel.base to a .config\'s path, "defconfig" or "small"; '
        "or load it: modprobe configs",
    )


def read_config(path: Path, *, hint: str = _NAME_IT) -> str:
    """Return a configuration file's text, gzipped or not; raises ConfigError when it is none.

    hint says where another is named.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read as a kernel configuration",
            details=str(error),
            hint=hint,
        ) from error
    if not kconfig.parse_config(text):
        raise ConfigError(
            f"{path} holds no kernel option",
            details="No line reads CONFIG_…=… or # CONFIG_… is not set.",
            hint=hint,
        )
    return text


def read_module_list(path: Path) -> str:
    """Return the text of a module list; raises ConfigError when it cannot be read or is empty."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} cannot be read as a list of modules",
            details=str(error),
            hint="Write one with `modprobed-db store` or `lsmod > FILE`.",
        ) from error
    if not text.strip():
        raise ConfigError(f"{path} lists no module", hint="Write one with `lsmod > FILE`.")
    return text


def small_config() -> str:
    """Return the built-in configuration of a small kernel that boots in QEMU."""
    return (resources.files("pkgafdo.kernel") / "configs/vm-small.config").read_text("utf-8")


def is_built_in(fragment: Path) -> bool:
    """Say whether a fragment is one of ours; a file of that name goes before it."""
    return str(fragment) in BUILT_IN_FRAGMENTS and not fragment.exists()


def fragment_text(fragment: Path) -> str:
    """Return a fragment's text; raises ConfigError when it is no configuration."""
    if is_built_in(fragment):
        place = resources.files("pkgafdo.kernel") / f"configs/{fragment}.config"
        return place.read_text("utf-8")
    return read_config(fragment)


def config_commands(kbuild: Kbuild, settings: KernelSettings) -> tuple[Command, ...]:
    """Return the make commands that complete a written configuration, in order."""
    log_name = "configure"
    if settings.base == "small":
        env = {"KCONFIG_ALLCONFIG": str(kbuild.objects / ALLCONFIG)}
        return (make_command(kbuild, "allnoconfig", env=env, log=log_name),)
    commands = [make_command(kbuild, "olddefconfig", log=log_name)]
    if settings.localmodconfig:
        env = {"LSMOD": str(kbuild.objects / MODULE_LIST)}
        local = make_command(kbuild, "localmodconfig", env=env, stdin=_ANSWERS, log=log_name)
        commands += [local, make_command(kbuild, "olddefconfig", log=log_name)]
    return tuple(commands)


def given_base(base: str, running: RunningKernel) -> str:
    """Return the text of a base that exists already: the running kernel's, or a file's."""
    return running_config(running) if base == "running" else read_config(Path(base))


def base_text(
    runner: Runner, kbuild: Kbuild, settings: KernelSettings, running: RunningKernel
) -> str:
    """Return the text of the base configuration, before fragments."""
    match settings.base:
        case "small":
            return small_config()
        case "defconfig":
            runner.run(make_command(kbuild, "defconfig", log="configure"))
            return read_config(kbuild.objects / ".config")
        case given:
            return given_base(given, running)


def write_config(
    kbuild: Kbuild, settings: KernelSettings, base: str, fragments: Iterable[str]
) -> None:
    """Write what the configuration starts from into the object folder."""
    cleaned, emptied = kconfig.without_foreign_keys(base, kbuild.tree)
    for name in emptied:
        log.note(f"CONFIG_{name} is emptied: its file is not in this tree")
    name = ALLCONFIG if settings.base == "small" else ".config"
    files.write_text(kbuild.objects / name, kconfig.merge(cleaned, *fragments))
    if settings.localmodconfig:
        modules = read_module_list(Path(settings.localmodconfig))
        files.write_text(kbuild.objects / MODULE_LIST, modules)


def configure(
    runner: Runner,
    kbuild: Kbuild,
    settings: KernelSettings,
    *,
    running: RunningKernel,
    profile_sha256: str | None = None,
    layout: str = "",
    recorder: str = "",
) -> tuple[Finding, ...]:
    """Configure a kernel in its object folder; return what was checked.

    Raises ConfigError when Kconfig refused an option, with the tree's own reasons.
    """
    wanted = kconfig.wanted_options(
        lto=settings.lto,
        localversion=settings.localversion,
        profile_sha256=profile_sha256,
        layout=layout,
        recorder=recorder,
    )
    base = base_text(runner, kbuild, settings, running)
    fragments = [fragment_text(path) for path in settings.fragments]
    write_config(kbuild, settings, base, [*fragments, kconfig.fragment(wanted)])
    for command in config_commands(kbuild, settings):
        runner.run(command)
    return kconfig_check.require_config(built_config(kbuild.objects), wanted, kbuild.tree)


def built_config(objects: Path) -> dict[str, str]:
    """Return the options of an object folder's .config; raises ArtifactError when there is none."""
    path = objects / ".config"
    if not path.is_file():
        raise ArtifactError(f"{objects} holds no .config", hint="Configure the kernel first.")
    return kconfig.parse_config(path.read_text("utf-8"))
