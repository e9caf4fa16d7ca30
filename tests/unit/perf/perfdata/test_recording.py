"""Reading recordings: addresses, modules, facts, filters, refusals."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from pkgafdo import log
from pkgafdo.branches.meta import DropReason, ModuleMapping
from pkgafdo.elf import TextBounds
from pkgafdo.errors import ArtifactError
from pkgafdo.perf.perfdata.recording import read_recording
from tests.fakes import perf_files as pf
from tests.fakes.perf_files import TEXT
from tests.unit.branches.tables import branch_rows, range_rows

EVENT = pf.Event()
SHIFT = 0x1A000000
BUILD_ID = bytes(range(20))
BOUNDS = TextBounds(
    text=TEXT, stext=TEXT, etext=TEXT + 0x1000, sinittext=TEXT + 0x8000, einittext=TEXT + 0x9000,
    entry_text_start=None, entry_text_end=None,
)  # fmt: skip
PREDICTED, MISSED = 2, 1


def read(*records: bytes, events=(EVENT,), features=None, **options):
    content = pf.perf_file(list(events), list(records), features)
    return read_recording(io.BytesIO(content), **options)


def stack(*pairs: tuple[int, int], flags: int = PREDICTED, **options) -> bytes:
    return pf.sample(EVENT, [(*pair, flags) for pair in pairs], **options)


def test_branches_and_the_ranges_between_them_are_counted() -> None:
    newest, middle, oldest = (TEXT + 0x90, TEXT), (TEXT + 0x50, TEXT + 0x80), (TEXT, TEXT + 0x40)
    table = read(pf.kernel_mmap(), stack(newest, middle, oldest), stack(oldest))
    assert branch_rows(table) == [
        (TEXT, TEXT + 0x40, 2, 0),
        (TEXT + 0x50, TEXT + 0x80, 1, 0),
        (TEXT + 0x90, TEXT, 1, 0),
    ]
    assert range_rows(table) == [
        (TEXT + 0x40, TEXT + 0x50, 1),
        (TEXT + 0x80, TEXT + 0x90, 1),
    ]
    assert table.meta.samples == 2


def test_mispredictions_are_counted() -> None:
    table = read(pf.kernel_mmap(), stack((TEXT, TEXT)), stack((TEXT, TEXT), flags=MISSED))
    assert branch_rows(table) == [(TEXT, TEXT, 2, 1)]


@pytest.mark.parametrize(
    ("records", "lost"),
    [
        ([pf.lost(5), pf.lost_samples(5)], 5),
        ([pf.lost(3), pf.lost(4), pf.lost_samples(2)], 7),
        ([pf.lost(1), pf.lost_samples(4), pf.lost_samples(5)], 9),
        ([pf.lost_samples(2), pf.lost_samples(99, misc=1 << 15)], 2),
    ],
)
def test_a_loss_that_is_told_twice_counts_once_and_what_bpf_filtered_is_none(records, lost) -> None:
    assert read(pf.kernel_mmap(), stack((TEXT, TEXT)), *records).meta.lost == lost


def test_addresses_are_moved_to_where_the_kernel_is_linked() -> None:
    table = read(
        pf.kernel_mmap(TEXT + SHIFT),
        stack((TEXT + SHIFT + 0x20, TEXT + SHIFT + 0x8010), (TEXT + SHIFT, TEXT + SHIFT + 0x10)),
        text=BOUNDS,
    )
    assert branch_rows(table) == [(TEXT, TEXT + 0x10, 1, 0), (TEXT + 0x20, TEXT + 0x8010, 1, 0)]
    assert range_rows(table) == [(TEXT + 0x10, TEXT + 0x20, 1)]
    assert table.meta.link_base == TEXT
    assert table.meta.extra == {"kaslr-shift": hex(SHIFT)}


def test_a_kernel_that_ran_below_its_link_address_is_moved_up() -> None:
    low = TEXT - 0x800000
    table = read(pf.kernel_mmap(low), stack((low, low + 0x10)), text=BOUNDS)
    assert branch_rows(table) == [(TEXT, TEXT + 0x10, 1, 0)]


def test_the_mapping_may_name_stext_instead_of_text() -> None:
    bounds = TextBounds(
        text=TEXT, stext=TEXT + 0x200, etext=TEXT + 0x1000, sinittext=None, einittext=None,
        entry_text_start=None, entry_text_end=None,
    )  # fmt: skip
    mapping = pf.mmap("[kernel.kallsyms]_stext", TEXT + SHIFT, 0x1000, TEXT + SHIFT + 0x200)
    table = read(mapping, stack((TEXT + SHIFT + 0x204, TEXT + SHIFT + 0x208)), text=bounds)
    assert branch_rows(table) == [(TEXT + 0x204, TEXT + 0x208, 1, 0)]


def test_without_vmlinux_addresses_stay_as_they_ran() -> None:
    table = read(pf.kernel_mmap(TEXT + SHIFT), stack((TEXT + SHIFT, TEXT + SHIFT + 4)))
    assert branch_rows(table) == [(TEXT + SHIFT, TEXT + SHIFT + 4, 1, 0)]
    assert table.meta.link_base == TEXT + SHIFT
    assert table.meta.extra["addresses"] == "runtime _text"


@pytest.mark.parametrize("text", [None, BOUNDS])
def test_without_the_kernels_mapping_nobody_knows_where_it_lay(text) -> None:
    assert read(stack((TEXT, TEXT)), text=text).meta.extra["addresses"] == "unknown"


def test_modules_keep_the_addresses_where_they_were_loaded() -> None:
    ext4, nf = 0xFFFFFFFFC0000000, 0xFFFFFFFFC0400000
    table = read(
        pf.mmap("[kernel.kallsyms]_text", TEXT + SHIFT, 2**64 - 1 - TEXT - SHIFT, TEXT + SHIFT),
        pf.mmap("/lib/modules/7.2.13/kernel/fs/ext4/ext4.ko.zst", ext4, 0x1000),
        pf.mmap2("[nf-tables]", nf, 0x2000),
        stack((TEXT + SHIFT, ext4 + 16), (nf + 4, TEXT + SHIFT)),
        text=BOUNDS,
    )
    assert branch_rows(table) == [(TEXT, ext4 + 16, 1, 0), (nf + 4, TEXT, 1, 0)]
    assert range_rows(table) == [(TEXT, TEXT, 1)]
    assert table.meta.modules == (
        ModuleMapping(name="ext4", sections=((".text", ext4),), size=0x1000),
        ModuleMapping(name="nf_tables", sections=((".text", nf),), size=0x2000),
    )


def test_mappings_of_user_space_are_no_modules() -> None:
    table = read(
        pf.kernel_mmap(),
        pf.mmap("[vdso]", 0x7FFF0000, 4096, misc=pf.USER),
        pf.mmap2("/tmp/ext4.ko", 0x7FFF8000, 4096, misc=pf.USER),
        pf.mmap("[bpf_prog_1]", TEXT + 0x2000000, 4096),
        stack((TEXT, TEXT)),
    )
    assert table.meta.modules == ()


@pytest.mark.parametrize(
    "records",
    [
        [pf.build_id_record("[kernel.kallsyms]", BUILD_ID)],
        [pf.mmap2("[kernel.kallsyms]_text", TEXT, 0x1000, TEXT, build_id=BUILD_ID)],
    ],
)
def test_the_kernels_build_id_is_in_a_record(records) -> None:
    table = read(pf.kernel_mmap(), *records, stack((TEXT, TEXT)))
    assert table.meta.build_id == BUILD_ID.hex()


def test_the_build_ids_may_be_in_the_feature_section() -> None:
    content = (
        pf.build_id_record("/usr/lib/libc.so.6", b"\1" * 20, misc=pf.USER)
        + pf.build_id_record("[kernel.kallsyms]", BUILD_ID[:16])
        + pf.build_id_record("/lib/modules/7.2.13/ext4.ko", b"\2" * 20)
    )
    table = read(pf.kernel_mmap(), stack((TEXT, TEXT)), features={2: content})
    assert table.meta.build_id == BUILD_ID[:16].hex()
    assert table.meta.extra["build-id ext4"] == "02" * 20


def test_the_machine_is_described() -> None:
    features = {
        4: pf.string("7.2.13-arch1"),
        6: pf.string("x86_64"),
        8: pf.string("AMD Ryzen"),
        11: (2).to_bytes(4, "little") + pf.string("perf") + pf.string("record"),
        12: pf.event_desc(["cpu/event=0xc4/k"], [EVENT]),
        40: b"unknown",
    }
    meta = read(pf.kernel_mmap(), pf.lost(5), stack((TEXT, TEXT)), features=features).meta
    assert (meta.kernelrelease, meta.cpu, meta.event) == (
        "7.2.13-arch1",
        "AMD Ryzen",
        "cpu/event=0xc4/k",
    )
    assert (meta.period, meta.lost, meta.source) == (500_009, 5, "perf.data")
    assert meta.extra == {
        "arch": "x86_64", "command": "perf record", "addresses": "runtime _text",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("event", "name", "period"),
    [
        (pf.Event(), "r20c4", 500_009),
        (pf.Event(type=0, config=4, frequency=True, period=4000), "branches", 0),
        (pf.Event(type=9, config=0xC4), "9/config=0xc4/", 500_009),
    ],
)
def test_an_event_without_a_name_is_named_after_its_numbers(event, name, period) -> None:
    record = pf.sample(event, [(TEXT, TEXT, 0)])
    meta = read(pf.kernel_mmap(), record, events=[event]).meta
    assert (meta.event, meta.period) == (name, period)


def test_events_with_different_periods_leave_it_unknown() -> None:
    events = [pf.Event(ids=(1,)), pf.Event(ids=(2,), period=7, config=0xC4)]
    records = [pf.sample(event, [(TEXT, TEXT, 0)], number=event.ids[0]) for event in events]
    meta = read(pf.kernel_mmap(), *records, events=events).meta
    assert (meta.event, meta.period, meta.samples) == ("r20c4 + rc4", 0, 2)


def test_samples_of_events_without_branches_are_passed_over() -> None:
    plain = pf.Event(ids=(2,), sample_type=pf.IDENTIFIER | pf.IP, config=1)
    events = [pf.Event(ids=(1,)), plain]
    table = read(
        pf.kernel_mmap(),
        pf.sample(events[0], [(TEXT, TEXT, 0)], number=1),
        pf.sample(plain, [], number=2),
        events=events,
    )
    assert (table.meta.samples, table.meta.event) == (1, "r20c4")


def test_samples_of_unknown_events_are_told() -> None:
    events = [pf.Event(ids=(1,)), pf.Event(ids=(2,))]
    records = [pf.sample(EVENT, [(TEXT, TEXT, 0)], number=number) for number in (1, 99)]
    table = read(pf.kernel_mmap(), *records, events=events)
    assert table.meta.samples == 1
    assert table.meta.extra["unknown-event-samples"] == "1"


def test_wrong_path_entries_are_taken_out_of_their_stacks() -> None:
    entries = [(TEXT + 0x30, TEXT, 2), (TEXT + 0x20, TEXT + 8, 1 << 24), (TEXT, TEXT + 0x10, 2)]
    table = read(pf.kernel_mmap(), pf.sample(EVENT, entries))
    assert range_rows(table) == [(TEXT + 0x10, TEXT + 0x30, 1)]
    assert table.branches == 2
    assert table.meta.dropped == {DropReason.WRONG_PATH: 1}


def test_the_user_side_is_left_out_and_counted() -> None:
    user = 0x400000
    table = read(
        pf.kernel_mmap(),
        stack((TEXT + 8, user), (user, TEXT), (user + 8, user), (TEXT, user + 8)),
    )
    assert branch_rows(table) == []
    assert range_rows(table) == [(TEXT, TEXT + 8, 1)]
    assert table.meta.dropped == {DropReason.USER: 4 + 2}


def test_guests_are_left_out_and_counted() -> None:
    table = read(
        pf.kernel_mmap(),
        stack((TEXT, TEXT), (TEXT, TEXT), misc=pf.GUEST_KERNEL),
        stack((TEXT, TEXT)),
    )
    assert table.branches == 1
    assert table.meta.dropped == {DropReason.GUEST: 2}


def test_what_lies_outside_the_kernel_is_left_out_and_counted() -> None:
    table = read(
        pf.kernel_mmap(TEXT, 0x1000),
        stack((TEXT + 0x2000, TEXT + 0x3000), (TEXT, TEXT + 0x10)),
    )
    assert branch_rows(table) == [(TEXT, TEXT + 0x10, 1, 0)]
    assert table.meta.dropped == {DropReason.OUTSIDE_TEXT: 2}


def test_bogus_ranges_are_left_out_and_counted() -> None:
    table = read(pf.kernel_mmap(), stack((TEXT, TEXT + 4), (TEXT, TEXT + 0x10)))
    assert table.ranges == 0
    assert table.branches == 2
    assert table.meta.dropped == {DropReason.BOGUS_RANGE: 1}


def test_without_filters_everything_is_counted() -> None:
    entries = [(1, 2, 1 << 24), (TEXT, 3, 0), (TEXT, TEXT + 0x10, 0)]
    table = read(
        pf.kernel_mmap(),
        pf.sample(EVENT, entries, misc=pf.USER),
        pf.sample(EVENT, entries, misc=pf.GUEST_KERNEL),
        filters=False,
    )
    assert (table.branches, table.ranges, table.meta.dropped) == (6, 4, {})


def test_a_recording_may_come_through_a_pipe() -> None:
    records = [pf.kernel_mmap(), pf.lost_samples(2), stack((TEXT, TEXT))]
    content = pf.perf_pipe([EVENT], records, {4: pf.string("7.2.13")})

    class Pipe(io.RawIOBase):
        """Gives a few bytes at a time, as pipes do."""

        at = 0

        def readable(self) -> bool:
            return True

        def readinto(self, room) -> int:
            piece = content[self.at : self.at + min(len(room), 16)]
            room[: len(piece)] = piece
            self.at += len(piece)
            return len(piece)

    table = read_recording(Pipe())  # type: ignore[arg-type]
    assert table.branches == 1
    assert (table.meta.lost, table.meta.kernelrelease) == (2, "7.2.13")


def test_a_recording_may_be_a_path(tmp_path) -> None:
    path = tmp_path / "perf.data"
    path.write_bytes(pf.perf_file([EVENT], [pf.kernel_mmap(), stack((TEXT, TEXT))]))
    assert read_recording(path).branches == 1


def test_records_larger_than_a_buffer_are_read_whole() -> None:
    entries = [(TEXT + 8 * i, TEXT + 4 * i, 0) for i in range(2000)]
    table = read(pf.kernel_mmap(), *[pf.sample(EVENT, entries)] * 200, filters=False)
    assert table.branches == 200 * 2000
    assert table.distinct_branches == 2000


def test_trace_data_that_follows_a_record_is_passed_over() -> None:
    auxtrace = pf.record(71, (5_000_000).to_bytes(8, "little") + bytes(32)) + bytes(5_000_000)
    tracing = pf.record(66, (13).to_bytes(4, "little") + bytes(4)) + b"\xff" * 16
    table = read(pf.kernel_mmap(), tracing, auxtrace, stack((TEXT, TEXT)))
    assert table.branches == 1


def test_missing_trace_data_is_refused() -> None:
    auxtrace = pf.record(71, (64).to_bytes(8, "little") + bytes(32))
    with pytest.raises(ArtifactError, match="damaged"):
        read(pf.kernel_mmap(), stack((TEXT, TEXT)), auxtrace)


def test_records_that_begin_between_words_are_read() -> None:
    odd = pf.record(200, b"odd")
    sample = stack((TEXT + 0x20, TEXT), (TEXT, TEXT + 0x10))
    table = read(pf.kernel_mmap(), odd, sample, odd, sample, sample)
    assert table.branches == 6
    assert range_rows(table) == [(TEXT + 0x10, TEXT + 0x20, 3)]


def test_a_kernel_whose_place_is_hidden_is_told(tmp_path) -> None:
    stream = io.StringIO()
    log.use(log.Terminal(stream=stream))
    read(pf.mmap("[kernel.kallsyms]_text", 0, 0), stack((TEXT, TEXT)), text=BOUNDS)
    log.use(log.Terminal())
    assert "KASLR is not undone" in stream.getvalue()


@pytest.mark.parametrize(
    ("content", "message", "hint"),
    [
        (b"", "is empty", "Did perf record run"),
        (b"just a text, no recording\n", "not a recording of perf", "perf record -b"),
        (b"PERFIL", "not a recording of perf", "perf record -b"),
        (b"2ELIFREP" + bytes(200), "big-endian", "little-endian"),
        (b"PERFFILE" + bytes(200), "first format", "perf of this decade"),
        (pf.perf_file([EVENT], []), "damaged or was cut short", "stopped in the regular way"),
        (pf.perf_file([EVENT], [pf.kernel_mmap()]), "has no samples", "workload"),
        (
            pf.perf_file([pf.Event(sample_type=pf.IP)], [pf.kernel_mmap()]),
            "has no branch stacks",
            "perf record -b",
        ),
        (
            pf.perf_file([EVENT], [pf.kernel_mmap(), stack((1, 2), misc=pf.USER)]),
            "All 1 samples of the recording are of user space",
            ":k",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_next_move(content, message, hint) -> None:
    with pytest.raises(ArtifactError, match=message) as caught:
        read_recording(io.BytesIO(content))
    assert hint in caught.value.hint


def sample_with(nr: int) -> bytes:
    content = bytearray(stack((TEXT, TEXT)))
    content[56:64] = nr.to_bytes(8, "little")
    return bytes(content)


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(sample_with(2**60), id="nr of 2^60"),
        pytest.param(sample_with(2**64 - 1), id="largest nr"),
        pytest.param(sample_with(2), id="nr one too large"),
        pytest.param(bytes(8), id="size zero"),
        pytest.param(pf.record(9, bytes(16)), id="sample too short"),
        pytest.param(pf.record(9, b""), id="empty sample"),
        pytest.param(pf.record(1, bytes(8), pf.KERNEL), id="short mapping"),
        pytest.param(pf.record(2, bytes(8)), id="short lost"),
        pytest.param(pf.record(64, bytes(4)), id="short attr record"),
        pytest.param(pf.record(67, bytes(8)), id="short build-id"),
        pytest.param(pf.record(80, bytes(4)), id="short feature"),
        pytest.param(pf.record(80, (4).to_bytes(8, "little") + b"\xff" * 4), id="lying text"),
        pytest.param(pf.record(81, b"no zstd at all"), id="no zstd"),
        pytest.param(pf.compressed(pf.comm()[:-1])[0], id="compressed record cut short"),
        pytest.param(pf.compressed(pf.compressed(pf.comm())[0])[0], id="compressed twice"),
    ],
)
def test_records_that_contradict_themselves_are_refused(record) -> None:
    with pytest.raises(ArtifactError, match="damaged or was cut short") as caught:
        read(pf.kernel_mmap(), stack((TEXT, TEXT)), record)
    assert caught.value.details


@pytest.mark.parametrize(
    ("field", "read_format"),
    [(pf.CALLCHAIN, 0), (pf.READ, pf.GROUP)],
    ids=["callchain", "read group"],
)
def test_a_length_that_leads_back_to_the_beginning_is_refused(field, read_format) -> None:
    # Added to its own place, the length wraps around to the first word, which would be a stack of
    # no entries.
    event = pf.Event(sample_type=pf.IDENTIFIER | field | pf.BRANCH_STACK, read_format=read_format)
    body = b"".join(word.to_bytes(8, "little") for word in (0, 2**64 - 2, 0, 0))
    with pytest.raises(ArtifactError, match="damaged or was cut short"):
        read(pf.kernel_mmap(), pf.record(9, body), events=[event])


def test_raw_data_that_breaks_the_alignment_is_refused() -> None:
    event = pf.Event(sample_type=pf.USUAL | pf.RAW)
    with pytest.raises(ArtifactError, match="damaged or was cut short"):
        read(pf.kernel_mmap(), pf.sample(event, [], raw=bytes(5)), events=[event])


def test_a_sample_too_short_to_name_its_event_is_refused() -> None:
    plain = pf.Event(ids=(2,), sample_type=pf.IDENTIFIER | pf.IP)
    good = pf.sample(EVENT, [(TEXT, TEXT, 0)], number=1), pf.sample(plain, [], number=2)
    with pytest.raises(ArtifactError, match="damaged or was cut short"):
        read(pf.kernel_mmap(), *good, pf.record(9, b""), events=[pf.Event(ids=(1,)), plain])


@pytest.mark.parametrize(("symbol", "address"), [("_stext", 0x100), ("_text", 2**64 - 0x1000)])
def test_a_kernel_that_does_not_fit_where_it_is_said_to_lie_is_refused(symbol, address) -> None:
    bounds = TextBounds(
        text=TEXT, stext=TEXT + 0x200, etext=TEXT + 0x8000, sinittext=None, einittext=None,
        entry_text_start=None, entry_text_end=None,
    )  # fmt: skip
    mapping = pf.mmap(f"[kernel.kallsyms]{symbol}", address, 0x1000, address)
    with pytest.raises(ArtifactError, match="damaged") as caught:
        read(mapping, stack((TEXT, TEXT)), text=bounds)
    assert "no room for it" in caught.value.details


def test_an_event_shorter_than_any_is_refused() -> None:
    with pytest.raises(ArtifactError, match="fewer bytes than any perf writes"):
        read(pf.kernel_mmap(), pf.record(64, bytes(16)))


def test_samples_before_any_event_are_refused() -> None:
    content = pf.perf_pipe([], [stack((TEXT, TEXT))])
    with pytest.raises(ArtifactError, match="damaged") as caught:
        read_recording(io.BytesIO(content))
    assert "before any event" in caught.value.details


def test_a_file_that_comes_through_a_pipe_is_refused() -> None:
    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

    with pytest.raises(ArtifactError, match="comes through a pipe"):
        read_recording(Pipe(pf.perf_file([EVENT], [stack((TEXT, TEXT))])))


def test_folders_and_missing_files_are_refused(tmp_path) -> None:
    with pytest.raises(ArtifactError, match="is a folder") as caught:
        read_recording(tmp_path)
    assert "--threads" in caught.value.hint
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_recording(Path(tmp_path, "none"))
