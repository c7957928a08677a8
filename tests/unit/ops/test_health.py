"""The score, its words, and that it does not flap."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.ops import HealthScore, Signal, Status, linear
from colloquy.settings import HealthSettings


def statuses(*scores: float) -> list[str]:
    health = HealthScore()
    return [
        health.update([Signal("x", score / 100, 100)], now_us=at).status.value
        for at, score in enumerate(scores)
    ]


def test_without_signals_all_is_well():
    health = HealthScore().update([], now_us=5)
    assert (health.status, health.score, health.http_status) == (Status.HEALTHY, 100.0, 200)
    assert (health.since_us, health.at_us) == (5, 5)


@pytest.mark.parametrize(
    ("score", "status", "http"),
    [
        (100, "healthy", 200),
        (75, "healthy", 200),
        (74.9, "warning", 200),
        (60, "warning", 200),
        (59.9, "critical", 503),
        (0.1, "critical", 503),
        (0, "down", 503),
    ],
)
def test_getting_worse_shows_at_once(score, status, http):
    health = HealthScore().update([Signal("x", score / 100, 100)], now_us=0)
    assert (health.status.value, health.http_status) == (status, http)


def test_getting_better_needs_a_margin():
    assert statuses(74, 75, 79.9, 80) == ["warning", "warning", "warning", "healthy"]
    assert statuses(59, 60, 64.9, 65, 79, 80) == [
        *("critical", "critical", "critical"),
        *("warning", "warning", "healthy"),
    ]
    assert statuses(0, 1, 64, 100) == ["down", "critical", "critical", "healthy"]
    assert statuses(100, 77, 74, 77, 81, 77) == [
        *("healthy", "healthy", "warning", "warning", "healthy", "healthy"),
    ]


def test_a_score_that_hovers_around_a_bound_does_not_flap():
    assert set(statuses(59, *[60, 59.9] * 20)) == {"critical"}
    assert set(statuses(74, *[75, 74.9] * 20)) == {"warning"}


def test_losses_add_up_and_are_named_dearest_first():
    health = HealthScore().update(
        [
            Signal("lag", 0.5, 20, "120 ms"),
            Signal("fine", 1.0, 100),
            Signal("store", 0.0, 30, "locked"),
        ],
        now_us=0,
    )
    assert health.score == 60.0
    assert [signal.name for signal in health.causes] == ["store", "lag"]


def test_a_dead_signal_cannot_hide_among_good_ones():
    good = [Signal(f"good-{number}", 1.0, 100) for number in range(50)]
    health = HealthScore().update([*good, Signal("store", 0.0, 100)], now_us=0)
    assert health.status is Status.DOWN


def test_values_out_of_range_are_bounded_and_unknown_is_the_worst():
    assert Signal("x", 7, 10).loss == 0
    assert Signal("x", -7, 10).loss == 10
    assert Signal("x", math.nan, 10).loss == 10


def test_since_is_when_the_status_began():
    health = HealthScore()
    bad, good = [Signal("x", 0.5, 100)], [Signal("x", 1, 100)]
    looks = [health.update(signals, at) for at, signals in enumerate([good, bad, bad, good], 10)]
    assert [look.since_us for look in looks] == [10, 11, 11, 13]


def test_other_bounds():
    score = HealthScore(HealthSettings(critical=10, warning=20, recover=40))
    seen = [score.update([Signal("x", value, 100)], 0).status.value for value in (0.2, 0.19, 0.39)]
    assert seen == ["healthy", "warning", "warning"]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_whatever_came_before_the_ends_are_certain(values):
    health = HealthScore()
    for value in values:
        look = health.update([Signal("x", value, 100)], 0)
        if look.score >= 80:
            assert look.status is Status.HEALTHY
        elif look.score < 60:
            assert look.http_status == 503
        assert (look.score == 0) == (look.status is Status.DOWN)


def test_linear():
    assert [linear(x, good=10, bad=20) for x in (5, 10, 15, 20, 99)] == [1, 1, 0.5, 0, 0]
    assert [linear(x, good=20, bad=10) for x in (25, 20, 15, 10, 1)] == [1, 1, 0.5, 0, 0]
    with pytest.raises(ValueError, match="differ"):
        linear(1, 2, 2)
