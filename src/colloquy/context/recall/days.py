"""Days, counted in UTC from 1970: what times in a question come down to."""

from __future__ import annotations

from typing import NamedTuple

DAY_US = 86_400_000_000
WHOLE, CLOSE, LOOSE = 1.0, 0.5, 0.25
"""Weights of a day or a week, of a month, and of a year."""


class Days(NamedTuple):
    """Days from `first` to `last`, both included, and how closely they are meant (0 to 1)."""

    first: int
    last: int
    weight: float


def day_of(at_us: int) -> int:
    """The number of the day of a moment (microseconds since 1970)."""
    return at_us // DAY_US
