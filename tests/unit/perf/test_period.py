"""Periods: primes, and how many samples to expect."""

from __future__ import annotations

import pytest

from pkgafdo.perf.events import DEFAULT_PERIOD
from pkgafdo.perf.period import (
    is_prime,
    most_samples,
    next_prime,
    note_on_samples,
    notes_on_period,
)


def notes(period: int = DEFAULT_PERIOD, cores: int = 8, seconds: float | None = 600) -> str:
    return "\n".join(notes_on_period(period=period, cores=cores, seconds=seconds))


def test_the_default_is_a_prime_and_needs_no_note() -> None:
    assert is_prime(DEFAULT_PERIOD)
    assert notes() == ""


@pytest.mark.parametrize(("number", "prime"), [(1, 2), (2, 2), (500_000, 500_009), (90, 97)])
def test_the_next_prime(number: int, prime: int) -> None:
    assert next_prime(number) == prime


def test_a_period_that_is_no_prime_is_noted_with_one_that_is() -> None:
    assert "500009 would be one" in notes(period=500_000)


def test_a_short_recording_is_noted_with_a_period_that_suffices() -> None:
    text = notes(cores=2, seconds=5)
    assert "2,999 samples at most" in text
    period = int(text.rsplit(" ", 1)[1])
    assert is_prime(period)
    assert 19_000 < most_samples(period=period, cores=2, seconds=5) <= 20_100


def test_a_recording_of_a_day_is_noted_with_a_period_that_is_enough() -> None:
    text = notes(cores=64, seconds=86_400)
    assert "GiB" in text
    period = int(text.rsplit(" ", 3)[1])
    assert most_samples(period=period, cores=64, seconds=86_400) <= 20_000_000


def test_a_period_that_the_kernel_throttles_is_noted() -> None:
    assert "throttle" in notes(period=101, seconds=None)


def test_where_nobody_knows_the_end_nothing_is_expected() -> None:
    assert notes(seconds=None) == ""


def test_a_finished_recording_with_few_samples_is_noted() -> None:
    assert note_on_samples(20_000, period=7) is None
    assert "only 12 samples" in (note_on_samples(12, period=7) or "")
