"""The virtual LBR in the QEMU that is installed, without any kernel."""

from __future__ import annotations

import signal
from dataclasses import replace

import pytest

from pkgafdo.branches.vlbr import read_windows
from pkgafdo.errors import CommandError, HostError
from pkgafdo.runner.command import Command
from pkgafdo.vm.lbr import parse_measure
from pkgafdo.vm.plugin import (
    Native,
    build_native,
    compile_command,
    native_source,
    probe_api,
    probe_command,
)

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def native(runner, toolchain, qemu, tmp_path_factory) -> Native:
    return build_native(runner, toolchain, qemu=qemu, cache=tmp_path_factory.mktemp("cache"))


def no_machine(qemu: str, plugin: str) -> Command:
    """Return the command that loads a plugin and leaves again."""
    argv = (qemu, "-M", "none", "-display", "none", "-monitor", "stdio", "-plugin", plugin)
    return Command(argv=argv, stdin="quit\n", timeout=30)


def test_qemu_names_its_plugin_interface(runner, compiler, qemu) -> None:
    assert probe_api(runner, compiler, qemu) in range(1, 8)


def test_plugin_and_helper_are_built_and_kept(runner, toolchain, qemu, native) -> None:
    assert native.plugin.read_bytes()[:4] == native.window.read_bytes()[:4] == b"\x7fELF"
    before = len(runner.commands)
    assert build_native(runner, toolchain, qemu=qemu, cache=native.plugin.parent.parent) == native
    assert len(runner.commands) == before


def test_qemu_loads_the_plugin_and_it_leaves_a_whole_file(runner, qemu, native, tmp_path) -> None:
    counts, numbers = tmp_path / "counts", tmp_path / "numbers"
    runner.run(no_machine(qemu, f"{native.plugin},mode=record,out={counts},entry=0-0"))
    assert read_windows(counts) == ()
    runner.run(no_machine(qemu, f"{native.plugin},mode=measure,out={numbers},entry=0-0"))
    assert parse_measure(numbers.read_text()) == {}


@pytest.mark.parametrize("arguments", ["", ",out=/nonexistent/x", ",out=/dev/null,colour=red"])
def test_qemu_does_not_start_with_bad_arguments(runner, qemu, native, arguments: str) -> None:
    with pytest.raises(CommandError) as caught:
        runner.run(no_machine(qemu, f"{native.plugin}{arguments}"))
    assert "vlbr: " in caught.value.details


@pytest.mark.parametrize("api", range(1, 8))
def test_every_version_of_the_interface_compiles_without_a_warning(
    runner, compiler, tmp_path, api: int
) -> None:
    source = tmp_path / "vlbr.c"
    source.write_text(native_source("vlbr.c"))
    flags = (f"-DVLBR_API={api}", "-fPIC", "-shared", "-Wextra", "-Werror", "-fvisibility=hidden")
    runner.run(compile_command(compiler, source, tmp_path / "vlbr.so", *flags))
    assert (tmp_path / "vlbr.so").stat().st_size > 1000


def test_the_source_insists_on_a_version(runner, compiler, tmp_path) -> None:
    (tmp_path / "vlbr.c").write_text(native_source("vlbr.c"))
    with pytest.raises(CommandError) as caught:
        runner.run(
            compile_command(compiler, tmp_path / "vlbr.c", tmp_path / "o", "-shared", "-fPIC")
        )
    assert "VLBR_API" in caught.value.details


@pytest.fixture
def fake_qemu(runner, tmp_path):
    """Put a program named qemu-system-x86_64 first on the PATH; returns a runner that finds it."""

    def make(script: str):
        program = tmp_path / "bin" / "qemu-system-x86_64"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return replace(runner, env=runner.env | {"PATH": f"{program.parent}:{runner.env['PATH']}"})

    return make


@pytest.mark.parametrize(
    ("version", "said"), [(1, "returned error code"), (0, "minimum version of")]
)
def test_qemu_speaks_of_versions_as_we_read_it(
    runner, compiler, qemu, tmp_path, version, said
) -> None:
    """The probe's two answers, of the real QEMU: a version that it takes, and one that it does not."""
    newest = probe_api(runner, compiler, qemu)
    claimed = newest if version else -1
    source, plugin = tmp_path / "p.c", tmp_path / "p.so"
    source.write_text(
        f"int qemu_plugin_version = {claimed};\nint qemu_plugin_install(void) {{ return 1; }}\n"
    )
    runner.run(compile_command(compiler, source, plugin, "-shared", "-fPIC"))
    assert said in runner.query(probe_command(qemu, plugin)).stderr


def test_a_qemu_without_plugins_is_refused(fake_qemu, toolchain, tmp_path) -> None:
    runner = fake_qemu(
        '[ "$1" = --version ] && exec echo QEMU emulator version 8.0\n'
        'echo "qemu-system-x86_64: -plugin: invalid option" >&2; exit 1'
    )
    with pytest.raises(HostError, match="cannot load plugins") as caught:
        build_native(runner, toolchain, qemu="qemu-system-x86_64", cache=tmp_path / "cache")
    assert caught.value.details == "qemu-system-x86_64: -plugin: invalid option"
    assert not (tmp_path / "cache").exists()


def test_a_qemu_from_the_future_is_refused(fake_qemu, toolchain, tmp_path) -> None:
    runner = fake_qemu(
        '[ "$1" = --version ] && exec echo QEMU emulator version 20\n'
        'echo "plugin requires API version 999, but this QEMU supports only up to version 8" >&2\n'
        "exit 1"
    )
    with pytest.raises(HostError, match="has plugin API 8 and does not take 7"):
        build_native(runner, toolchain, qemu="qemu-system-x86_64", cache=tmp_path / "cache")


def window(native: Native, *arguments: str) -> Command:
    """Return the command that runs the guest's helper here: its marks are nops on any machine."""
    return Command(argv=(str(native.window), *arguments), accept=frozenset(range(256)), timeout=20)


@pytest.mark.parametrize("script", ["exit 0", "exit 3", "exit 255"])
def test_the_helper_exits_as_its_program_did(runner, native, script: str) -> None:
    result = runner.query(window(native, "1", "/bin/sh", "-c", script))
    assert result.returncode == int(script.split()[1])


def test_the_helper_tells_that_its_program_was_killed(runner, native) -> None:
    result = runner.query(window(native, "255", "/bin/sh", "-c", "kill -9 $$"))
    assert result.returncode == 128 + signal.SIGKILL


def test_the_helper_hands_on_arguments_environment_and_output(runner, native) -> None:
    command = window(native, "2", "/bin/sh", "-c", 'echo "$A" "$0"', "a b")
    assert runner.query(replace(command, env={"A": "yes"})).stdout == "yes a b\n"


@pytest.mark.parametrize(
    ("arguments", "code"), [((), 125), (("1",), 125), (("1", "/nonexistent"), 127)]
)
def test_the_helper_tells_what_it_cannot_do(runner, native, arguments, code: int) -> None:
    assert runner.query(window(native, *arguments)).returncode == code
