"""What verbs print on a terminal of 80 columns, with the long names that real ones have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pkgafdo.cli.profile_texts import render_comparison, render_drift, render_info
from pkgafdo.columns import fit
from pkgafdo.measure import sides
from pkgafdo.workflows.result import render_result, result_of
from tests.unit.measure.records import record
from tests.unit.workflows.entries import finished

HOME = Path("/home/somebody-with-a-long-name/kernels/linux-cachyos-bore-lto/pkgafdo-work")
FUNCTION = "__perf_event_read_group_and_the_rest_of_it_in_one_go.llvm.12345678901234567890"
PROVENANCE = {
    "kernelrelease": "7.2.13-1-cachyos-bore-lto-pkgafdo-base", "build_id": "ab" * 20,
    "workload": "train", "event": "cpu/event=0xc4,umask=0x0,name=ex_ret_brn_tkn/k",
    "samples": 123_456_789_012, "created_by": "pkgafdo 0.1.0", "converter": "llvm-profgen",
    "modules": [f"module_{number}" for number in range(40)], "mismatch": True,
    "build_id_checked": False, "unknown_origins": (),
}  # fmt: skip
INFO = {
    "path": str(HOME / "profiles/kernel-0123456789abcdef.afdo"), "size": 123_456_789,
    "functions": 12_345, "samples": 123_456_789_012, "blocks": 1_234_567,
    "coverage": {
        "profiled_functions": 12_345, "functions": 123_456, "profiled_bytes": 12_345_678,
        "code_bytes": 123_456_789, "foreign": 1_234,
    },
    "density": 1_234_567.8, "provenance": PROVENANCE, "functions_total": 10**9,
    "hot": [{"total": 10**8, "name": FUNCTION[:68]}] * 12,
}  # fmt: skip
SHARES = dict.fromkeys(("similarity", "samples", "hot_functions"), 0.987)
COMPARISON = {
    "overlap": SHARES, "gained": (FUNCTION,) * 9, "lost": (FUNCTION,) * 9,
    "movers": [{"before": 0.1234, "after": 0.2345, "name": FUNCTION[:55]}] * 12,
}  # fmt: skip
DRIFT = {
    "verdict": "The profile still fits this kernel well enough: record again when there is time for it.",
    "function_share": 0.98, "functions_found": 12_345, "functions": 12_456, "line_share": 0.97,
    "range_share": 0.99, "lost": [(FUNCTION[:60], 0.01)], "moved": [(FUNCTION[:60], 0.01)],
}  # fmt: skip
TEXTS = {
    "profile info": render_info(INFO),
    "profile compare": render_comparison(COMPARISON),
    "profile drift": render_drift(DRIFT),
    "status": render_result(result_of(HOME, finished(HOME))),
    "measure compare": sides.render_comparison(
        sides.compare_records(
            record("7.2.13-1-cachyos-bore-lto"), record("7.2.13-1-cachyos-bore-lto-afdo", level=9.0)
        )
    ),
}


@pytest.mark.parametrize("verb", TEXTS)
def test_no_line_leaves_the_screen_but_a_path_that_must_stay_whole(verb: str) -> None:
    wide = [line for line in fit(TEXTS[verb], 80).splitlines() if len(line) > 80]
    assert [line for line in wide if " " in line.strip()] == []


@pytest.mark.parametrize("verb", ["status", "measure compare"])
def test_no_row_of_a_table_is_broken(verb: str) -> None:
    rows = [line for line in TEXTS[verb].splitlines() if re.search(r"\S {3,}\S.* {2,}\S", line)]
    assert rows
    assert max(map(len, rows)) <= 80
