"""Durations counted in classes: medians and the like in memory of a fixed size."""

from __future__ import annotations

from itertools import accumulate
from math import ceil, inf, log

RATIO = 1.25
"""Between the bounds of two classes of times: their middle is within 13 % of any time in one."""
FIRST_S = 0.001
CLASSES = 2 + ceil(log(31 * 86400 / FIRST_S) / log(RATIO))
"""From a millisecond to a month."""
_STEP = log(RATIO)


def class_of(seconds: float) -> int:
    """The class of a duration, from 0 on."""
    place = ceil(log(seconds / FIRST_S) / _STEP) if seconds > FIRST_S else 0
    return min(place, CLASSES - 1)


class Times:
    """Durations in classes, each a quarter wider than the one before."""

    def __init__(self) -> None:
        self.classes = [0] * CLASSES
        self.total_s = 0.0
        self._least = inf
        self._most = 0.0

    def add(self, seconds: float) -> None:
        self.classes[class_of(seconds)] += 1
        self.total_s += seconds
        if seconds < self._least:
            self._least = seconds
        if seconds > self._most:
            self._most = seconds

    @property
    def count(self) -> int:
        return sum(self.classes)

    def quantile(self, share: float) -> float:
        """Seconds; 0 where there are none."""
        wanted = share * self.count
        if not wanted:
            return 0.0
        place = next(p for p, below in enumerate(accumulate(self.classes)) if below >= wanted)
        # The middle of the class, as factors go; the first begins at nothing.
        middle = FIRST_S * float(RATIO ** (place - 0.5)) if place else FIRST_S / 2
        return min(max(middle, self._least), self._most)
