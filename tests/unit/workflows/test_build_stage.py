"""What of this machine decides how its kernels are built."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pkgafdo.host.cpu import parse_cpuinfo
from pkgafdo.workflows.kernel_stages import build_stage
from pkgafdo.workflows.rounds import Round
from tests.fakes.runner import FakeRunner
from tests.unit.workflows.sessions import make_session

HOST = {"record": {"road": "host"}, "kernel": {"base": "defconfig"}}


@pytest.mark.parametrize(
    ("flags", "sections", "recorder"),
    [
        ("brs", HOST, "AMD BRS"),
        ("brs", {}, None),
        ("brs", HOST | {"profile": {"file": "/x.afdo"}}, None),
        ("brs amd_lbr_v2", HOST, None),
    ],
)
def test_only_a_kernel_that_brs_will_record_is_made_for_it(
    tmp_path, flags, sections, recorder
) -> None:
    session = make_session(tmp_path, FakeRunner(), **sections)
    cpu = parse_cpuinfo(f"vendor_id : AuthenticAMD\nflags : {flags}\n")
    session = replace(session, host=replace(session.host, cpu=cpu))
    assert build_stage(session, Round.BASELINE).recipe.get("recorder") == recorder
