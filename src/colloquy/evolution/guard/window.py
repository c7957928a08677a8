"""Outcomes of the last while: a ring of slots, bounded however much comes in."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from ...model.rollouts import Figures

SLOTS = 300
"""A window's edge is right to within a 300th of its length."""
RECENT = 200
"""So many turns say what a rate is now: a good week before them must not hide it."""
_FINEST_S = 0.001
_STEPS = 150
"""Buckets of seconds, each `_RATIO` times the one before: from 1 ms to 27 minutes."""
_RATIO = 1.1
"""Quantiles are right to within 5 %."""
_EDGES = _FINEST_S * _RATIO ** np.arange(_STEPS)


class Totals:
    """How many outcomes there were, how many failed, and how many took too long."""

    __slots__ = ("count", "failed", "slow")

    def __init__(self, count: int = 0, failed: int = 0, slow: int = 0) -> None:
        self.count, self.failed, self.slow = count, failed, slow

    def since(self, before: Totals) -> Totals:
        """What was added since."""
        return Totals(
            self.count - before.count, self.failed - before.failed, self.slow - before.slow
        )

    def copy(self) -> Totals:
        return Totals(self.count, self.failed, self.slow)


class Window:
    """Outcomes of the last `span_s` seconds, and totals of all.

    A clock that goes back adds to the newest slot.
    """

    def __init__(self, span_s: float, slow_s: float) -> None:
        """What takes longer than `slow_s` is slow."""
        self._width_s = max(1.0, span_s / SLOTS)
        slots = max(1, math.ceil(span_s / self._width_s))
        self._numbers = np.full(slots, -(slots + 1), np.int64)
        self._counts = np.zeros((slots, _STEPS + 1), np.int32)
        self._failed = np.zeros(slots, np.int64)
        self._seconds = np.zeros(slots, np.float64)
        self._slow_s = slow_s
        self._newest = -1
        self._recent: deque[bool] = deque(maxlen=RECENT)
        self.totals = Totals()

    def add(self, now_s: float, fine: Sequence[bool], seconds: Sequence[float]) -> None:
        """Outcomes that ended at about `now_s`: whether each went well, and its seconds."""
        failed = len(fine) - sum(fine)
        self._recent.extend(fine)
        self._newest = max(self._newest, int(now_s // self._width_s))
        at = self._newest % len(self._numbers)
        if self._numbers[at] != self._newest:
            self._numbers[at] = self._newest
            self._counts[at] = 0
            self._failed[at] = 0
            self._seconds[at] = 0.0
        took = np.asarray(seconds, np.float64)
        buckets = np.searchsorted(_EDGES, took)
        self._counts[at] += np.bincount(buckets, minlength=_STEPS + 1)
        self._failed[at] += failed
        self._seconds[at] += took.sum()
        self.totals.count += len(took)
        self.totals.failed += failed
        self.totals.slow += int(np.count_nonzero(took > self._slow_s))

    @property
    def recent(self) -> tuple[int, int]:
        """Of the last RECENT outcomes, however long ago: how many there are, how many failed."""
        return len(self._recent), len(self._recent) - sum(self._recent)

    def figures(self, now_s: float) -> Figures:
        """Of the last `span_s` seconds before `now_s`."""
        oldest = int(now_s // self._width_s) - len(self._numbers)
        live = self._numbers > oldest
        buckets = self._counts[live].sum(axis=0)
        count = int(buckets.sum())
        if not count:
            return Figures()
        failed = int(self._failed[live].sum())
        reached = np.cumsum(buckets)
        return Figures(
            count=count,
            failed=failed,
            error_rate=failed / count,
            success_rate=1 - failed / count,
            mean_s=float(self._seconds[live].sum()) / count,
            p95_s=_middle(int(np.searchsorted(reached, math.ceil(0.95 * count)))),
            p99_s=_middle(int(np.searchsorted(reached, math.ceil(0.99 * count)))),
        )


def _middle(bucket: int) -> float:
    """The seconds in the middle of a bucket."""
    return float(_FINEST_S * _RATIO ** (bucket - 0.5)) if bucket else _FINEST_S
