"""The pace of long work, and how long a stage is believed."""

from __future__ import annotations

import pytest

from colloquy.evolution.migration import Pace, Stage
from colloquy.evolution.migration.dual import StageCache
from colloquy.model.errors import StoreUnavailable


class Clock:
    """Time that passes when somebody sleeps."""

    now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds


async def test_a_rate_holds_over_the_whole_run() -> None:
    clock = Clock()
    pace = Pace(50.0, monotonic=clock, sleep=clock.sleep)
    for _ in range(10):
        await pace.keep(20)
    assert clock.now == pytest.approx(104.0)
    clock.now += 2.0  # what was lost elsewhere is caught up
    await pace.keep(100)
    assert clock.now == pytest.approx(106.0)


async def test_without_a_rate_nobody_waits() -> None:
    clock = Clock()
    await Pace(monotonic=clock, sleep=clock.sleep).keep(10**9)
    assert clock.now == 100.0


async def test_standing_tells_what_is_left() -> None:
    clock = Clock()
    pace = Pace(monotonic=clock, sleep=clock.sleep)
    assert pace.standing(0, 100).eta_s is None
    await pace.keep(20)
    clock.now += 4.0
    standing = pace.standing(40, 100)  # 20 of them before this run
    assert (standing.per_s, standing.eta_s) == (5.0, 12.0)
    assert pace.standing(120, 100).eta_s == 0.0


async def test_a_stage_is_asked_again_after_its_time_and_outlives_an_outage() -> None:
    clock, asked = Clock(), 0
    answer: Stage | StoreUnavailable = Stage.SHADOW

    async def ask() -> Stage:
        nonlocal asked
        asked += 1
        if isinstance(answer, StoreUnavailable):
            raise answer
        return answer

    cache = StageCache(ask, 0.5, clock)
    assert await cache.now() is Stage.SHADOW
    answer = Stage.DUAL_V1
    assert await cache.now() is Stage.SHADOW
    clock.now += 0.5
    assert await cache.now() is Stage.DUAL_V1
    answer = StoreUnavailable("away")
    clock.now += 0.5
    assert await cache.now() is Stage.DUAL_V1
    assert asked == 3
    with pytest.raises(StoreUnavailable):
        await StageCache(ask, 0.5, clock).now()
