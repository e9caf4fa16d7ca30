"""Building the virtual LBR and its guest-side helper on first use, for the QEMU that is installed."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pkgafdo import files
from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner.command import Command

if TYPE_CHECKING:
    from pkgafdo.artifacts import Toolchain
    from pkgafdo.runner.base import Runner

_NATIVE: Final = resources.files("pkgafdo.vm") / "native"
_PROBE: Final = """
int qemu_plugin_version = %d;
int qemu_plugin_install(void) { return 1; }
"""
"""A plugin that QEMU never keeps: it refuses the version, or its installation fails."""
_FUTURE: Final = 999
_NEWEST: Final = re.compile(r"supports only up to version (\d+)")
_TAKEN: Final = "qemu_plugin_install returned error code"
"""How QEMU refuses a plugin of another API version, and that it took one (plugins/loader.c)."""
_WRITTEN_FOR: Final = range(1, 8)
"""Plugin API versions that vlbr.c is written for: QEMU 7.2 has 1, 10.x 4 and 5, 11.1 has 7."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Native:
    """The compiled programs: the plugin for QEMU and the helper that marks windows in the guest.

    qemu is the version of the QEMU that the plugin is for.
    """

    plugin: Path
    window: Path
    api: int
    qemu: str = ""


def native_source(name: str) -> str:
    """Return the text of a file of the VM's native part (`vlbr.c`, `window.c`, `init.sh`)."""
    return (_NATIVE / name).read_text(encoding="utf-8")


def parse_api_version(stderr: str) -> int | None:
    """Read the newest plugin API version out of QEMU's refusal of a plugin from the future; pure."""
    found = _NEWEST.search(stderr)
    return int(found.group(1)) if found else None


def compile_command(compiler: str, source: Path, output: Path, *flags: str) -> Command:
    """Return the command that compiles one C file."""
    return Command(
        argv=(compiler, "-O2", "-Wall", *flags, "-o", str(output), str(source)),
        hint="A C compiler with the C library's headers is needed "
        "(Arch: base-devel; Debian: gcc libc6-dev).",
    )


def probe_command(qemu: str, plugin: Path) -> Command:
    """Return the command that makes QEMU say which plugin API versions it takes."""
    return Command(
        argv=(qemu, "-M", "none", "-display", "none", "-plugin", str(plugin)),
        accept=frozenset(range(256)),
        timeout=30,
        hint="Install QEMU (Arch: qemu-system-x86; Debian: qemu-system-x86).",
    )


def probe_api(runner: Runner, compiler: str, qemu: str) -> int:
    """Return the plugin API version to compile for: this QEMU's own, or the newest that we know.

    QEMU names its own when it refuses a plugin that claims an impossible one. Raises HostError when
    QEMU is missing, was built without plugins, is too old, or no longer takes what we know.
    """
    stderr = _load_probe(runner, compiler, qemu, _FUTURE)
    version = parse_api_version(stderr)
    if version is None:
        raise HostError(
            f"{qemu} cannot load plugins, so it has no virtual LBR",
            details=stderr.strip(),
            hint="Use a QEMU built with --enable-plugins, as those of Arch (qemu-system-x86) and "
            "Debian (qemu-system-x86) are.",
        )
    if version < _WRITTEN_FOR[0]:
        raise HostError(
            f"{qemu} has plugin API {version}; the virtual LBR needs {_WRITTEN_FOR[0]} or newer",
            hint="Use QEMU 7.2 or newer.",
        )
    if version > _WRITTEN_FOR[-1]:
        _require_ours(_load_probe(runner, compiler, qemu, _WRITTEN_FOR[-1]), qemu, version)
    return min(version, _WRITTEN_FOR[-1])


def _load_probe(runner: Runner, compiler: str, qemu: str, version: int) -> str:
    """Return what QEMU says of a plugin that claims a version of the API."""
    with tempfile.TemporaryDirectory(prefix="pkgafdo-") as folder:
        source, plugin = Path(folder) / "probe.c", Path(folder) / "probe.so"
        source.write_text(_PROBE % version, encoding="utf-8")
        runner.query(compile_command(compiler, source, plugin, "-shared", "-fPIC"))
        return runner.query(probe_command(qemu, plugin)).stderr


def _require_ours(stderr: str, qemu: str, version: int) -> None:
    """Raise HostError unless a QEMU newer than we know takes the newest version that we know."""
    if _TAKEN not in stderr:
        raise HostError(
            f"{qemu} has plugin API {version} and does not take {_WRITTEN_FOR[-1]}, the newest that "
            "the virtual LBR knows",
            details=stderr.strip(),
            hint="Use an older QEMU, or a newer pkgafdo.",
        )


def build_native(runner: Runner, toolchain: Toolchain, *, qemu: str, cache: Path) -> Native:
    """Return the plugin and the helper, compiled now or before, kept in `cache` by digest."""
    compiler = toolchain.tools["clang"]
    identity = {
        "compiler": compiler,
        "version": list(toolchain.version),
        "qemu": _identity_of(runner, qemu),
        "sources": [native_source("vlbr.c"), native_source("window.c")],
    }
    folder = cache / f"vlbr-{files.sha256_json(identity)[:16]}"
    facts = folder / "native.json"
    if not facts.is_file():
        api = probe_api(runner, compiler, qemu)
        _compile(runner, compiler, api, folder)
        files.write_json(facts, {"api": api, "qemu": identity["qemu"]})
    api = int(files.read_json(facts)["api"])
    qemu_version = str(identity["qemu"]).removeprefix("QEMU emulator version ")
    return Native(plugin=folder / "vlbr.so", window=folder / "window", api=api, qemu=qemu_version)


def _identity_of(runner: Runner, qemu: str) -> str:
    command = Command(
        argv=(qemu, "--version"),
        hint="Install QEMU (Arch: qemu-system-x86; Debian: qemu-system-x86).",
    )
    return runner.query(command).stdout.partition("\n")[0]


def _compile(runner: Runner, compiler: str, api: int, folder: Path) -> None:
    sources = folder / "src"
    sources.mkdir(parents=True, exist_ok=True)
    plans = (
        ("vlbr.c", "vlbr.so", (f"-DVLBR_API={api}", "-fPIC", "-shared", "-fvisibility=hidden")),
        (
            "window.c",
            "window",
            ("-static", "-nostdlib", "-ffreestanding", "-fno-stack-protector", "-fno-pie"),
        ),
    )
    for source, output, flags in plans:
        files.write_text(sources / source, native_source(source))
        with files.replacing(folder / output) as temporary:
            try:
                runner.run(compile_command(compiler, sources / source, temporary, *flags))
            except CommandError as error:
                raise HostError(
                    f"the virtual LBR's {source} could not be compiled",
                    details=error.details,
                    hint="It needs the C library's headers (Arch: base-devel; Debian: libc6-dev).",
                ) from error
        if output == "window":
            (folder / output).chmod(0o755)
