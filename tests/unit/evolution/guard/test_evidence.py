"""Evidence: exact where it can be counted, by simulation where it cannot."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from colloquy.evolution.guard.evidence import Exceeds, Slower, Worse
from colloquy.evolution.guard.limits import Limits
from colloquy.evolution.guard.release import Fresh, Release
from colloquy.evolution.guard.tally import Bins
from colloquy.evolution.guard.window import Outcomes

rates = st.floats(0.0, 1.0, allow_nan=False)


def chance(count: int, failed: int, rate: float) -> float:
    """Of so many failures."""
    return comb(count, failed) * rate**failed * (1 - rate) ** (count - failed)


@given(rate=rates, bound=st.floats(0.01, 0.5), count=st.integers(1, 12))
def test_a_rate_within_the_bound_is_expected_to_give_no_evidence(
    rate: float, bound: float, count: int
) -> None:
    rate *= bound
    expected = 0.0
    for failed in range(count + 1):
        bet = Exceeds(bound)
        bet.add(count, failed)
        expected += chance(count, failed, rate) * bet.value
    assert expected <= 1 + 1e-9


@settings(max_examples=60)
@given(one=rates, other=rates, old=st.integers(1, 8), new=st.integers(1, 8))
def test_a_feature_that_is_not_worse_is_expected_to_give_no_evidence(
    one: float, other: float, old: int, new: int
) -> None:
    base, rate = max(one, other), min(one, other)
    expected = 0.0
    for old_failed in range(old + 1):
        for new_failed in range(new + 1):
            bet = Worse()
            bet.add(old, old_failed, new, new_failed)
            likely = chance(old, old_failed, base) * chance(new, new_failed, rate)
            expected += likely * bet.value
    assert expected <= 1 + 1e-9


@pytest.mark.parametrize("rate", [0.001, 0.05, 0.4])
def test_looked_at_for_ever_it_is_rarely_wrong(rate: float) -> None:
    """150 roll-outs of 2,000 turns with the feature, looked at after every 10."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(150):
        bet = Worse()
        for old, new in zip(
            rng.binomial(15, rate, 200).tolist(), rng.binomial(10, rate, 200).tolist(), strict=True
        ):
            bet.add(15, old, 10, new)
            if bet.value >= 20:
                alarms += 1
                break
    # At most 1 in 20 of them, for ever; 16 is three deviations above 7.5.
    assert alarms <= 16


@pytest.mark.parametrize("rate", [0.01, 0.05])
def test_a_rate_within_its_bound_is_rarely_called_too_high(rate: float) -> None:
    rng = np.random.default_rng(13)
    alarms = 0
    for _ in range(150):
        bet = Exceeds(0.05)
        for failed in rng.binomial(10, rate, 300).tolist():
            bet.add(10, failed)
            if bet.value >= 20:
                alarms += 1
                break
    assert alarms <= 16


def test_an_outage_of_both_arms_is_no_evidence_against_one() -> None:
    rng = np.random.default_rng(3)
    rates = np.array([0.5 if 80 < look < 120 else 0.01 for look in range(200)])
    alarms = 0
    for _ in range(100):
        bet = Worse()
        counts = zip(
            rng.binomial(30, rates).tolist(), rng.binomial(10, rates).tolist(), strict=True
        )
        for old, new in counts:
            bet.add(30, old, 10, new)
            if bet.value >= 20:
                alarms += 1
                break
    assert alarms <= 11


@pytest.mark.parametrize(
    ("share", "good", "most"),
    [(0.05, 0, 120), (0.05, 1000, 150), (0.25, 0, 180), (0.75, 0, 230), (1.0, 0, 260)],
)
def test_one_in_five_against_one_in_a_hundred_is_seen_within(
    share: float, good: int, most: int
) -> None:
    """Turns with the feature until there is evidence of 1,000, in all but 2 of 40 roll-outs;
    `good`: so many went well before it began to fail."""
    rng = np.random.default_rng(11)
    late = 0
    for _ in range(40):
        worse, above = Worse(), Exceeds(0.05)
        served = 0
        while served <= good or max(worse.value, above.value) < 1000:
            new = int(rng.binomial(20, share))
            failed = int(rng.binomial(new, 0.2 if served >= good else 0.01))
            served += new
            worse.add(20 - new, int(rng.binomial(20 - new, 0.01)), new, failed)
            above.add(new, failed)
        late += served - good > most
    assert late <= 2


def test_one_arm_alone_and_nothing_at_all_say_nothing() -> None:
    bet = Worse()
    bet.add(0, 0, 50, 50)
    bet.add(50, 0, 0, 0)
    assert bet.value == 1.0
    above = Exceeds(0.05)
    above.add(0, 0)
    assert above.value == 1.0


