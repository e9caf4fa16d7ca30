"""Building the virtual LBR, as far as no program need run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.plugin import (
    build_native,
    compile_command,
    native_source,
    parse_api_version,
    probe_api,
    probe_command,
)
from tests.fakes.runner import FakeRunner

REFUSAL = (
    "qemu-system-x86_64: Could not load plugin ./p.so: plugin requires API version 999, "
    "but this QEMU supports only up to version {}\n"
)
TOOLCHAIN = Toolchain(make_value="1", version=(19, 1, 7), tools={"clang": "/usr/bin/clang"})


@pytest.mark.parametrize("version", [0, 1, 4, 12])
def test_the_api_version_is_read_from_qemus_refusal(version: int) -> None:
    assert parse_api_version(REFUSAL.format(version)) == version


@pytest.mark.parametrize(
    "stderr",
    [
        "",
        "qemu-system-x86_64: -plugin p.so: invalid option\n",
        "qemu-system-x86_64: -plugin: QEMU was built without plugin support\n",
        "plugin requires API version -1, but this QEMU supports only a minimum version of 2\n",
        "qemu-system-x86_64: Could not load plugin ./p.so: cannot open shared object file\n",
    ],
)
def test_other_messages_hold_no_version(stderr: str) -> None:
    assert parse_api_version(stderr) is None


def test_the_compiler_is_told_what_to_make() -> None:
    command = compile_command("/usr/bin/clang", Path("/a b.c"), Path("/out.so"), "-shared")
    assert command.argv == ("/usr/bin/clang", "-O2", "-Wall", "-shared", "-o", "/out.so", "/a b.c")
    assert "Arch: base-devel; Debian: gcc" in command.hint


def test_the_probe_starts_no_machine_and_takes_every_exit_code() -> None:
    command = probe_command("qemu", Path("/p.so"))
    assert command.argv == ("qemu", "-M", "none", "-display", "none", "-plugin", "/p.so")
    assert {0, 1, 255} <= command.accept
    assert command.timeout


@pytest.mark.parametrize("name", ["vlbr.c", "window.c", "init.sh"])
def test_the_native_sources_are_found_and_under_the_gpl_where_qemu_wants_it(name: str) -> None:
    text = native_source(name)
    assert len(text.splitlines()) > 20
    if name.endswith(".c"):
        assert text.startswith("/* SPDX-License-Identifier: GPL-2.0-or-later */\n")


def test_both_sides_agree_on_the_mark() -> None:
    assert "#define MARK 0x564c0000u" in native_source("vlbr.c")
    assert ".long 0x564c0000 + i" in native_source("window.c")


TAKEN = (
    "qemu-system-x86_64: Could not load plugin ./p.so: qemu_plugin_install returned error code 1\n"
)
TOO_OLD = (
    "qemu-system-x86_64: Could not load plugin ./p.so: plugin requires API version 7, "
    "but this QEMU supports only a minimum version of 8\n"
)


def machine(*stderr: str) -> FakeRunner:
    """Return a runner whose compiler compiles and whose QEMU says these of our probes, in turn."""
    said = iter(stderr or (REFUSAL.format(4),))

    def compiler(command: Command) -> Result:
        Path(command.argv[command.argv.index("-o") + 1]).write_text("machine code")
        return Result(returncode=0)

    def qemu(command: Command) -> Result:
        if "--version" in command.argv:
            return Result(returncode=0, stdout="QEMU emulator version 10.0.3\nCopyright\n")
        return Result(returncode=1, stderr=next(said))

    return FakeRunner(answers={"clang": compiler, "qemu": qemu})


def test_the_plugin_is_compiled_once_for_the_api_that_qemu_has(tmp_path) -> None:
    runner = machine()
    native = build_native(runner, TOOLCHAIN, qemu="qemu", cache=tmp_path)
    assert native.api == 4
    assert native.plugin.is_file()
    assert native.window.stat().st_mode & 0o111
    (vlbr,) = (command.argv for command in runner.ran if "-DVLBR_API=4" in command.argv)
    assert vlbr[-1].endswith("/src/vlbr.c")
    compiled = len(runner.ran)
    assert build_native(runner, TOOLCHAIN, qemu="qemu", cache=tmp_path) == native
    assert len(runner.ran) == compiled


def test_another_compiler_or_qemu_has_a_plugin_of_its_own(tmp_path) -> None:
    first = build_native(machine(), TOOLCHAIN, qemu="qemu", cache=tmp_path)
    newer = Toolchain(make_value="1", version=(20, 1, 0), tools=TOOLCHAIN.tools)
    second = build_native(machine(), newer, qemu="qemu", cache=tmp_path)
    assert first.plugin != second.plugin


def test_a_build_that_was_cut_short_is_done_again(tmp_path) -> None:
    native = build_native(machine(), TOOLCHAIN, qemu="qemu", cache=tmp_path)
    (native.plugin.parent / "native.json").unlink()
    runner = machine()
    build_native(runner, TOOLCHAIN, qemu="qemu", cache=tmp_path)
    assert len(runner.ran) == 2


def test_a_qemu_without_plugins_is_refused_with_what_it_said(tmp_path) -> None:
    with pytest.raises(HostError, match="cannot load plugins") as caught:
        build_native(machine("invalid option"), TOOLCHAIN, qemu="qemu", cache=tmp_path)
    assert caught.value.details == "invalid option"
    assert "--enable-plugins" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_qemu_that_is_too_old_is_refused() -> None:
    with pytest.raises(HostError, match="plugin API 0; the virtual LBR needs 1 or newer"):
        probe_api(machine(REFUSAL.format(0)), "clang", "qemu")


def test_a_newer_qemu_that_takes_what_we_know_is_used_with_that() -> None:
    assert probe_api(machine(REFUSAL.format(9), TAKEN), "clang", "qemu") == 7


@pytest.mark.parametrize("said", [TOO_OLD, "Segmentation fault\n"])
def test_a_newer_qemu_that_does_not_is_refused_with_its_words(said: str) -> None:
    with pytest.raises(HostError, match="plugin API 9 and does not take 7") as caught:
        probe_api(machine(REFUSAL.format(9), said), "clang", "qemu")
    assert caught.value.details == said.strip()


def test_a_missing_qemu_is_named_with_its_packages(tmp_path) -> None:
    runner = FakeRunner(missing={"qemu"})
    with pytest.raises(HostError, match="qemu is not installed") as caught:
        build_native(runner, TOOLCHAIN, qemu="qemu", cache=tmp_path)
    assert "qemu-system-x86" in caught.value.hint


def test_a_compiler_error_is_the_machines_lack_and_shown(tmp_path) -> None:
    runner = machine()
    answer = runner.answers["clang"]

    def failing(command: Command) -> Result:
        if "-static" in command.argv:
            return Result(returncode=1, stderr="cannot find -lgcc")
        return answer(command) if callable(answer) else answer

    runner.answers["clang"] = failing
    with pytest.raises(HostError, match=r"window\.c could not be compiled") as caught:
        build_native(runner, TOOLCHAIN, qemu="qemu", cache=tmp_path)
    assert caught.value.details == "cannot find -lgcc"
    (folder,) = tmp_path.iterdir()
    assert not (folder / "window").exists()
    assert not (folder / "native.json").exists()
