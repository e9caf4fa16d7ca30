"""Numbers as people read them: counts in groups of three, changes in percent, bytes, durations."""

from __future__ import annotations

import math
from typing import Final

NOTHING: Final = "–"
_THIN: Final = "\u202f"  # narrow, and never a line's end


def count(value: float | None) -> str:
    """Return a whole number in groups of three, others with one digit."""
    if value is None:
        return NOTHING
    return f"{value:,d}" if isinstance(value, int) else f"{value:,.1f}"


def each(value: float | None) -> str:
    """Return a count for each of something, with one digit where it is small."""
    return count(round(value) if value is not None and abs(value) >= 1000 else value)


def percent(value: float | None, *, signed: bool = True) -> str:
    """Return a share or change in percent with one digit and a real minus sign."""
    if value is None:
        return NOTHING
    text = f"{abs(value):.1%}".replace("%", f"{_THIN}%")
    if not signed:
        return text if value >= 0 else f"−{text}"
    zero = abs(value) < 0.0005
    return f"{'±' if zero else '−' if value < 0 else '+'}{text}"


def fine(value: float | None) -> str:
    """Return a share in percent with two digits."""
    return NOTHING if value is None else f"{value:.2%}".replace("%", f"{_THIN}%")


def short(value: float) -> str:
    """Return a count with its magnitude, as 75.7 M."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}{_THIN}{unit}".replace("-", "−")
    return f"{value:.0f}".replace("-", "−")


def size(value: int | None) -> str:
    """Return a number of bytes in binary units."""
    if value is None:
        return NOTHING
    for unit_size, unit in ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")):
        if value >= unit_size:
            return f"{value / unit_size:.1f}{_THIN}{unit}"
    return f"{value}{_THIN}bytes"


def duration(seconds: float | None) -> str:
    """Return seconds as 12 min 05 s, short ones with one digit."""
    if seconds is None:
        return NOTHING
    if seconds < 60:
        return f"{seconds:.1f}{_THIN}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    lead = f"{hours}{_THIN}h {minutes:02d}{_THIN}min" if hours else f"{minutes}{_THIN}min"
    return f"{lead} {rest:02d}{_THIN}s"


def signed(value: int | None) -> str:
    """Return a difference of counts with its sign."""
    if value is None:
        return NOTHING
    return f"{value:+,d}".replace("-", "−")


def ratio(value: float | None) -> str:
    """Return a ratio after ÷ before as the change that it is, in percent."""
    return NOTHING if value is None else percent(value - 1)


def probability(value: float | None) -> str:
    """Return a p value with three digits; a smaller one is said to be smaller."""
    if value is None:
        return NOTHING
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def measured(value: float | None) -> str:
    """Return a measured value with four digits that count."""
    if value is None:
        return NOTHING
    digits = max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return f"{value:,.{digits}f}"
