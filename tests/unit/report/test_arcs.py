"""What makes a branch be taken, and which arcs are no longer taken in another kernel."""

from __future__ import annotations

import pytest

from pkgafdo.branches.meta import TableMeta
from pkgafdo.branches.table import from_counts
from pkgafdo.report.arcs import (
    Arcs,
    Code,
    Kind,
    addresses_of,
    arcs_of,
    compare_arcs,
    kind_of,
    kinds_of,
)

START = 0xFFFFFFFF81000000
META = TableMeta(build_id="00", event="walk")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("7405", Kind.CONDITIONAL),  # je
        ("0f8401000000", Kind.CONDITIONAL),  # je, far
        ("3e7405", Kind.CONDITIONAL),  # je with a hint
        ("e2fe", Kind.CONDITIONAL),  # loop
        ("eb05", Kind.JUMP),
        ("e901000000", Kind.JUMP),
        ("ffe0", Kind.JUMP),  # jmp *%rax
        ("41ffe3", Kind.JUMP),  # jmp *%r11
        ("3effe0", Kind.JUMP),  # notrack jmp *%rax
        ("ff24c500000000", Kind.JUMP),  # a jump table
        ("e801000000", Kind.CALL),
        ("ffd0", Kind.CALL),  # call *%rax
        ("41ff5310", Kind.CALL),  # call *16(%r11)
        ("c3", Kind.RETURN),
        ("f3c3", Kind.OTHER),  # rep is no prefix of a return that a kernel has
        ("c20800", Kind.RETURN),
        ("0f1f440000", Kind.OTHER),  # a nop that becomes a jump as the kernel boots
        ("0f05", Kind.OTHER),  # syscall
        ("", Kind.OTHER),
        ("66", Kind.OTHER),
    ],
)
def test_an_instruction_tells_what_kind_of_branch_it_is(code: str, kind: Kind) -> None:
    assert kind_of(bytes.fromhex(code), START) is kind


def test_a_jump_to_the_return_thunk_is_a_return() -> None:
    code = b"\xe9" + (0x100 - 5).to_bytes(4, "little")
    assert kind_of(code, START, START + 0x100) is Kind.RETURN
    assert kind_of(code, START, START + 0x101) is Kind.JUMP
    back = b"\xe9" + (-0x105).to_bytes(4, "little", signed=True)
    assert kind_of(back, START, START - 0x100) is Kind.RETURN


def test_what_lies_outside_the_code_has_no_kind() -> None:
    code = Code(start=START, content=b"\xc3\xeb\x00")
    assert kinds_of([START - 1, START, START + 1, START + 3], code) == [
        None, Kind.RETURN, Kind.JUMP, None,
    ]  # fmt: skip


def test_arcs_are_counted_by_kind_and_joined_by_source() -> None:
    # Two conditional jumps of one line, as inlining makes them, a call, and a branch in a module.
    content = b"\x74\x05\x74\x05\xe8\x00\x00\x00\x00" + bytes(16)
    rows = [
        (START, START + 9, 5),
        (START + 2, START + 10, 7),
        (START + 4, START + 12, 3),
        (9, 9, 2),
    ]
    sources, targets, counts = zip(*rows, strict=True)
    table = from_counts((sources, targets, counts, [0] * 4), ([], [], []), META)
    code = Code(start=START, content=content)
    places = {START: "f:3", START + 2: "f:3", START + 9: "f:9", START + 10: "f:9", START + 4: "g:1"}
    arcs = arcs_of("baseline", table, code, places)
    assert arcs.kinds[Kind.CONDITIONAL] == 12
    assert arcs.kinds[Kind.CALL] == 3
    assert arcs.counts["jumps"] == {("f:3", "f:9"): 12}
    assert arcs.counts["calls and returns"] == {("g:1", ""): 3}
    assert arcs.unknown == 2
    assert [int(a) - START for a in addresses_of(table, code)] == [0, 2, 4, 9, 10, 12]


def arcs(kernel: str, jumps: dict[tuple[str, str], int]) -> Arcs:
    kinds = dict.fromkeys(Kind, 0) | {Kind.CONDITIONAL: sum(jumps.values())}
    counts = {"jumps": jumps, "calls and returns": {}}
    return Arcs(kernel=kernel, kinds=kinds, counts=counts, unknown=1)


def test_every_execution_is_kept_or_gone_or_new() -> None:
    before = arcs("a", {("f:1", "f:2"): 100, ("f:3", "f:4"): 50, ("", "f:9"): 30})
    after = arcs("c", {("f:1", "f:2"): 10, ("f:1", "f:5"): 7})
    found = compare_arcs([before, arcs("b", {}), after])
    assert (found["before"], found["after"]) == ("a", "c")
    jumps = found["classes"][0]
    assert jumps == {
        "name": "jumps", "before": 180, "after": 17, "kept": 10, "gone": 170, "new": 7,
        "gone_share": 170 / 180,
    }  # fmt: skip
    assert jumps["kept"] + jumps["gone"] == jumps["before"]
    assert jumps["kept"] + jumps["new"] == jumps["after"]
    assert [(row["from"], row["before"], row["after"]) for row in found["arcs"]] == [
        ("f:1", 100, 10), ("f:3", 50, 0),
    ]  # fmt: skip
    conditional = found["kinds"][0]["kernels"]
    assert [row["count"] for row in conditional] == [180, 0, 17]
    assert found["classes"][1]["gone_share"] is None
