"""What a recording says about its machine: parsers of feature sections."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from pkgafdo.perf.perfdata.damage import damaged
from pkgafdo.perf.perfdata.formats import (
    ATTR_SIZE_MIN,
    CPUMODE_KERNEL,
    CPUMODE_MASK,
    MISC_BUILD_ID_SIZE,
    Feature,
)
from pkgafdo.perf.perfdata.mappings import is_kernel, module_name

_U32: Final = struct.Struct("<I")
_BUILD_ID: Final = struct.Struct("<IHHi20sB3x")
"""build_id_record of tools/perf: record header, pid, build-id in 24 bytes; the file name follows."""
_BUILD_ID_BYTES: Final = 20

NEEDED: Final = (
    Feature.BUILD_ID,
    Feature.OSRELEASE,
    Feature.ARCH,
    Feature.CPUDESC,
    Feature.CMDLINE,
    Feature.EVENT_DESC,
)


@dataclass(slots=True)
class Facts:
    """What was found out about the recorded machine; empty where the recording is silent."""

    kernelrelease: str = ""
    arch: str = ""
    cpu: str = ""
    command: str = ""
    event_names: tuple[str, ...] = ()
    kernel_build_id: str = ""
    module_build_ids: dict[str, str] = field(default_factory=dict)

    def add_feature(self, number: int, content: bytes) -> None:
        """Take in one feature section; unknown ones are passed over, and empty ones (of perf 3.8)."""
        try:
            if content:
                self._add_feature(number, content)
        except (struct.error, UnicodeDecodeError, IndexError) as error:
            raise damaged(f"Its feature section {number} cannot be read: {error}.") from error

    def _add_feature(self, number: int, content: bytes) -> None:
        match number:
            case Feature.OSRELEASE:
                self.kernelrelease = _string(content)[0]
            case Feature.ARCH:
                self.arch = _string(content)[0]
            case Feature.CPUDESC:
                self.cpu = _string(content)[0]
            case Feature.CMDLINE:
                self.command = " ".join(_strings(content))
            case Feature.EVENT_DESC:
                self.event_names = tuple(_event_names(content))
            case Feature.BUILD_ID:
                self._add_build_ids(content)
            case _:
                pass

    def _add_build_ids(self, content: bytes) -> None:
        while content:
            size = _BUILD_ID.unpack_from(content)[2]
            if not _BUILD_ID.size <= size <= len(content):
                raise IndexError(f"a build-id record of {size} bytes")
            self.add_build_id(content[:size])
            content = content[size:]

    def add_build_id(self, record: bytes) -> None:
        """Take in one build-id record: of the kernel, or of a module."""
        if len(record) < _BUILD_ID.size:
            raise damaged(f"A build-id record has {len(record)} bytes.")
        _, misc, _, _, build_id, size = _BUILD_ID.unpack_from(record)
        length = min(size, _BUILD_ID_BYTES) if misc & MISC_BUILD_ID_SIZE else _BUILD_ID_BYTES
        name = record[_BUILD_ID.size :].split(b"\0", 1)[0].decode("utf-8", "replace")
        if misc & CPUMODE_MASK == CPUMODE_KERNEL:
            self.set_build_id(name, build_id[:length].hex())

    def set_build_id(self, name: str, build_id: str) -> None:
        """Remember the build-id of what is mapped under a name, if it is kernel code."""
        if is_kernel(name):
            self.kernel_build_id = build_id
        elif module := module_name(name):
            self.module_build_ids[module] = build_id


def _string(content: bytes) -> tuple[str, bytes]:
    """Parse a string (length, then characters padded with zeros); returns it and what follows."""
    (size,) = _U32.unpack_from(content)
    rest = content[_U32.size :]
    if size > len(rest):
        raise IndexError(f"a text of {size} bytes in {len(rest)}")
    return rest[:size].split(b"\0", 1)[0].decode("utf-8", "replace"), rest[size:]


def _strings(content: bytes) -> list[str]:
    (count,) = _U32.unpack_from(content)
    rest = content[_U32.size :]
    found = []
    for _ in range(min(count, len(content))):
        text, rest = _string(rest)
        found.append(text)
    return found


def _event_names(content: bytes) -> list[str]:
    """Parse EVENT_DESC: count, size of an attr; then for each attr, number of ids, name, ids."""
    count, attr_size = struct.unpack_from("<II", content)
    if attr_size < ATTR_SIZE_MIN:
        raise IndexError(f"events of {attr_size} bytes")
    rest = content[2 * _U32.size :]
    found = []
    for _ in range(min(count, len(content) // ATTR_SIZE_MIN)):
        (ids,) = _U32.unpack_from(rest, attr_size)
        name, rest = _string(rest[attr_size + _U32.size :])
        rest = rest[8 * ids :]
        found.append(name)
    return found
