"""The virtual LBR's own tests, in C, against a QEMU that is played."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pkgafdo.runner.command import Command
from pkgafdo.vm.plugin import native_source

pytestmark = pytest.mark.real

SOURCE = Path(__file__).parents[2] / "native" / "test_vlbr.c"


@pytest.mark.parametrize("api", [1, 4, 7])
def test_the_virtual_lbr_passes_its_tests_with_each_form_of_the_interface(
    runner, compiler, tmp_path, api: int
) -> None:
    (tmp_path / "vlbr.c").write_text(native_source("vlbr.c"))
    program = tmp_path / "test"
    runner.run(
        Command(
            argv=(
                compiler, "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", f"-DVLBR_API={api}",
                "-I", str(tmp_path), "-o", str(program), str(SOURCE),
            )
        )
    )  # fmt: skip
    result = runner.query(
        Command(argv=(str(program), str(tmp_path)), accept=frozenset({0, 1}), timeout=60)
    )
    failed = [line for line in result.stdout.splitlines() if not line.startswith("ok ")][:-1]
    assert failed == []
    assert re.search(r"^[3-9]\d tests, 0 failed$", result.stdout, re.MULTILINE)
