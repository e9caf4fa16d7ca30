"""What holds for tests with real programs."""

from __future__ import annotations

import ctypes
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_NETWORK = 0x40000000  # CLONE_NEWNET: linux/sched.h


@pytest.fixture
def own_network() -> Iterator[None]:
    """Give a test, and what it starts, a name space of networks; without the right to, leave it as it is.

    The one recorder of a machine holds an abstract socket, whose names belong to such a name space:
    tests that record side by side, or beside somebody's recording, do not see each other.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        changed = libc.unshare(_NEW_NETWORK) == 0
        yield
        if changed and libc.setns(before, _NEW_NETWORK) != 0:
            raise OSError(ctypes.get_errno(), "the network could not be put back")
    finally:
        os.close(before)
