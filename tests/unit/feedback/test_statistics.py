"""Tests against probabilities that SciPy 1.17 and hand-made enumeration give."""

from __future__ import annotations

from itertools import product
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.feedback.statistics import (
    benjamini_hochberg,
    mann_kendall,
    mann_whitney,
    proportions,
    wilson,
)

counts = st.lists(st.integers(0, 30), min_size=5, max_size=5)


def test_a_short_series_is_tested_exactly() -> None:
    found = mann_kendall([1.2, 3, 2.5, 4, 4.1])  # scipy.stats.kendalltau, exact
    assert found is not None
    assert found == pytest.approx((0.8, 0.6875, 1 / 12))
    rising = mann_kendall([1, 2, 3, 4])
    assert rising is not None
    assert rising == pytest.approx((1.0, 1.0, 2 / 24))  # two of 24 orders


def test_a_long_series_is_corrected_for_ties_and_continuity() -> None:
    found = mann_kendall([3, 1, 4, 1, 5, 9, 2, 6, 5, 3])
    assert found is not None
    # S = 12, three pairs of ties: var = (10·9·25 - 3·2·1·9) / 18 = 122; z = 11 / √122.
    assert (found.tau, found.slope, found.p) == pytest.approx((12 / 45, 1 / 3, 0.3193020))


def test_a_series_that_does_not_move_has_no_trend() -> None:
    for length in (5, 12):
        found = mann_kendall([2.0] * length)
        assert found is not None
        assert (found.tau, found.slope, found.p) == (0, 0, 1)
    assert mann_kendall([1, 2, 3]) is None


def test_ranks_are_compared_with_their_ties() -> None:
    found = mann_whitney([2, 3, 4, 5, 6], [1, 2, 3, 8, 12])
    assert found is not None
    # scipy.stats.mannwhitneyu(method="asymptotic"): U = 325 of 520
    assert (found.effect, found.p) == pytest.approx((0.625, 0.13468379987))
    assert mann_whitney([7, 0], [0, 50]) is None


def test_large_shares_are_compared_by_z() -> None:
    found = proportions(20, 100, 45, 120)
    assert found is not None
    # scipy.stats.chi2_contingency(correction=False)
    assert found.test == "two-proportions"
    assert (found.effect, found.p) == pytest.approx((0.175, 0.004614076676))


def test_small_shares_are_compared_exactly() -> None:
    found = proportions(2, 10, 7, 9)
    assert found is not None
    assert found.test == "fisher"
    assert (found.effect, found.p) == pytest.approx((0.5777777778, 0.0230141376))
    assert proportions(0, 0, 1, 5) is None


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_fisher_is_the_sum_over_all_tables(n1: int, n2: int, data: st.DataObject) -> None:
    bad1, bad2 = data.draw(st.integers(0, n1)), data.draw(st.integers(0, n2))
    found = proportions(bad1, n1, bad2, n2)
    assert found is not None
    if found.test != "fisher":
        return
    bad = bad1 + bad2
    ways = comb(n1, bad1) * comb(n2, bad2)
    tables = [
        comb(n1, one) * comb(n2, other)
        for one, other in product(range(n1 + 1), range(n2 + 1))
        if one + other == bad
    ]
    assert found.p == pytest.approx(sum(t for t in tables if t <= ways) / sum(tables))


@given(counts, counts)
def test_ranks_give_a_probability_and_mirror(first: list[int], second: list[int]) -> None:
    there, back = mann_whitney(first, second), mann_whitney(second, first)
    if there is None or back is None:
        assert there is back
        return
    assert 0 <= there.p <= 1
    assert there.p == pytest.approx(back.p)
    assert there.effect + back.effect == pytest.approx(1)


@given(st.lists(st.integers(-5, 5), min_size=4, max_size=20))
def test_a_series_backwards_has_the_opposite_trend(values: list[int]) -> None:
    there, back = mann_kendall(values), mann_kendall(values[::-1])
    assert there is not None
    assert back is not None
    assert 0 <= there.p <= 1
    assert (there.tau, there.slope) == pytest.approx((-back.tau, -back.slope))
    assert there.p == pytest.approx(back.p)


def test_the_interval_of_a_share_is_wilsons() -> None:
    assert wilson(8, 10) == pytest.approx((0.4901624715, 0.9433178485))
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == pytest.approx(1)


def test_many_comparisons_are_corrected_for() -> None:
    found = benjamini_hochberg([0.01, 0.04, 0.03, 0.2])
    assert found == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.2])
    assert benjamini_hochberg([]) == []


@given(st.lists(st.floats(0, 1), max_size=30))
def test_a_correction_keeps_the_order_and_makes_nothing_surer(ps: list[float]) -> None:
    corrected = benjamini_hochberg(ps)
    assert all(p <= q <= 1 for p, q in zip(ps, corrected, strict=True))
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    assert [corrected[place] for place in order] == sorted(corrected)
