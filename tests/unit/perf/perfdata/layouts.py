"""Strategies for recordings in all layouts, and for damaging them."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.fakes import perf_files as pf

ADDRESSES = (
    st.integers(pf.TEXT, pf.TEXT + 64)
    | st.sampled_from([0, 1, pf.TEXT, 2**64 - 1, 2**64 - 2, 0xFFFFFFFF00000000, 0x7FFFFFFFF000])
    | st.integers(0, 2**64 - 1)
)
FLAGS = st.sampled_from([0, 1, 2, 1 << 24 | 1, 2 << 24, 3 << 24 | 2, 2**64 - 1])
ENTRY = st.tuples(ADDRESSES, ADDRESSES, FLAGS)
MODES = st.sampled_from([0, 1, 1, 1, 2, 4, 5])
FIELDS = [
    pf.IP, pf.TID, pf.TIME, pf.ADDR, pf.READ, pf.CALLCHAIN, pf.CPU, pf.PERIOD, pf.STREAM_ID, pf.RAW,
    pf.WEIGHT,
]  # fmt: skip


@st.composite
def events(draw) -> list[pf.Event]:
    """One to three events whose samples can be told apart."""
    number = draw(st.integers(1, 3))
    common = draw(st.sampled_from([pf.IDENTIFIER, pf.ID | pf.IP | pf.TID, pf.ID | pf.TIME]))
    found = []
    for index in range(number):
        kind = common | pf.BRANCH_STACK
        if not index or common == pf.IDENTIFIER:
            for bit in draw(st.sets(st.sampled_from(FIELDS))):
                # Where ID tells events apart, what comes before it must be the same for all.
                kind |= bit if common == pf.IDENTIFIER or bit > pf.ADDR else 0
        if index and draw(st.booleans()):
            kind &= ~pf.BRANCH_STACK
        found.append(
            pf.Event(
                sample_type=kind,
                read_format=draw(st.integers(0, 31)),
                branch_sample_type=pf.ANY
                | draw(st.sampled_from([0, pf.HW_INDEX, pf.COUNTERS, pf.HW_INDEX | pf.COUNTERS])),
                ids=tuple(range(10 * index + 1, 10 * index + 1 + draw(st.integers(1, 3)))),
            )
        )
    return found


@st.composite
def samples(draw, kinds: list[pf.Event], longest: int) -> bytes:
    """One sample of one of the events, or of none that is known; stacks have up to `longest` entries."""
    event = draw(st.sampled_from(kinds))
    number = draw(st.sampled_from([*event.ids, *event.ids, *event.ids, 0, 4711]))
    if number == 0:
        event = kinds[0]
    return pf.sample(
        event,
        draw(st.lists(ENTRY, max_size=longest)),
        number=number,
        misc=draw(MODES),
        chain=draw(st.lists(ADDRESSES, max_size=3)),
        raw=bytes(4 + 8 * draw(st.integers(0, 2))),
        members=draw(st.integers(0, 3)),
    )


OTHERS = st.sampled_from(
    [
        pf.comm(),
        pf.lost(3),
        pf.lost_samples(4),
        pf.mmap("/usr/bin/perf", 0x400000, 4096, misc=pf.USER),
        pf.mmap2("/usr/bin/perf", 0x400000, 4096, misc=pf.USER),
        pf.mmap("[ext4]", 0xFFFFFFFFC0000000, 4096),
        pf.record(71, (16).to_bytes(8, "little") + bytes(32)) + bytes(16),
        pf.record(68, b""),
        pf.record(200, bytes(16)),
    ]
)


@st.composite
def recordings(draw, longest: int = 40) -> bytes:
    """A whole recording: file or pipe, plain or partly compressed."""
    kinds = draw(events())
    sample = samples(kinds, longest)
    records = draw(st.lists(sample | sample | OTHERS, max_size=12))
    packed = draw(st.sampled_from(["plain", "plain", "first", "second"]))
    if packed != "plain":
        inside = [one for one in records if int.from_bytes(one[:4], "little") != 71]
        pieces = draw(st.integers(1, 4))
        records = pf.compressed(
            b"".join(inside) or pf.comm(), pieces=pieces, second=packed == "second"
        )
        records += draw(st.lists(OTHERS, max_size=2))
    features = {4: pf.string("7.2.13"), 11: (1).to_bytes(4, "little") + pf.string("perf record")}
    make = pf.perf_pipe if draw(st.booleans()) else pf.perf_file
    return make(kinds, [pf.kernel_mmap(), *records], features)
