"""Rate limits on a clock that the test sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.api.limits import RateLimits, refusal
from colloquy.model.errors import RateLimited
from colloquy.settings import LimitSettings


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def limits(clock: Clock, most: int = 100, **settings: float) -> RateLimits:
    chosen = LimitSettings(**{"api_per_s": 2.0, "api_burst": 4, **settings})  # type: ignore[arg-type]
    return RateLimits(chosen, clock=clock, most=most)


def spend(some: RateLimits, subject: str, cost: int = 1) -> None:
    quota = some.take(subject, "api", cost)
    if quota is not None and quota.retry_after_s:
        raise refusal(quota)


def test_a_burst_then_the_rate() -> None:
    clock = Clock()
    some = limits(clock)
    for _ in range(4):
        spend(some, "a")
    with pytest.raises(RateLimited) as refused:
        spend(some, "a")
    assert refused.value.retry_after_s == pytest.approx(0.5, abs=0.002)
    spend(some, "b")  # somebody else is not concerned
    clock.now += 0.5
    spend(some, "a")
    with pytest.raises(RateLimited):
        spend(some, "a")
    clock.now += 100
    for _ in range(4):
        spend(some, "a")
    with pytest.raises(RateLimited):
        spend(some, "a")


def test_what_is_left_is_told() -> None:
    clock = Clock()
    some = limits(clock)
    quota = some.take("a", "api")
    assert quota is not None
    assert quota.policy.header == b'"api";q=4;w=2'
    assert quota.header == b'"api";r=3;t=1'
    quota = some.take("a", "api", 3)
    assert quota is not None and quota.remaining == 0 and quota.reset_s == pytest.approx(2.0)
    quota = some.take("a", "api", 2)
    assert quota is not None and quota.retry_after_s == pytest.approx(1.0)


def test_a_cost_above_the_burst_passes_when_nothing_was_used() -> None:
    clock = Clock()
    some = limits(clock)
    spend(some, "a", 1000)
    with pytest.raises(RateLimited):
        spend(some, "a")


def test_no_rate_is_no_limit() -> None:
    some = limits(Clock(), api_per_s=0.0)
    assert all(some.take("a", "api") is None for _ in range(1000))


def test_memory_is_bounded_and_the_least_recent_is_forgotten() -> None:
    clock = Clock()
    some = limits(clock, most=2)
    spend(some, "a", 4)
    spend(some, "b", 4)
    with pytest.raises(RateLimited):
        spend(some, "a")  # refused, but heard of: now `b` was silent for longest
    spend(some, "c")
    spend(some, "b")
    with pytest.raises(RateLimited):
        spend(some, "c", 4)


@given(st.lists(st.tuples(st.floats(0, 3), st.integers(1, 6)), max_size=60))
def test_never_more_than_burst_and_rate(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    some = limits(clock)
    passed = []
    for pause, cost in steps:
        clock.now += pause
        quota = some.take("a", "api", cost)
        assert quota is not None and 0 <= quota.remaining <= 4
        if not quota.retry_after_s:
            passed.append((clock.now, min(cost, 4)))
    for start, (begin, _) in enumerate(passed):
        for end in range(start, len(passed)):
            spent = sum(cost for _, cost in passed[start : end + 1])
            assert spent <= 4 + 2.0 * (passed[end][0] - begin) + 1e-3
