"""The real make on a small Makefile that talks and fails like Kbuild."""

from __future__ import annotations

import os
import shutil

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.errors import CommandError
from pkgafdo.kernel import make
from pkgafdo.kernel import watch as watches
from pkgafdo.runner.local import LocalRunner

pytestmark = pytest.mark.real

MAKEFILE = """\
all:
	@echo '  CC      kernel/fork.o'
	@env | grep -E '^(KBUILD_|LOCALVERSION|MAKEFLAGS|CFLAGS)' | sort > $(O)/environment
	@echo '$(LLVM)' > $(O)/llvm
broken: all
	@echo "kernel/fork.c:12:3: error: use of undeclared identifier 'x'" >&2; false
"""


@pytest.fixture
def kbuild(tmp_path) -> make.Kbuild:
    if shutil.which("make") is None:
        pytest.skip("make is not installed")
    tree = tmp_path / "tree with spaces"
    tree.mkdir()
    (tree / "Makefile").write_text(MAKEFILE)
    (tmp_path / "objects").mkdir()
    return make.Kbuild(
        tree=tree,
        objects=tmp_path / "objects",
        toolchain=Toolchain(make_value="-19", version=(19, 1, 7), tools={}),
        jobs=1,
        timestamp=0,
    )


@pytest.fixture
def runner(tmp_path) -> LocalRunner:
    return LocalRunner(env={"PATH": os.environ["PATH"]}, logs=tmp_path / "logs")


def test_the_variables_and_the_clean_environment_arrive(kbuild, runner, monkeypatch):
    monkeypatch.setenv("CFLAGS", "-Ofast")
    told: list[str | None] = []
    watch = watches.BuildWatch()
    command = make.make_command(kbuild, "all", log="build")
    runner.run(command, on_line=lambda line: told.append(watch.feed(line)))
    assert [name for name in told if name] == ["kernel/fork.o"]
    assert watch.done == 1
    assert (kbuild.objects / "llvm").read_text() == "-19\n"
    environment = (kbuild.objects / "environment").read_text()
    assert "KBUILD_BUILD_TIMESTAMP=Thu Jan 01 00:00:00 UTC 1970\n" in environment
    assert "LOCALVERSION=\n" in environment
    assert "CFLAGS" not in environment


def test_a_compile_error_is_shown_and_the_log_named(kbuild, runner, tmp_path):
    watch = watches.BuildWatch()
    command = make.make_command(kbuild, "broken", log="build")
    with pytest.raises(CommandError) as caught, watches.explaining(watch):
        runner.run(command, on_line=watch.feed)
    assert caught.value.message == "the kernel did not build"
    first, *rest = caught.value.details.splitlines()
    assert first == "kernel/fork.c:12:3: error: use of undeclared identifier 'x'"
    assert any("***" in line for line in rest)
    assert str(tmp_path / "logs/build.log") in caught.value.hint
    assert caught.value.exit_code == 4
