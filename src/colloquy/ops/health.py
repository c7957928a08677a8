"""The health score: 0 to 100 out of named signals, and the word for it (decision 6).

    score = max(0, 100 − Σ weight · (1 − value))

`weight` is how many points are lost when that signal is at its worst. It is a sum of losses and not
a mean, because in a mean nine good signals hide a dead store. A signal of weight 41 or more can
make the state critical by itself, one of weight 100 takes it down.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable

from msgspec import Struct

from colloquy.settings import HealthSettings


class Status(enum.StrEnum):
    """The one vocabulary of health; other words are mapped at the edge."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"
    DOWN = "down"


class Signal(Struct, frozen=True):
    """One thing that is watched: `value` 1 is as it should be, 0 is as bad as it can be."""

    name: str
    value: float
    weight: float
    detail: str = ""

    @property
    def loss(self) -> float:
        """Points that the score loses. A value that is not a number counts as the worst."""
        value = 0.0 if math.isnan(self.value) else min(1.0, max(0.0, self.value))
        return self.weight * (1.0 - value)


class Health(Struct, frozen=True):
    """One look at the health. `since_us` is when the present status began."""

    status: Status
    score: float
    since_us: int
    at_us: int
    signals: tuple[Signal, ...]

    @property
    def http_status(self) -> int:
        """503 when critical or down, so that a load balancer looks elsewhere; else 200."""
        return 503 if self.status in (Status.CRITICAL, Status.DOWN) else 200

    @property
    def causes(self) -> list[Signal]:
        """The signals that cost points, the dearest first."""
        return sorted((signal for signal in self.signals if signal.loss > 0), key=_by_loss)


class HealthScore:
    """Keeps the status between two looks, which is what makes it steady.

    Getting worse shows at once. Getting better needs the margin `recover − warning` on top of the
    bound: healthy again from `recover` (80) on, no longer critical from 65 on. Down is a score
    of 0.
    """

    def __init__(self, settings: HealthSettings | None = None) -> None:
        self._settings = settings or HealthSettings()
        self._status = Status.HEALTHY
        self._since_us: int | None = None

    def update(self, signals: Iterable[Signal], now_us: int) -> Health:
        """The health that these signals make, after what it was before."""
        seen = tuple(signals)
        score = round(max(0.0, 100.0 - sum(signal.loss for signal in seen)), 1)
        status = self._next(score)
        if status is not self._status or self._since_us is None:
            self._status = status
            self._since_us = now_us
        return Health(status, score, self._since_us, now_us, seen)

    def _next(self, score: float) -> Status:
        bounds = self._settings
        margin = bounds.recover - bounds.warning
        was = self._status
        if score <= 0:
            return Status.DOWN
        in_crisis = was in (Status.CRITICAL, Status.DOWN)
        if score < bounds.critical + (margin if in_crisis else 0):
            return Status.CRITICAL
        if score < (bounds.warning if was is Status.HEALTHY else bounds.recover):
            return Status.WARNING
        return Status.HEALTHY


def linear(measured: float, good: float, bad: float) -> float:
    """The value of a signal: 1 up to `good`, 0 from `bad` on, a straight line between.

    `bad` may be below `good`, for measures that should be large. Raises ValueError when they are
    equal.
    """
    if good == bad:
        raise ValueError("good and bad must differ")
    return min(1.0, max(0.0, (bad - measured) / (bad - good)))


def _by_loss(signal: Signal) -> tuple[float, str]:
    return (-signal.loss, signal.name)
