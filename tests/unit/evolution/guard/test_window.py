"""Windows against counting by hand, and what they say once they were stored."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.evolution.guard.tally import BINS, KeptTally, Tally
from colloquy.evolution.guard.window import RECENT, KeptWindow, Outcomes, Window

SPAN_S = 300.0
OUTCOMES = st.lists(
    st.tuples(st.floats(0, 700), st.booleans(), st.floats(0, 2000)), min_size=1, max_size=60
)


def one(ok: bool, seconds: float) -> Outcomes:
    found = Outcomes()
    found.note([ok], [seconds], 10.0)
    return found


def tally_of(times: list[float]) -> Tally:
    found = Outcomes()
    found.note([True] * len(times), times, 10.0)
    return found.tally


@settings(max_examples=50, deadline=None)
@given(OUTCOMES)
def test_a_window_is_what_counting_by_hand_finds(outcomes: list[tuple[float, bool, float]]):
    window, kept = Window(SPAN_S), []
    for at, ok, seconds in sorted(outcomes):
        window.add(at, one(ok, seconds))
        kept.append((int(at // 30), ok, seconds))
    newest = max(outcomes)[0]
    live = [row for row in kept if row[0] > int(newest // 30) - 10]
    found = window.figures(newest)
    assert (found.count, found.failed) == (len(live), sum(not row[1] for row in live))
    assert found.mean_s == pytest.approx(sum(row[2] for row in live) / len(live), abs=1e-9)
    assert window.recent == (
        len(kept), sum(not row[1] for row in kept), sum(row[2] > 10 for row in kept)
    )  # fmt: skip
    exact = sorted(row[2] for row in live)[-(-95 * len(live) // 100) - 1]
    if exact > 0.001:
        assert found.p95_s == pytest.approx(exact, rel=0.05)
    again = Window(SPAN_S)
    again.take_up(msgspec.json.decode(msgspec.json.encode(window.kept()), type=KeptWindow))
    assert again.figures(newest) == found
    assert again.recent == window.recent
    assert again.all.figures() == window.all.figures()


@settings(max_examples=200)
@given(
    st.lists(st.floats(0.002, 2000), min_size=1, max_size=40),
    st.floats(0.01, 0.04),
    st.integers(1, 400),
)
def test_a_mean_above_a_quantile_is_no_matter_of_bins(
    times: list[float], narrow: float, count: int
):
    """Both where the times are anywhere, and where all are in a bin or two."""
    for taken in (times, [1.0 + narrow * (number % 7) / 7 for number in range(count)]):
        tally = tally_of(taken)
        found = tally.figures()
        assert found.mean_s is not None and found.p95_s is not None and found.p99_s is not None
        exact = sorted(taken)[-(-95 * len(taken) // 100) - 1]
        assert found.p95_s <= found.p99_s <= max(taken)
        if found.mean_s > found.p95_s:
            assert found.mean_s > exact
        assert tally_of([times[0]] * count).figures().p95_s == pytest.approx(times[0], rel=1e-9)


def test_the_newest_are_bounded_and_in_order():
    window = Window(SPAN_S)
    many = Outcomes()
    many.note([False] * 150 + [True] * 250, [20.0] * 390 + [0.1] * 10, 10.0)
    window.add(0.0, many)
    assert window.recent == (RECENT, 0, 190)
    window.add(1.0, one(False, 0.1))
    assert window.recent == (RECENT, 1, 189)


def test_a_clock_that_goes_back_adds_to_the_newest():
    window = Window(SPAN_S)
    window.add(1000.0, one(True, 0.1))
    window.add(10.0, one(False, 0.1))
    assert window.figures(1000.0).count == 2
    assert window.figures(1000.0 + SPAN_S + 30).count == 0
    assert window.figures(1000.0 + SPAN_S + 30, minimum=1).count == 2


def test_what_is_stored_is_small_however_much_came_in():
    rng = np.random.default_rng(1)
    window = Window(SPAN_S)
    for second in range(0, 400, 5):
        outcomes = Outcomes()
        outcomes.note([True] * 3000, rng.lognormal(-1.5, 0.6, 3000).tolist(), 10.0)
        window.add(float(second), outcomes)
    assert len(msgspec.json.encode(window.kept())) < 16_000


def test_bins_of_another_version_are_refused():
    with pytest.raises(ValueError, match="another version"):
        Tally.of(KeptTally(1, 0, 0, 1.0, 1.0, [BINS, 1]))
