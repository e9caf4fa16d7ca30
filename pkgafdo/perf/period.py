"""How often to sample: primes, and how many samples a period will give."""

from __future__ import annotations

from math import isqrt
from typing import Final

_BUSY: Final = 150_000_000
"""Taken branches of the kernel a second on a core that does nothing else: at 3 … 5 GHz one
instruction in 20 … 30 is one, as in the recordings of kernel builds that the guides publish."""
_FEW: Final = 20_000
_MANY: Final = 20_000_000
_FASTEST: Final = 100_000
"""kernel.perf_event_max_sample_rate, as it is by default: beyond it the kernel throttles."""
SAMPLE_BYTES: Final = 840
"""A sample with a stack of 32."""


def is_prime(number: int) -> bool:
    """Tell whether a number is prime."""
    return number > 1 and all(number % factor for factor in range(2, isqrt(number) + 1))


def next_prime(number: int) -> int:
    """Return the smallest prime that is not below a number."""
    return next(one for one in range(max(2, number), 2 * max(2, number)) if is_prime(one))


def most_samples(*, period: int, cores: int, seconds: float) -> int:
    """Return how many samples there will be at most: as if every core were busy in the kernel."""
    return int(_BUSY * cores * seconds / period)


def notes_on_period(*, period: int, cores: int, seconds: float | None) -> list[str]:
    """Return what a user should know about a period, one sentence each.

    seconds is None when nobody knows how long the recording will be.
    """
    notes = []
    if not is_prime(period):
        notes.append(
            f"a period of {period} is no prime, and may run in step with loops: "
            f"{next_prime(period)} would be one"
        )
    if _BUSY / period > _FASTEST:
        notes.append(
            f"with a period of {period} the kernel will throttle sampling; "
            f"{next_prime(_BUSY // _FASTEST)} is about the smallest that it keeps up with"
        )
    if seconds is None:
        return notes
    expected = most_samples(period=period, cores=cores, seconds=seconds)
    if expected < _FEW:
        notes.append(
            f"{seconds:.0f} s will give {expected:,} samples at most; {_FEW:,} are good to have: "
            f"record longer, or with a period of {next_prime(max(1009, period * expected // _FEW))}"
        )
    elif expected > _MANY:
        notes.append(
            f"{seconds:.0f} s may give up to {expected:,} samples ({_gib(expected)}): "
            f"a period of {next_prime(period * expected // _MANY)} is enough"
        )
    return notes


def note_on_samples(samples: int, *, period: int) -> str | None:
    """Return a sentence when a finished recording has few samples."""
    if samples >= _FEW:
        return None
    return (
        f"only {samples:,} samples (every {period:,} branches): record longer, a busier machine, or "
        f"with a smaller period"
    )


def _gib(samples: int) -> str:
    return f"{samples * SAMPLE_BYTES / (1 << 30):.0f} GiB through the pipe"