def test_overwhelming_evidence_stays_a_number() -> None:
    bet, above = Worse(), Exceeds(0.05)
    for _ in range(20):
        bet.add(10**6, 0, 10**6, 10**6)
        above.add(10**6, 10**6)
    assert 1e6 < bet.value < float("inf")
    assert 1e6 < above.value < float("inf")
    for _ in range(20):
        bet.add(10**6, 10**6, 10**6, 0)
    assert 0 < bet.value < 1


def bins(*times: float) -> Bins:
    outcomes = Outcomes()
    outcomes.note([True] * len(times), times, 10.0)
    return outcomes.tally.bins


@settings(max_examples=40, deadline=None)
@given(
    weights=st.lists(st.integers(1, 5), min_size=2, max_size=3),
    old=st.integers(1, 4),
    new=st.integers(1, 4),
)
def test_times_that_are_just_twice_as_long_are_expected_to_give_no_evidence(
    weights: list[int], old: int, new: int
) -> None:
    """Exactly, over all outcomes of both arms; and times that are the same give less."""
    times = [0.1, 0.3, 5.0][: len(weights)]
    shares = [one / sum(weights) for one in weights]
    twice = expected = 0.0
    for one, likely in _drawn(times, shares, old):
        for other, as_likely in _drawn(times, shares, new):
            bet, same = Slower(), Slower()
            bet.add(bins(*one), bins(*(2 * time for time in other)))
            same.add(bins(*one), bins(*other))
            twice += likely * as_likely * bet.value
            expected += likely * as_likely * same.value
    assert expected <= twice + 1e-9 and twice <= 1 + 1e-9


def _drawn(
    times: list[float], shares: list[float], count: int
) -> list[tuple[tuple[float, ...], float]]:
    """Every outcome of so many draws, with its chance."""
    found: list[tuple[tuple[float, ...], float]] = [((), 1.0)]
    for _ in range(count):
        found = [
            ((*drawn, time), likely * share)
            for drawn, likely in found
            for time, share in zip(times, shares, strict=True)
        ]
    return found


def normal(rng: np.random.Generator, count: int) -> list[float]:
    return np.clip(rng.normal(0.3, 0.05, count), 0.01, None).tolist()


def long_tail(rng: np.random.Generator, count: int) -> list[float]:
    """Of the kind whose mean does not exist: single turns decide every average."""
    return (0.1 * (1 + rng.pareto(1.0, count))).tolist()


def two_humps(rng: np.random.Generator, count: int) -> list[float]:
    return np.where(rng.random(count) < 0.93, 0.05, 8.0).tolist()


def until_slower(
    rng: np.random.Generator, draw: object, times: float, looks: int, evidence: float
) -> int | None:
    """The look at which there is that much evidence, of 10 turns with and 20 without each."""
    release = Release(Limits())
    for look in range(looks):
        fresh = Fresh()
        on = [times * one for one in draw(rng, 10)]  # type: ignore[operator]
        fresh.on.note([True] * 10, on, 10.0)
        fresh.off.note([True] * 20, draw(rng, 20), 10.0)  # type: ignore[operator]
        release.take(float(look), fresh)
        if release.slower_value >= evidence:
            return look
    return None


@pytest.mark.parametrize("draw", [normal, long_tail, two_humps])
@pytest.mark.parametrize("times", [1.0, 2.0])
def test_times_within_twice_the_others_rarely_alarm(draw: object, times: float) -> None:
    """100 roll-outs of 1,000 turns with the feature, looked at after every 10."""
    rng = np.random.default_rng(29)
    found = [until_slower(rng, draw, times, 100, 20.0) for _ in range(100)]
    # At most 1 in 20 of them, for ever; 12 is three deviations above 5.
    assert sum(look is not None for look in found) <= 12


@pytest.mark.parametrize("draw", [normal, long_tail, two_humps])
def test_three_times_as_long_is_found(draw: object) -> None:
    rng = np.random.default_rng(31)
    assert all(until_slower(rng, draw, 3.0, 60, 1000.0) is not None for _ in range(10))


def test_only_the_long_turns_being_longer_is_found() -> None:
    """The middle of the times is what it was: 1 turn in 5 takes ten times as long."""

    def stalls(rng: np.random.Generator, count: int) -> list[float]:
        times = np.array(normal(rng, count))
        return np.where(rng.random(count) < 0.2, 10 * times, times).tolist()

    rng = np.random.default_rng(37)
    release = Release(Limits())
    for look in range(200):
        fresh = Fresh()
        fresh.on.note([True] * 10, stalls(rng, 10), 10.0)
        fresh.off.note([True] * 20, normal(rng, 20), 10.0)
        release.take(float(look), fresh)
    assert release.slower.value < 1
    assert release.slower_value >= 1000


def test_one_turn_that_takes_for_ever_is_no_evidence() -> None:
    release = Release(Limits())
    fresh = Fresh()
    fresh.on.note([True] * 100, [0.1] * 99 + [1e9], 10.0)
    fresh.off.note([True] * 100, [0.1] * 100, 10.0)
    release.take(0.0, fresh)
    assert release.slower_value < 1.1
