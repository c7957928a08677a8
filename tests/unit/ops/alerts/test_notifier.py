"""The notifier: repeats, bounds, and sinks that misbehave beside sinks that do not."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from colloquy.model.alerts import Severity
from colloquy.ops.alerts import Attempt
from colloquy.ops.alerts.notices import Notice
from colloquy.ops.alerts.notifier import Lane
from colloquy.settings import AlertSettings
from colloquy.telemetry import Metrics
from support.waiting import until

SETTINGS = AlertSettings(retry_delays_s=(1, 5, 30), timeout_s=0.05, queue_size=3)
BUSY = Attempt(False, "busy", again=True)
NO = Attempt(False, "no")


class Scripted:
    """A sink that does what its script says, then takes everything."""

    name = "scripted"
    secrets = ("s3cret",)

    def __init__(self, *script: Attempt | Exception | None) -> None:
        self.script = deque(script)
        self.got: list[str] = []
        self.is_closed = False

    async def send(self, notice: Notice) -> Attempt:
        self.got.append(notice.name)
        step = self.script.popleft() if self.script else Attempt(True)
        if step is None:
            await asyncio.Event().wait()
        if isinstance(step, Exception):
            raise step
        assert step is not None
        return step

    async def close(self) -> None:
        self.is_closed = True


class Bench:
    def __init__(self, *script: Attempt | Exception | None) -> None:
        self.sink = Scripted(*script)
        self.metrics = Metrics()
        self.pauses: list[float] = []
        self.lane = Lane(self.sink, SETTINGS, self.metrics, self._pause)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def offer(self, *names: str) -> None:
        for name in names:
            self.lane.offer(notice(name))

    def counts(self) -> dict[str, float]:
        outcomes = self.metrics.notifications.of("scripted").items()
        return {outcome: counter.value for outcome, counter in outcomes}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.lane.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])


def notice(name: str) -> Notice:
    return Notice("0" * 32, "event.x", name, Severity.INFO, "m", 0)


async def test_what_may_work_later_is_repeated_with_growing_pauses() -> None:
    bench = Bench(BUSY, BUSY)
    async with bench.running():
        bench.offer("a", "b")
        await until(lambda: bench.sink.got == ["a", "a", "a", "b"])
        await bench.lane.settle(5)
    assert bench.pauses == [1, 5]
    assert bench.counts() == {"delivered": 2, "retry": 2}
    assert bench.sink.is_closed


async def test_after_the_last_repeat_it_is_given_up_and_the_next_has_its_turn() -> None:
    bench = Bench(BUSY, BUSY, BUSY, BUSY)
    async with bench.running():
        bench.offer("a", "b")
        await until(lambda: bench.counts().get("delivered"))
    assert bench.sink.got == ["a"] * 4 + ["b"]
    assert bench.counts() == {"delivered": 1, "failed": 1, "retry": 3}


async def test_what_will_never_work_is_not_repeated() -> None:
    bench = Bench(NO, ValueError("a fault"))
    async with bench.running() as task:
        bench.offer("a", "b", "c")
        await until(lambda: bench.counts().get("delivered"))
        assert not task.done()
    assert bench.sink.got == ["a", "b", "c"]
    assert bench.counts() == {"delivered": 1, "failed": 2}
    assert bench.pauses == []


async def test_a_receiver_is_given_the_patience_that_it_asks_for_in_bounds() -> None:
    bench = Bench(BUSY._replace(retry_after_s=60.0), BUSY._replace(retry_after_s=86_400.0))
    async with bench.running():
        bench.offer("a")
        await until(lambda: bench.counts().get("delivered"))
    assert bench.pauses == [60, 300]


async def test_a_sink_that_hangs_is_cut_off_and_tried_again() -> None:
    bench = Bench(None)
    async with bench.running():
        bench.offer("a")
        await until(lambda: bench.counts().get("delivered"))
    assert bench.counts() == {"delivered": 1, "retry": 1}


async def test_a_full_queue_drops_what_comes_and_says_so() -> None:
    bench = Bench()
    bench.offer("a", "b", "c", "d", "e")
    assert bench.counts() == {"dropped": 2}
    async with bench.running():
        await bench.lane.settle(5)
    assert bench.sink.got == ["a", "b", "c"]


async def test_what_cannot_be_sent_in_time_is_dropped_at_the_end() -> None:
    bench = Bench()
    bench.offer("a", "b")
    await bench.lane.settle(0)
    assert bench.counts() == {"dropped": 2}
    assert bench.sink.is_closed


async def test_what_is_under_way_at_the_end_is_dropped_too() -> None:
    bench = Bench(None)
    async with bench.running():
        bench.offer("a")
        await until(lambda: bench.sink.got)
    assert bench.counts() == {"dropped": 1}


async def test_a_trial_says_what_came_back_without_secrets() -> None:
    bench = Bench(Attempt(False, "no such place: https://x/s3cret"), RuntimeError("s3cret"))
    for _ in range(2):
        trial = await bench.lane.try_once(notice("a"))
        assert (trial.sink, trial.outcome) == ("scripted", "failed")
        assert "s3cret" not in trial.detail
        assert "***" in trial.detail


def test_both_labels_are_shown() -> None:
    metrics: Any = Metrics()
    metrics.notifications.of("slack").of("failed").inc(2)
    shown = metrics.render().decode()
    assert 'colloquy_notifications_total{outcome="failed",sink="slack"} 2.0' in shown
