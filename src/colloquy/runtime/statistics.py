"""Rates and latencies over time, out of the metrics, in memory of a fixed size.

Once a second the counters are read; what differs from the reading before is the rate. Latencies are
quantiles of the difference between two readings of the histogram (see `telemetry.quantiles` for the
error), over ten seconds for a point, over a minute for a point of the day.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from ..model.statistics import (
    Census,
    HealthView,
    Latency,
    Now,
    Rates,
    Series,
    SignalView,
    StatisticsView,
    Waiting,
)
from ..model.times import rfc3339
from ..ops.health import Health
from ..telemetry import Metrics
from ..telemetry.metrics import LATENCY_BUCKETS
from ..telemetry.quantiles import quantile

SECONDS = 600
MINUTES = 1440
MINUTE = 60
SMOOTH = 10
"""Seconds over which a point's latencies and the rates of now are taken."""

_ACCEPTED = ("stored", "spooled")


class Reading(NamedTuple):
    """The counters at one moment. `at` and `clock` are seconds: since 1970, and monotonic."""

    at: int
    clock: float
    accepted: float
    turns: float
    replies: float
    latencies: tuple[int, ...]


class Point(NamedTuple):
    at: int
    accepted_per_s: float
    turns_per_s: float
    replies_per_s: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    waiting: int


class Statistics:
    """The rings of one process, and what else there is to say of this moment."""

    def __init__(
        self,
        metrics: Metrics,
        *,
        waiting: Callable[[], Waiting],
        health: Callable[[], Health],
        census: Callable[[], Census | None],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._metrics = metrics
        self._waiting = waiting
        self._health = health
        self._census = census
        self._clock = clock
        self._wall = wall
        self._readings: deque[Reading] = deque(maxlen=MINUTE + 1)
        self._seconds: deque[Point] = deque(maxlen=SECONDS)
        self._minutes: deque[Point] = deque(maxlen=MINUTES)
        self._readings.append(self._read())
        self._minute = self._readings[0]

    async def run(self) -> None:
        """Reads once a second until cancelled: a task for the supervisor."""
        while True:
            await asyncio.sleep(1.0 - self._wall() % 1.0)
            self.sample()

    def sample(self) -> None:
        """Takes a reading now."""
        reading = self._read()
        last = self._readings[-1]
        if reading.clock <= last.clock:
            return
        self._readings.append(reading)
        waiting = self._waiting().messages
        self._seconds.append(_point(last, self._back(SMOOTH), reading, waiting))
        if reading.clock - self._minute.clock >= MINUTE:
            self._minutes.append(_point(self._minute, self._minute, reading, waiting))
            self._minute = reading

    def now(self) -> Now:
        """The figures of this moment."""
        last = self._readings[-1]
        counts = _between(self._readings[0], last)
        return Now(
            at=rfc3339(int(self._wall() * 1e6)),
            rates=Rates(*_rates(self._back(SMOOTH), last)),
            latency=Latency(*_quantiles_ms(counts), sum(counts)),
            waiting=self._waiting(),
            health=_health_view(self._health()),
            census=self._census(),
        )

    def newest(self) -> Series:
        """The last point of the ten minutes alone, or none."""
        return _series([self._seconds[-1]] if self._seconds else [])

    def view(self) -> StatisticsView:
        """Everything."""
        return StatisticsView(self.now(), _series(self._seconds), _series(self._minutes))

    def _back(self, seconds: int) -> Reading:
        """The reading so many seconds ago, or the oldest there is."""
        return self._readings[max(0, len(self._readings) - 1 - seconds)]

    def _read(self) -> Reading:
        metrics = self._metrics
        accepted = dict(metrics.accepted.items())
        return Reading(
            int(self._wall()),
            self._clock(),
            sum(accepted[status].value for status in _ACCEPTED if status in accepted),
            metrics.committed_turns.value,
            sum(counter.value for _, counter in metrics.replies.items()),
            metrics.end_to_end_seconds.counts(),
        )


def _point(rate_since: Reading, latency_since: Reading, now: Reading, waiting: int) -> Point:
    rates = _rates(rate_since, now)
    return Point(now.at, *rates, *_quantiles_ms(_between(latency_since, now)), waiting)


def _rates(before: Reading, now: Reading) -> tuple[float, float, float]:
    """Accepted, turns, replies per second."""
    seconds = now.clock - before.clock
    if seconds <= 0:
        return 0.0, 0.0, 0.0
    return (
        round((now.accepted - before.accepted) / seconds, 2),
        round((now.turns - before.turns) / seconds, 2),
        round((now.replies - before.replies) / seconds, 2),
    )


def _between(before: Reading, now: Reading) -> list[int]:
    return [late - early for early, late in zip(before.latencies, now.latencies, strict=True)]


def _quantiles_ms(counts: list[int]) -> tuple[float | None, float | None, float | None]:
    """p50, p95, p99 in milliseconds."""
    return _ms(counts, 0.5), _ms(counts, 0.95), _ms(counts, 0.99)


def _ms(counts: list[int], share: float) -> float | None:
    seconds = quantile(LATENCY_BUCKETS, counts, share)
    return round(seconds * 1000, 2) if seconds is not None else None


def _series(points: Iterable[Point]) -> Series:
    columns = list(zip(*points, strict=True)) or [()] * len(Point._fields)
    return Series(*(list(column) for column in columns))


def _health_view(health: Health) -> HealthView:
    """The dearest signal first, then those that are as they should be."""
    signals = sorted(health.signals, key=lambda signal: (-signal.loss, signal.name))
    return HealthView(
        str(health.status),
        health.score,
        rfc3339(health.since_us),
        [
            SignalView(signal.name, round(signal.value, 3), round(signal.loss, 1), signal.detail)
            for signal in signals
        ],
    )
