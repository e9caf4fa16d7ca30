"""One recorder at a time: the counters are the whole machine's."""

from __future__ import annotations

import errno
import os
import socket
import struct
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from pkgafdo.errors import HostError

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME: Final = "pkgafdo-recorder"
_CREDENTIALS: Final = struct.Struct("3i")  # pid, uid, gid: socket(7), SO_PEERCRED


@contextmanager
def only_recorder(name: str = NAME) -> Iterator[None]:
    """Hold the recorder's place for the block; raises HostError when somebody else does.

    The place is a name of Linux's abstract sockets: every user can ask for it, and it is free again
    when its holder ends, in whatever way.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as place:
        try:
            place.bind(f"\0{name}")
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            raise HostError(
                "another pkgafdo is recording on this machine",
                details=f"Its process id is {_holder(name)}.",
                hint="Wait for it or end it: two recordings would share the counters.",
            ) from error
        place.listen(1)
        yield


def _holder(name: str) -> str:
    """Return the process id of who holds the place."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(1)
        try:
            asking.connect(f"\0{name}")
        except OSError:  # it has just ended, or belongs to somebody who answers nothing
            return "unknown"
        content = asking.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    pid = int(_CREDENTIALS.unpack(content)[0])
    return "our own" if pid == os.getpid() else str(pid)
