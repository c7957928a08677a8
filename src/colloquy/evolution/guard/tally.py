"""Outcomes counted: how many, how many failed, how long they took, in bins of seconds."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from ...model.rollouts import Figures

Bins = npt.NDArray[np.int64]
Marks = npt.NDArray[np.bool_]
Seconds = npt.NDArray[np.float64]

OCTAVE = 16
"""Bins that double a time: twice as long is exactly so many bins later, and a quantile is right to
within 5 %, the width of a bin."""
_FINEST_S = 0.001
_OCTAVES = 21
"""From 1 ms to 35 minutes."""
BINS = OCTAVE * _OCTAVES + 2
"""The first holds what took 1 ms and less, the last what took longer than all that."""
_EDGES = _FINEST_S * 2.0 ** (np.arange(BINS - 1) / OCTAVE)
"""Upper edges of all bins but the last."""


class KeptTally(Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    """A tally as it is stored. `bins`: number and count of each that is not empty, in turn."""

    count: int = 0
    failed: int = 0
    slow: int = 0
    seconds: float = 0.0
    longest: float = 0.0
    bins: list[int] = []


class Tally:
    """Sums over outcomes; two are added up as one."""

    __slots__ = ("bins", "count", "failed", "longest", "seconds", "slow")

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        self.slow = 0
        self.seconds = 0.0
        self.longest = 0.0
        self.bins: Bins = np.zeros(BINS, np.int64)

    def note(self, failed: Marks, took: Seconds, slow: Marks) -> None:
        """Outcomes: whether each failed, its seconds, and whether that was too slow."""
        if not len(took):
            return
        self.count += len(took)
        self.failed += int(np.count_nonzero(failed))
        self.slow += int(np.count_nonzero(slow))
        self.seconds += float(took.sum())
        self.longest = max(self.longest, float(took.max()))
        self.bins += np.bincount(np.searchsorted(_EDGES, took), minlength=BINS)

    def add(self, other: Tally) -> None:
        self.count += other.count
        self.failed += other.failed
        self.slow += other.slow
        self.seconds += other.seconds
        self.longest = max(self.longest, other.longest)
        self.bins += other.bins

    def figures(self) -> Figures:
        """None of anything where nothing is counted."""
        if not self.count:
            return Figures()
        rate = self.failed / self.count
        return Figures(
            count=self.count,
            failed=self.failed,
            error_rate=rate,
            success_rate=1 - rate,
            mean_s=self.seconds / self.count,
            p95_s=self._quantile(0.95),
            p99_s=self._quantile(0.99),
        )

    def bin_of(self, share: float) -> int:
        """The bin in which this share of outcomes (0 to 1) is reached; there must be some."""
        rank = math.ceil(share * self.count)
        return int(np.searchsorted(np.cumsum(self.bins), rank))

    def _quantile(self, share: float) -> float:
        """The middle of its bin, or the mean where that is in the upper half of the same bin: a
        mean above a quantile then says that some took very long, and is no matter of bins."""
        at = self.bin_of(share)
        lower = float(_EDGES[at - 1]) if at else 0.0
        upper = min(float(_EDGES[at]) if at < BINS - 1 else self.longest, self.longest)
        mean = min(self.seconds / self.count, self.longest)  # the sum is rounded
        middle = min(math.sqrt(lower * upper), upper) if lower else upper
        return mean if middle < mean <= upper else middle

    def kept(self) -> KeptTally:
        full = np.flatnonzero(self.bins)
        return KeptTally(
            self.count,
            self.failed,
            self.slow,
            self.seconds,
            self.longest,
            np.column_stack((full, self.bins[full])).ravel().tolist(),
        )

    @classmethod
    def of(cls, kept: KeptTally) -> Tally:
        """Raises ValueError for bins that there are not."""
        found = cls()
        found.count, found.failed, found.slow = kept.count, kept.failed, kept.slow
        found.seconds, found.longest = kept.seconds, kept.longest
        pairs = np.asarray(kept.bins, np.int64).reshape(-1, 2)
        if len(pairs) and not 0 <= pairs[:, 0].min() <= pairs[:, 0].max() < BINS:
            raise ValueError("a bin of another version")
        found.bins[pairs[:, 0]] = pairs[:, 1]
        return found
