"""The perf that is installed."""

from __future__ import annotations

import pytest

from pkgafdo.errors import HostError
from pkgafdo.perf.program import find_perf, parse_perf
from pkgafdo.runner.command import Result
from tests.fakes.runner import FakeRunner

DEBIAN = (
    "perf version 6.1.192\n"
    "                  zstd: [ on  ]  # HAVE_ZSTD_SUPPORT\n"
    "               libpfm4: [ OFF ]  # HAVE_LIBPFM\n"
)
CACHYOS = "perf version 7.2-1\n               libpfm4: [ on  ]  # HAVE_LIBPFM\n"
WRAPPER = "WARNING: perf not found for kernel 6.8.0-40\n"


def test_a_perf_without_libpfm() -> None:
    perf = parse_perf("/usr/bin/perf", DEBIAN)
    assert perf is not None
    assert perf.version == (6, 1)
    assert not perf.libpfm


def test_a_perf_with_libpfm() -> None:
    perf = parse_perf("/usr/bin/perf", CACHYOS)
    assert perf is not None
    assert perf.version == (7, 2)
    assert perf.libpfm


def test_perf_is_found_and_asked() -> None:
    runner = FakeRunner(answers={"perf": Result(returncode=0, stdout=DEBIAN)})
    assert find_perf(runner).path == "/usr/bin/perf"
    assert runner.ran == []


def test_a_missing_perf_is_told_with_its_packages() -> None:
    with pytest.raises(HostError, match="not installed") as refusal:
        find_perf(FakeRunner(missing={"perf"}))
    assert "Arch: perf; Debian: linux-perf" in refusal.value.hint


def test_a_wrapper_without_a_perf_for_this_kernel_is_told() -> None:
    runner = FakeRunner(answers={"perf": Result(returncode=2, stderr=WRAPPER)})
    with pytest.raises(HostError, match="does not work") as refusal:
        find_perf(runner)
    assert "no perf for the running kernel" in refusal.value.details
    assert "linux-perf" in refusal.value.hint


def test_a_perf_that_is_too_old_is_told() -> None:
    runner = FakeRunner(answers={"perf": Result(returncode=0, stdout="perf version 4.15.18\n")})
    with pytest.raises(HostError, match="too old") as refusal:
        find_perf(runner)
    assert "4.17" in refusal.value.details
