"""The guarded download of create_llvm_prof, from a real server on the loopback interface, and its use."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pkgafdo.errors import ArtifactError, HostError
from pkgafdo.profile.create_llvm_prof import Pin, convert_with_create_llvm_prof, program_of
from pkgafdo.profile.info import read_functions
from pkgafdo.profile.settings import ProfileSettings
from pkgafdo.runner.command import Command
from pkgafdo.runner.local import LocalRunner

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.real

SETTINGS = ProfileSettings(min_functions=1, min_samples=1)
# It knows the options of the release, insists on them, and makes a profile of one function.
PROGRAM = r"""
#include <stdio.h>
#include <string.h>
int main(int count, char **words)
{
    const char *out = 0;
    int text = 0, list = 0;
    for (int at = 1; at < count; at++) {
        if (!strcmp(words[at], "--helpfull")) {
            puts("    --format (Possible values are 'text', 'binary', 'extbinary'.); default: x;\n"
                 "    --prof_sym_list (Symbols.); default: true;\n"
                 "    --profiler (perf or text); default: perf;");
            return 1;
        }
        if (!strncmp(words[at], "--out=", 6)) out = words[at] + 6;
        text |= !strcmp(words[at], "--profiler=text");
        list |= !strcmp(words[at], "--prof_sym_list=false");
    }
    FILE *file = out && text && list ? fopen(out, "w") : 0;
    return file && fputs("work_1:1000:10\n 1: 1000\n", file) >= 0 && !fclose(file) ? 0 : 2;
}
"""


@pytest.fixture(scope="module")
def archive(runner, toolchain, tmp_path_factory) -> bytes:
    folder = tmp_path_factory.mktemp("release")
    (folder / "program.c").write_text(PROGRAM)
    clang = (toolchain.tools["clang"], "program.c", "-o", "create_llvm_prof")
    runner.run(Command(argv=clang, cwd=folder))
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.write(folder / "create_llvm_prof", "create_llvm_prof")
    return stream.getvalue()


@pytest.fixture
def served(tmp_path) -> Iterator[tuple[Path, str]]:
    """A folder and the address where its files are served."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = partial(Quiet, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """Serve files and say nothing."""

    def log_message(self, *args) -> None:
        """Keep the tests' output clean."""


@pytest.fixture
def without() -> LocalRunner:
    """A runner where create_llvm_prof is not installed."""
    return LocalRunner(env={"PATH": "/nonexistent"})


def pin_of(content: bytes, url: str = "http://127.0.0.1:9/unreachable") -> Pin:
    return Pin(version="v1", url=url, sha256=hashlib.sha256(content).hexdigest())


def test_the_release_comes_from_a_mirror_and_converts(
    runner, without, toolchain, vmlinux, table, archive, served, tmp_path
) -> None:
    folder, address = served
    (folder / "mirror.zip").write_bytes(archive)
    pin = pin_of(archive)
    with program_of(without, tmp_path, url=f"{address}/mirror.zip", pin=pin) as program:
        conversion = convert_with_create_llvm_prof(
            runner, toolchain, program,
            table=table, vmlinux=vmlinux, folder=tmp_path / "out", settings=SETTINGS,
        )  # fmt: skip
    assert not Path(program).exists()
    assert conversion.tool == "create_llvm_prof"
    functions = read_functions(runner, toolchain, conversion.profile.path)
    assert functions == {"work_1": 1000}
    assert list((tmp_path / "out").iterdir()) == [conversion.profile.path]


def test_it_is_downloaded_once(without, archive, served, tmp_path) -> None:
    folder, address = served
    (folder / "a.zip").write_bytes(archive)
    pin = pin_of(archive, f"{address}/a.zip")
    with program_of(without, tmp_path, pin=pin):
        pass
    (folder / "a.zip").unlink()
    with program_of(without, tmp_path, pin=pin) as program:
        assert Path(program).is_file()


def test_another_file_than_the_pinned_one_is_refused_and_not_kept(
    without, archive, served, tmp_path
) -> None:
    folder, address = served
    (folder / "a.zip").write_bytes(archive + b"!")
    with (
        pytest.raises(ArtifactError, match="not the file that was pinned"),
        program_of(without, tmp_path, pin=pin_of(archive, f"{address}/a.zip")),
    ):
        pass
    assert list((tmp_path / "create_llvm_prof").iterdir()) == []


def test_a_cache_that_was_tampered_with_is_never_run(without, archive, served, tmp_path) -> None:
    folder, address = served
    (folder / "a.zip").write_bytes(archive)
    pin = pin_of(archive, f"{address}/a.zip")
    with program_of(without, tmp_path, pin=pin):
        pass
    [kept] = (tmp_path / "create_llvm_prof").iterdir()
    kept.write_bytes(b"evil")
    with program_of(without, tmp_path, pin=pin) as program:
        assert Path(program).is_file()
    assert kept.read_bytes() == archive
    kept.write_bytes(b"evil")
    (folder / "a.zip").unlink()
    with pytest.raises(HostError), program_of(without, tmp_path, pin=pin):
        pass


def test_an_unreachable_release_is_a_host_error_that_says_where_to_put_it(
    without, archive, tmp_path
) -> None:
    with (
        pytest.raises(HostError) as caught,
        program_of(without, tmp_path, pin=pin_of(archive)),
    ):
        pass
    assert "put it at" in caught.value.hint


def test_another_kernels_table_is_refused_before_it_runs(
    runner, without, toolchain, vmlinux, table, archive, served, tmp_path
) -> None:
    folder, address = served
    (folder / "a.zip").write_bytes(archive)
    pin = pin_of(archive, f"{address}/a.zip")
    foreign = replace(vmlinux, build_id="beef")
    with (
        program_of(without, tmp_path, pin=pin) as program,
        pytest.raises(ArtifactError, match="another kernel"),
    ):
        convert_with_create_llvm_prof(
            runner, toolchain, program,
            table=table, vmlinux=foreign, folder=tmp_path / "out", settings=SETTINGS,
        )  # fmt: skip
