"""What holds for all tests.

None is timed, as a busy machine is no fault of the code. Whoever started us in the background or with
nohup has us, and every program that we start, ignore signals that some tests send.
"""

from __future__ import annotations

import gc
import signal

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

signal.signal(signal.SIGINT, signal.default_int_handler)
for _number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM):
    signal.signal(_number, signal.SIG_DFL)


def pytest_collection_finish() -> None:
    """Spare what was imported, some hundred thousand objects that stay, all further looks for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
