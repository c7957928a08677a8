"""Quantiles out of a histogram's buckets, as Prometheus' `histogram_quantile` has them.

What is known of a value is its bucket; within it values are taken to lie evenly. The error is at
most the width of the bucket: with LATENCY_BUCKETS an estimate is within 20 % of the truth from
0.5 ms to 70 s, and within 0.5 ms below. What lies above the last bound counts as that bound.
"""

from __future__ import annotations

from collections.abc import Sequence


def quantile(bounds: Sequence[float], counts: Sequence[int], share: float) -> float | None:
    """The value below which this share (0 to 1) of the observations lies; None without any.

    `counts` has one number per bucket, one more than `bounds`: the last is for what is above them.
    """
    wanted = share * sum(counts)
    if not wanted:
        return None
    below = 0
    lower = 0.0
    for bound, inside in zip(bounds, counts, strict=False):
        if inside and below + inside >= wanted:
            return lower + (bound - lower) * (wanted - below) / inside
        below += inside
        lower = bound
    return bounds[-1]
