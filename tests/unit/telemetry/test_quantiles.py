"""Quantiles out of buckets, against the exact ones."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.telemetry import Metrics
from colloquy.telemetry.metrics import LATENCY_BUCKETS
from colloquy.telemetry.quantiles import quantile


def exact(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@given(
    st.lists(st.floats(0.0005, 60.0), min_size=1, max_size=200),
    st.sampled_from([0.5, 0.95, 0.99]),
)
def test_an_estimate_is_within_the_promised_bound(values: list[float], share: float) -> None:
    histogram = Metrics().end_to_end_seconds
    histogram.observe_many(values)
    found = quantile(LATENCY_BUCKETS, histogram.counts(), share)
    assert found is not None
    truth = exact(values, share)
    if truth == 0.0005:  # the bound of the lowest bucket, in which the error is absolute
        assert abs(found - truth) <= 0.0005
    else:
        assert truth / 1.21 - 1e-9 <= found <= truth * 1.21 + 1e-9


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ((0, 0, 0), 0.5, None),
        ((10, 0, 0), 0.5, 0.5),
        ((0, 10, 0), 0.5, 1.5),
        ((0, 0, 3), 0.99, 2.0),
        ((1, 0, 1), 0.5, 1.0),
    ],
)
def test_by_hand(counts: tuple[int, ...], share: float, expected: float | None) -> None:
    assert quantile((1.0, 2.0), counts, share) == expected
