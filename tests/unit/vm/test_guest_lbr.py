"""What QEMU says of the LBR that KVM offers to guests."""

from __future__ import annotations

import pytest

from pkgafdo.runner.command import Result
from pkgafdo.vm.guest_lbr import parse_lbr_format, probe_lbr_format
from tests.fakes.runner import FakeRunner

REFUSAL = "qemu: vPMU: the lbr-fmt value (0x3f) does not match the host value ({}).\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (REFUSAL.format("0x5"), 5),
        (REFUSAL.format("0x0"), 0),
        ("qemu: Property 'host-x86_64-cpu.lbr-fmt' not found\n", 0),
        ("qemu: failed to initialize kvm: No such file or directory\n", 0),
        ("", 0),
    ],
)
def test_the_format_is_read_out_of_the_refusal(text: str, expected: int) -> None:
    assert parse_lbr_format(text) == expected


def test_any_end_of_qemu_is_an_answer() -> None:
    runner = FakeRunner(answers={"qemu": Result(returncode=1, stderr=REFUSAL.format("0x5"))})
    assert probe_lbr_format(runner, "qemu") == 5
    (asked,) = runner.queried
    assert "host,pmu=on,lbr-fmt=0x3f" in asked.argv
