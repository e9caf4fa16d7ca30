"""Finding programs and what they need."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import HostError
from pkgafdo.runner.command import Command, Result
from pkgafdo.vm.programs import GuestFile, closure, find_programs, parse_ldd
from tests.fakes.runner import FakeRunner

DEBIAN = """\
\tlinux-vdso.so.1 (0x00007ffd4e5f2000)
\tlibselinux.so.1 => /lib/x86_64-linux-gnu/libselinux.so.1 (0x00007f1a2b3c4000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1a2b1e3000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f1a2b421000)
"""
ARCH = """\
\tlinux-vdso.so.1 (0x00007ffd4e5f2000)
\tlibc.so.6 => /usr/lib/libc.so.6 (0x00007f1a2b1e3000)
\t/lib64/ld-linux-x86-64.so.2 => /usr/lib64/ld-linux-x86-64.so.2 (0x00007f1a2b421000)
"""


def test_libraries_and_loader_are_read_from_ldd() -> None:
    assert parse_ldd(DEBIAN) == (
        "/lib/x86_64-linux-gnu/libselinux.so.1",
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
    )


def test_a_loader_behind_a_link_is_needed_under_both_names() -> None:
    """A program asks the kernel for /lib64/ld-linux-x86-64.so.2; the guest has no links."""
    assert parse_ldd(ARCH) == (
        "/usr/lib/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
        "/usr/lib64/ld-linux-x86-64.so.2",
    )


@pytest.mark.parametrize("text", ["", "\tnot a dynamic executable\n", "\tstatically linked\n"])
def test_a_static_program_needs_nothing(text: str) -> None:
    assert parse_ldd(text) == ()


def test_a_library_in_a_folder_with_a_space_keeps_its_path() -> None:
    assert parse_ldd("\tlibx.so => /opt/my app/libx.so (0x00007f00)\n") == ("/opt/my app/libx.so",)


def elf(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x7fELF\x02\x01\x01")
    return path


def ldd(needs: dict[Path, str]) -> FakeRunner:
    def answer(command: Command) -> Result:
        text = needs.get(Path(command.argv[1]), "")
        return Result(returncode=0 if text else 1, stdout=text)

    return FakeRunner(answers={"ldd": answer})


def test_the_closure_holds_libraries_of_libraries_once_and_sorted(tmp_path) -> None:
    program, one, two = (elf(tmp_path / name) for name in ("bin/p", "lib/one.so", "lib/two.so"))
    runner = ldd({
        program: f"\tone.so => {one} (0x1)\n\ttwo.so => {two} (0x2)\n",
        one: f"\ttwo.so => {two} (0x2)\n",
    })  # fmt: skip
    found = closure(runner, [program, one])
    assert [entry.path for entry in found] == [str(program), str(one), str(two)]
    assert len(runner.queried) == 3


def test_a_link_is_copied_from_its_target_and_keeps_its_name(tmp_path) -> None:
    target = elf(tmp_path / "real")
    (tmp_path / "name").symlink_to(target)
    assert closure(ldd({}), [tmp_path / "name"]) == (
        GuestFile(path=str(tmp_path / "name"), source=target),
    )


def test_a_script_brings_its_interpreter(tmp_path) -> None:
    shell = elf(tmp_path / "sh")
    script = tmp_path / "script"
    script.write_text(f"#! {shell} -e\necho hi\n")
    assert [entry.path for entry in closure(ldd({}), [script])] == [str(script), str(shell)]


def test_a_script_whose_interpreter_is_absent_is_refused(tmp_path) -> None:
    script = tmp_path / "script"
    script.write_text("#!/nonexistent/python\n")
    with pytest.raises(HostError, match="needs /nonexistent/python") as caught:
        closure(ldd({}), [script])
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"#!\n", b"plain data\n", b"\x00\xff"])
def test_data_needs_nothing(tmp_path, content: bytes) -> None:
    path = tmp_path / "data"
    path.write_bytes(content)
    assert [entry.path for entry in closure(FakeRunner(), [path])] == [str(path)]


def test_a_library_that_is_not_found_is_named(tmp_path) -> None:
    program = elf(tmp_path / "p")
    with pytest.raises(HostError, match=r"lacks libraries on this machine: libx\.so\.1"):
        closure(ldd({program: "\tlibx.so.1 => not found\n"}), [program])


class OneFolder(FakeRunner):
    """A fake runner whose PATH is one folder."""

    folder: Path

    def which(self, program: str) -> str | None:
        return str(self.folder / program) if (self.folder / program).exists() else None


@pytest.fixture
def runner(tmp_path) -> OneFolder:
    runner = OneFolder()
    runner.folder = tmp_path
    return runner


def test_programs_are_found_by_name_and_files_by_path(runner, tmp_path) -> None:
    elf(tmp_path / "perf")
    elf(tmp_path / "sub" / "data")
    assert find_programs(runner, ["perf", str(tmp_path / "sub/data")]) == (
        tmp_path / "perf",
        tmp_path / "sub/data",
    )


def test_all_absent_programs_are_told_at_once_with_their_packages(runner, tmp_path) -> None:
    elf(tmp_path / "bash")
    with pytest.raises(HostError, match="perf, cp, /nonexistent/x") as caught:
        find_programs(runner, ["perf", "bash", "cp", "/nonexistent/x"])
    assert caught.value.details.splitlines() == [
        "perf: Arch package perf, Debian package linux-perf",
        "cp: Arch package coreutils, Debian package coreutils",
        "/nonexistent/x: no such file",
    ]


def test_a_folder_is_no_program(runner, tmp_path) -> None:
    (tmp_path / "busybox").mkdir()
    with pytest.raises(HostError, match="busybox"):
        find_programs(runner, ["busybox"])
