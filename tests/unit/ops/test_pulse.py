"""The pulse: lag is what was slept beyond the interval, and every beat is passed on."""

import asyncio

import pytest

from colloquy.ops import Pulse


async def run_with(lags: list[float], interval_s: float = 0.5) -> tuple[Pulse, int]:
    now, beats, left = 0.0, 0, list(lags)

    async def pause(seconds: float) -> None:
        nonlocal now
        if not left:
            raise asyncio.CancelledError
        now += seconds + left.pop(0)

    def beat() -> None:
        nonlocal beats
        beats += 1

    pulse = Pulse(interval_s, beat=beat, clock=lambda: now, pause=pause)
    with pytest.raises(asyncio.CancelledError):
        await pulse.run()
    return pulse, beats


async def test_the_largest_lag_lately():
    assert Pulse().lag_s == 0.0
    pulse, beats = await run_with([0.0, 0.3, 0.1])
    assert pulse.lag_s == pytest.approx(0.3)
    assert beats == 3


async def test_an_old_lag_is_forgotten():
    pulse, _ = await run_with([5.0] + [0.1] * Pulse.WINDOW)
    assert pulse.lag_s == pytest.approx(0.1)


async def test_waking_early_is_no_lag():
    pulse, _ = await run_with([-0.01])
    assert pulse.lag_s == 0.0
