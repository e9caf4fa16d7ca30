"""What holds for all tests.

None is timed, as a busy machine is no fault of the code. Whoever started us in the background or with
nohup has us, and every program that we start, ignore signals that some tests send.
"""

from __future__ import annotations

import gc
import signal
from pathlib import Path

import pytest
from hypothesis import settings

from tests.parts import part_of

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(_number, signal.SIG_DFL)


_PART: pytest.StashKey[frozenset[Path]] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let several plain processes share the files: cheaper than one that hands out tests to others."""
    parser.addoption("--part", metavar="N/ALL", help="only the files of this part, 1/2 or 2/2")


def pytest_configure(config: pytest.Config) -> None:
    """Choose the files of the part."""
    if part := config.getoption("--part"):
        number, _, parts = part.partition("/")
        config.stash[_PART] = part_of(map(Path, config.args), int(number), int(parts))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the files of other parts."""
    part = config.stash.get(_PART, None)
    if part is None or collection_path.is_dir() or collection_path in part:
        return None
    return True


def pytest_collection_finish() -> None:
    """Spare what was imported, some hundred thousand objects that stay, all further looks for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
