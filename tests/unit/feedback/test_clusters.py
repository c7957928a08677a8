"""Cases in clusters: what they are worth."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.feedback.clusters import Clusters


def clusters(*pairs: tuple[int, int]) -> Clusters:
    found = Clusters()
    for good, n in pairs:
        found.add(good, n)
    return found


def test_single_cases_are_worth_themselves() -> None:
    found = clusters(*[(1, 1)] * 30, *[(0, 1)] * 10)
    # m / (m - 1) is what an estimated variance has over a known one.
    assert found.design_effect == pytest.approx(40 / 39)
    assert found.worth.n == pytest.approx(39)


def test_cases_that_repeat_each_other_are_worth_one() -> None:
    found = clusters(*[(5, 5)] * 20, *[(0, 5)] * 20)
    assert found.design_effect == pytest.approx(5 * 40 / 39)
    assert found.worth.n == pytest.approx(39)
    assert found.worth.good == pytest.approx(19.5)


def test_without_any_difference_each_cluster_counts_as_alike_within() -> None:
    assert clusters((3, 3), (3, 3)).worth == (2, 2)
    assert clusters((2, 4)).worth == (0.5, 1)


@given(
    st.lists(
        st.integers(1, 9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), min_size=1
    )
)
def test_the_effect_is_that_of_the_formula(pairs: list[tuple[int, int]]) -> None:
    found = clusters(*pairs)
    n, m = sum(size for _, size in pairs), len(pairs)
    share = sum(good for good, _ in pairs) / n
    assert 0 < found.worth.n <= n
    assert found.worth.good / found.worth.n == pytest.approx(share)
    if m > 1 and 0 < share < 1:
        spread = sum((good - size * share) ** 2 for good, size in pairs)
        effect = m / (m - 1) * spread / n**2 / (share * (1 - share) / n)
        assert found.design_effect == pytest.approx(max(1.0, effect))
