"""A runner, a C compiler and a QEMU of this machine."""

from __future__ import annotations

import os
import shutil

import pytest

from pkgafdo.artifacts import Toolchain
from pkgafdo.runner.local import LocalRunner

COMPILERS = ("clang", *(f"clang-{version}" for version in range(30, 16, -1)), "cc")


@pytest.fixture(scope="session")
def runner(tmp_path_factory) -> LocalRunner:
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    return LocalRunner(env=env, logs=tmp_path_factory.mktemp("logs"))


@pytest.fixture(scope="session")
def compiler() -> str:
    found = next(filter(None, map(shutil.which, COMPILERS)), None)
    if found is None:
        pytest.skip("no C compiler is installed")
    return found


@pytest.fixture(scope="session")
def toolchain(compiler) -> Toolchain:
    return Toolchain(make_value="1", version=(19, 0, 0), tools={"clang": compiler})


@pytest.fixture(scope="session")
def qemu() -> str:
    found = shutil.which("qemu-system-x86_64")
    if found is None:
        pytest.skip("qemu-system-x86_64 is not installed")
    return found
