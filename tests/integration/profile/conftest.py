"""Real LLVM programs and a tiny kernel to profile."""

from __future__ import annotations

import os
import shutil

import pytest

from pkgafdo.artifacts import Toolchain, Vmlinux
from pkgafdo.branches.meta import TableMeta
from pkgafdo.runner.local import LocalRunner
from tests.integration import tiny_kernel

NEEDED = ("clang", "ld.lld", "llvm-objdump", "llvm-profgen", "llvm-profdata")


def installed(name: str) -> str | None:
    """Return the newest installed version of an LLVM program; without a suffix it may be an old one."""
    names = [*(f"{name}-{version}" for version in range(30, 18, -1)), name]
    return next((path for path in map(shutil.which, names) if path), None)


@pytest.fixture(scope="session")
def runner() -> LocalRunner:
    return LocalRunner(env={"PATH": os.environ["PATH"], "LC_ALL": "C"})


@pytest.fixture(scope="session")
def toolchain() -> Toolchain:
    tools = {name: path for name in NEEDED if (path := installed(name))}
    missing = sorted(set(NEEDED) - set(tools))
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    return Toolchain(make_value="1", version=(19, 0, 0), tools=tools)


@pytest.fixture(scope="session")
def vmlinux(runner, toolchain, tmp_path_factory) -> Vmlinux:
    tools = toolchain.tools
    path = tiny_kernel.build(
        runner, tmp_path_factory.mktemp("kernel"), clang=tools["clang"], lld=tools["ld.lld"]
    )
    return Vmlinux(path=path, build_id=tiny_kernel.require_build_id(path))


@pytest.fixture(scope="session")
def taken(runner, toolchain, vmlinux):
    """The taken branches of an execution of the tiny kernel."""
    code = tiny_kernel.disassemble(runner, toolchain.tools["llvm-objdump"], vmlinux.path)
    return tiny_kernel.walk(code, tiny_kernel.starts(vmlinux.path), 60_000)


@pytest.fixture(scope="session")
def table(taken, vmlinux):
    """The counts of that execution."""
    return tiny_kernel.count(taken, TableMeta(build_id=vmlinux.build_id, event="walk"))
