"""Damaged recordings: refused with a sentence, or read; never anything else."""

from __future__ import annotations

import io

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pkgafdo.elf import TextBounds
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.recording import read_recording
from tests.fakes import perf_files as pf
from tests.unit.perf.perfdata.layouts import recordings

EVENT = pf.Event()
BOUNDS = TextBounds(
    text=pf.TEXT, stext=pf.TEXT + 4096, etext=pf.TEXT + 8192, sinittext=pf.TEXT + 16384,
    einittext=pf.TEXT + 20480, entry_text_start=None, entry_text_end=None,
)  # fmt: skip
ENTRIES = [(pf.TEXT + 64, pf.TEXT + 8, 2), (pf.TEXT + 16, pf.TEXT + 32, 1)]
RECORDS = [
    pf.kernel_mmap(),
    pf.mmap("[ext4]", 0xFFFFFFFFC0000000, 4096),
    pf.comm(),
    pf.sample(EVENT, ENTRIES),
    pf.sample(EVENT, ENTRIES),
]
FEATURES = {
    2: pf.build_id_record("[kernel.kallsyms]", bytes(20)),
    4: pf.string("7.2.13"),
    12: pf.event_desc(["branches:k"], [EVENT]),
}
WHOLE = [
    pf.perf_file([EVENT], RECORDS, FEATURES),
    pf.perf_pipe([EVENT], RECORDS, FEATURES),
    pf.perf_file([EVENT], pf.compressed(b"".join(RECORDS), pieces=3)),
    pf.perf_pipe([EVENT], pf.compressed(b"".join(RECORDS), pieces=2, second=True)),
]


def read_or_refuse(content: bytes, *, filters: bool = False, linked: bool = False) -> bool:
    """Read a recording; returns whether it was accepted. Any other error fails the test."""
    refused: ArtifactError | None = None
    try:
        text = BOUNDS if linked else None
        read_recording(io.BytesIO(content), text=text, filters=filters)
    except ArtifactError as error:
        refused = error
    assert refused is None or (refused.message and refused.hint)
    return refused is None


def test_a_file_cut_short_anywhere_is_refused() -> None:
    content = WHOLE[0]
    assert read_or_refuse(content)
    accepted = [size for size in range(len(content)) if read_or_refuse(content[:size])]
    assert accepted == []


def test_a_stream_cut_short_within_a_record_is_refused() -> None:
    content = WHOLE[1]
    ends = {16}
    while max(ends) < len(content):
        at = max(ends)
        ends.add(at + int.from_bytes(content[at + 6 : at + 8], "little"))
    for size in sorted(ends | set(range(0, len(content), 3))):
        accepted = read_or_refuse(content[:size])
        assert not accepted or size in ends


def place_of(content: bytes) -> str:
    """Return the details of a recording's refusal."""
    with pytest.raises(ArtifactError) as caught:
        read_recording(io.BytesIO(content))
    return caught.value.details


SHORT_LOST, NO_SIZE = pf.record(2, b""), bytes(8)


@pytest.mark.parametrize("bad", [SHORT_LOST, NO_SIZE])
@pytest.mark.parametrize("before", [3, 60_000])  # in the first buffer, and in a later one
@pytest.mark.parametrize("make", [pf.perf_file, pf.perf_pipe])
def test_damage_is_told_with_its_place(make, before, bad) -> None:
    content = make([EVENT], [*RECORDS, *[pf.comm()] * before, bad, pf.comm()])
    at = len(content) - len(bad) - len(pf.comm())
    assert f" at byte {at} " in place_of(content)


def test_a_last_record_that_is_cut_is_told_with_its_place() -> None:
    content = pf.perf_pipe([EVENT], RECORDS)
    at = len(content) - len(RECORDS[-1])
    assert f"Its last record, at byte {at}, has only" in place_of(content[:-8])


def test_damage_within_the_compressed_part_is_told_as_such() -> None:
    content = pf.perf_file([EVENT], pf.compressed(b"".join([*RECORDS, SHORT_LOST])))
    assert "in the compressed part" in place_of(content)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), whole=st.sampled_from(WHOLE), filters=st.booleans(), linked=st.booleans())
def test_any_byte_may_be_wrong(data, whole, filters, linked) -> None:
    content = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    read_or_refuse(bytes(content), filters=filters, linked=linked)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(content=recordings(longest=4), data=st.data())  # more of it is structure
def test_any_number_may_lie(content, data) -> None:
    damaged = bytearray(content)
    at = data.draw(st.integers(0, max(0, len(content) - 8)))
    lie = data.draw(st.sampled_from([0, 1, 7, 8, 2**16 - 1, 2**31, 2**60, 2**63, 2**64 - 1]))
    size = data.draw(st.sampled_from([2, 4, 8]))
    damaged[at : at + size] = (lie % 256**size).to_bytes(size, "little")
    read_or_refuse(
        bytes(damaged), filters=data.draw(st.booleans()), linked=data.draw(st.booleans())
    )


@settings(max_examples=100, deadline=None)
@given(start=st.sampled_from([b"", b"PERFILE2", WHOLE[0][:104], WHOLE[1][:16]]), rest=st.binary())
@example(start=b"", rest=b"")
def test_any_bytes_may_follow_a_good_beginning(start, rest) -> None:
    read_or_refuse(start + rest)
