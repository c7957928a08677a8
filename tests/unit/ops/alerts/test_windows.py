"""Figures over a window: against what a plain list of all that happened says."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from colloquy.ops.alerts import Growth, Outcomes
from colloquy.ops.alerts.windows import FEWEST

S = 1_000_000
WINDOW_S = 120.0
"""A sample, or bucket, is then a second."""


def test_growth_is_of_the_window_alone() -> None:
    growth = Growth(60)
    assert growth.add(1000, 0) is None, "one look shows no growth"
    assert growth.add(1005, 30 * S) == 5
    assert growth.add(1005, 60 * S) == 5
    assert growth.add(1007, 90 * S) == 2
    assert growth.add(1007, 150 * S) == 0


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(0, 9)), min_size=2, max_size=60))
def test_growth_is_what_was_added_since_the_last_look_before_the_window(
    steps: list[tuple[int, int]],
) -> None:
    growth, now, total = Growth(WINDOW_S), 0, 0
    looks: list[tuple[int, int]] = []
    for seconds, more in steps:
        now, total = now + seconds * S, total + more
        looks.append((now, total))
        found = growth.add(total, now)
        before = [old for at, old in looks if at <= now - WINDOW_S * S]
        base = before[-1] if before else looks[0][1]
        assert found == (None if len(looks) == 1 else total - base)


def test_growth_keeps_few_samples_however_often_it_looks() -> None:
    growth = Growth(60)
    for millisecond in range(100_000):
        growth.add(millisecond, millisecond * 1000)
    assert len(growth._samples) <= 122
    assert abs((growth.add(100_000, 100 * S) or 0) - 60_000) <= 500


def test_outcomes_are_no_data_before_the_first() -> None:
    outcomes = Outcomes(WINDOW_S)
    assert outcomes.failed_percent(0) is None
    assert outcomes.mean_s(0) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 30), st.booleans(), st.none() | st.integers(0, 9)),
        min_size=1,
        max_size=60,
    )
)
def test_outcomes_are_those_of_the_window(steps: list[tuple[int, bool, int | None]]) -> None:
    outcomes, now = Outcomes(WINDOW_S), 0
    happened: list[tuple[int, bool, int | None]] = []
    for seconds, failed, took in steps:
        now += seconds * S
        outcomes.add(now, failed=failed, seconds=took)
        happened.append((now, failed, took))
        lately = [one for one in happened if one[0] > now - WINDOW_S * S]
        times = [took for _, _, took in lately if took is not None]
        failed = 100 * sum(one[1] for one in lately) / len(lately)
        assert outcomes.failed_percent(now) == (failed if len(lately) >= FEWEST else 0)
        assert outcomes.mean_s(now) == (sum(times) / len(times) if times else 0)
    later = now + int(WINDOW_S) * S
    assert (outcomes.failed_percent(later), outcomes.mean_s(later)) == (0, 0)
