"""Figures over a sliding window: what a counter grew by, and how operations ended lately.

Rates for alerts are of the last while, never of the whole life of a process: after a bad day an old
process would be in alarm for ever, and a bad minute would drown in a good year.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

SAMPLES = 120
"""Points kept of one window: its edge is right to within a 120th of its length."""

FEWEST = 5
"""Outcomes from which a share of failures is told: one failure alone is an event, no rate."""


class Growth:
    """How much a number that only grows has grown within the last `window_s` seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_us = int(window_s * 1e6)
        self._samples: deque[tuple[int, float]] = deque()

    def add(self, total: float, now: int) -> float | None:
        """Notes the number as it is at `now` (µs); returns the growth, None at the first look.

        In a process younger than the window it is the growth since the first look.
        """
        samples = self._samples
        if not samples:
            samples.append((now, total))
            return None
        while len(samples) > 1 and samples[1][0] <= now - self._window_us:
            samples.popleft()
        if now - samples[-1][0] >= self._window_us // SAMPLES:
            samples.append((now, total))
        return max(0.0, total - samples[0][1])


class _Bucket(NamedTuple):
    begins: int
    done: int
    failed: int
    timed: int
    seconds: float


class Outcomes:
    """How operations ended within the last `window_s` seconds, in SAMPLES buckets."""

    def __init__(self, window_s: float) -> None:
        self._window_us = int(window_s * 1e6)
        self._buckets: deque[_Bucket] = deque()
        self._is_known = False

    def add(self, now: int, *, failed: bool, seconds: float | None = None) -> None:
        """Notes one that ended at `now` (µs) and took so long, where that is known."""
        self._is_known = True
        self._forget(now)
        width = max(1, self._window_us // SAMPLES)
        begins = now - now % width
        if self._buckets and self._buckets[-1].begins >= begins:
            last = self._buckets.pop()
        else:
            last = _Bucket(begins, 0, 0, 0, 0.0)
        is_timed = seconds is not None
        self._buckets.append(
            _Bucket(
                last.begins,
                last.done + 1,
                last.failed + failed,
                last.timed + is_timed,
                last.seconds + (seconds or 0.0),
            )
        )

    def failed_percent(self, now: int) -> float | None:
        """Share of failures; 0 while fewer than FEWEST ended lately, None when none ever did."""
        if not self._is_known:
            return None
        self._forget(now)
        done = sum(bucket.done for bucket in self._buckets)
        failed = sum(bucket.failed for bucket in self._buckets)
        return 100.0 * failed / done if done >= FEWEST else 0.0

    def mean_s(self, now: int) -> float | None:
        """Their mean duration; 0 when none ended lately, None when none ever did."""
        if not self._is_known:
            return None
        self._forget(now)
        timed = sum(bucket.timed for bucket in self._buckets)
        return sum(bucket.seconds for bucket in self._buckets) / timed if timed else 0.0

    def _forget(self, now: int) -> None:
        while self._buckets and self._buckets[0].begins <= now - self._window_us:
            self._buckets.popleft()
