"""What llvm-profdata prints, as recorded from LLVM 19 and 23."""

from __future__ import annotations

from pathlib import Path

import pytest

from pkgafdo.errors import ArtifactError
from pkgafdo.profile.show import (
    FunctionCount,
    functions_command,
    parse_functions,
    parse_summary,
    summary_command,
)
from tests.unit.profile.programs import recorded


def test_the_summary_leaves_the_bodies_out() -> None:
    command = summary_command("llvm-profdata", Path("k.afdo"))
    assert command.argv == (
        "llvm-profdata", "show", "--sample", "--detailed-summary", "--hot-func-list",
        "--function= ", "k.afdo",
    )  # fmt: skip


def test_the_functions_are_asked_for_with_their_bodies() -> None:
    command = functions_command("llvm-profdata", Path("k.afdo"))
    assert command.argv == ("llvm-profdata", "show", "--sample", "k.afdo")


def test_the_totals_are_read() -> None:
    summary = parse_summary(recorded("llvm-profdata-19-summary.txt"))
    assert summary.functions == 59
    assert summary.samples == 112_692
    assert summary.largest_function == 10
    assert summary.largest_block == 993


def test_the_totals_of_llvm_23_are_read() -> None:
    summary = parse_summary(recorded("llvm-profdata-23-summary.txt"))
    assert (summary.functions, summary.samples, summary.blocks) == (3, 8_999_884, 245)
    assert summary.largest_function == 258_903
    assert summary.largest_block == max(function.largest for function in summary.hot) > 0


def test_the_hot_functions_come_hottest_first() -> None:
    hot = parse_summary(recorded("llvm-profdata-19-summary.txt")).hot
    assert len(hot) == 28
    assert hot[0] == FunctionCount(name="__sys_accept4", total=66_378, largest=962, entry=962)
    assert [entry.total for entry in hot] == sorted((e.total for e in hot), reverse=True)


def test_an_empty_profile_has_no_functions() -> None:
    summary = parse_summary(recorded("llvm-profdata-19-empty.txt"))
    assert (summary.functions, summary.samples, summary.hot) == (0, 0, ())


def test_output_of_something_else_is_refused() -> None:
    with pytest.raises(ArtifactError, match="did not print “Total functions”"):
        parse_summary("Instrumentation level: IR\n")


def test_each_function_is_listed_with_its_total_and_inlined_ones_are_not() -> None:
    functions = parse_functions(recorded("llvm-profdata-19-functions.txt"))
    assert functions == {
        "__sys_accept4": 66_378,
        "ip_ra_control": 66_171,
        "warn_unsupported": 65_538,
        "unregister_netdev": 63_440,
        "__UNIQUE_ID_amd_disable_seq_and_redirect_scrub_433": 59_475,
    }
