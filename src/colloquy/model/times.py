"""Clocks. Stored times are integer microseconds since 1970 (UTC); Python sees aware datetimes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Clock = Callable[[], int]
"""Returns microseconds since 1970. Everything that waits takes one, so that tests can set it."""


def now_us() -> int:
    """The wall clock in microseconds since 1970, UTC."""
    return time.time_ns() // 1000


def to_datetime(us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=us)


def to_us(moment: datetime) -> int:
    """Raises ValueError for a naive datetime."""
    if moment.tzinfo is None:
        raise ValueError("a datetime needs a time zone")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def rfc3339(us: int) -> str:
    """`2026-01-31T10:00:00.000000Z`: fixed width, so that text order is time order."""
    seconds, rest = divmod(us, 1_000_000)
    return f"{_to_the_second(seconds)}.{rest:06d}Z"


@lru_cache(maxsize=256)
def _to_the_second(seconds: int) -> str:
    # Many events share a second: formatting it once is what makes this cheap.
    return to_datetime(seconds * 1_000_000).isoformat()[:19]
