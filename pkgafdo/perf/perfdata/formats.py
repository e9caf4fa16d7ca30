"""Numbers of the perf.data format.

Sources: Linux include/uapi/linux/perf_event.h, tools/lib/perf/include/perf/event.h,
tools/perf/util/header.h and tools/perf/Documentation/perf.data-file-format.txt.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

MAGIC: Final = b"PERFILE2"
FOREIGN_MAGIC: Final = b"2ELIFREP"
"""The magic as a big-endian machine writes it."""
OLD_MAGIC: Final = b"PERFFILE"

FILE_HEADER_SIZE: Final = 104
PIPE_HEADER_SIZE: Final = 16
RECORD_HEADER_SIZE: Final = 8
ATTR_SIZE_MIN: Final = 64
"""The first published perf_event_attr (PERF_ATTR_SIZE_VER0)."""


class Record(IntEnum):
    """Record types that matter here; those from 64 on are perf's own, not the kernel's."""

    MMAP = 1
    LOST = 2
    COMM = 3
    SAMPLE = 9
    MMAP2 = 10
    LOST_SAMPLES = 13
    ATTR = 64
    TRACING_DATA = 66
    BUILD_ID = 67
    FINISHED_ROUND = 68
    AUXTRACE = 71
    FEATURE = 80
    COMPRESSED = 81
    COMPRESSED2 = 83


class Sample(IntFlag):
    """sample_type: which fields a sample has."""

    IP = 1 << 0
    TID = 1 << 1
    TIME = 1 << 2
    ADDR = 1 << 3
    READ = 1 << 4
    CALLCHAIN = 1 << 5
    ID = 1 << 6
    CPU = 1 << 7
    PERIOD = 1 << 8
    STREAM_ID = 1 << 9
    RAW = 1 << 10
    BRANCH_STACK = 1 << 11
    IDENTIFIER = 1 << 16


class ReadFormat(IntFlag):
    """read_format: what the READ field of a sample holds."""

    TOTAL_TIME_ENABLED = 1 << 0
    TOTAL_TIME_RUNNING = 1 << 1
    ID = 1 << 2
    GROUP = 1 << 3
    LOST = 1 << 4


class BranchSample(IntFlag):
    """branch_sample_type: what is recorded of each branch."""

    USER = 1 << 0
    KERNEL = 1 << 1
    ANY = 1 << 3
    HW_INDEX = 1 << 17
    COUNTERS = 1 << 19


class Feature(IntEnum):
    """Feature sections."""

    TRACING_DATA = 1
    BUILD_ID = 2
    HOSTNAME = 3
    OSRELEASE = 4
    VERSION = 5
    ARCH = 6
    CPUDESC = 8
    CMDLINE = 11
    EVENT_DESC = 12
    COMPRESSED = 27


CPUMODE_MASK: Final = 7
CPUMODE_KERNEL: Final = 1
CPUMODE_USER: Final = 2
CPUMODE_GUEST_KERNEL: Final = 4
CPUMODE_GUEST_USER: Final = 5
MISC_MMAP_BUILD_ID: Final = 1 << 14
MISC_BUILD_ID_SIZE: Final = 1 << 15
MISC_LOST_SAMPLES_BPF: Final = 1 << 15
"""Not lost: perf's own filter left them out (tools/lib/perf/include/perf/event.h)."""

ATTR_FLAG_EXCLUDE_KERNEL: Final = 1 << 5
ATTR_FLAG_FREQ: Final = 1 << 10
"""Bits of the flag word of perf_event_attr, at offset 40."""
