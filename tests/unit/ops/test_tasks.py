"""Supervised tasks: restarts, pauses, visibility, and an orderly stop."""

import asyncio

import pytest

from colloquy.ops import Supervisor
from colloquy.ops.tasks import FAILING, LONGEST_PAUSE_S, SETTLED_S, TaskStatus, _pause_s


class Time:
    """A clock that moves only when somebody sleeps; remembers every pause."""

    def __init__(self) -> None:
        self.now = 0
        self.pauses: list[float] = []

    def clock(self) -> int:
        return self.now

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += int(seconds * 1e6)
        await asyncio.sleep(0)


def supervisor_on(time: Time) -> Supervisor:
    return Supervisor(clock=time.clock, pause=time.pause)


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_task_that_fails_is_started_again_and_counted():
    time, reached = Time(), asyncio.Event()
    supervisor = supervisor_on(time)
    runs = 0

    async def shaky():
        nonlocal runs
        runs += 1
        if runs < 4:
            raise OSError("gone")
        reached.set()
        await forever()

    supervisor.start("shaky", shaky)
    await asyncio.wait_for(reached.wait(), 5)
    (state,) = supervisor.states()
    assert (state.status, state.crashes, state.in_a_row) == (TaskStatus.RUNNING, 3, 3)
    assert state.last_error == "OSError: gone"
    assert time.pauses == [0.1, 0.2, 0.4]
    assert await supervisor.stop(1) == []


def test_pauses_grow_to_a_bound_and_never_overflow():
    assert _pause_s(1) == 0.1
    assert _pause_s(7) == 6.4
    assert _pause_s(8) == _pause_s(100_000) == LONGEST_PAUSE_S


async def test_failing_costs_points_until_the_task_has_settled():
    time, reached = Time(), asyncio.Event()
    supervisor = supervisor_on(time)
    runs = 0

    async def shaky():
        nonlocal runs
        runs += 1
        if runs <= FAILING:
            raise OSError
        reached.set()
        await forever()

    assert supervisor.signal().loss == 0
    supervisor.start("good", forever)
    supervisor.start("shaky", shaky)
    await asyncio.wait_for(reached.wait(), 5)
    signal = supervisor.signal()
    assert (signal.value, signal.detail) == (0.0, "shaky")
    time.now += int(SETTLED_S * 1e6)
    assert supervisor.signal().value == 1.0
    assert [state.crashes for state in supervisor.states()] == [0, FAILING]
    await supervisor.stop(1)


async def test_ending_unasked_is_a_failure_unless_it_runs_once():
    time, twice = Time(), asyncio.Event()
    supervisor = supervisor_on(time)
    runs = 0

    async def ends():
        nonlocal runs
        runs += 1
        if runs == 2:
            twice.set()
            await forever()

    async def job():
        await asyncio.sleep(0)

    supervisor.start("job", job, once=True)
    supervisor.start("loop", ends)
    await asyncio.wait_for(twice.wait(), 5)
    job_state, loop_state = supervisor.states()
    assert (job_state.status, job_state.crashes) == (TaskStatus.FINISHED, 0)
    assert (loop_state.crashes, loop_state.last_error) == (1, "ended unasked")
    await supervisor.stop(1)


async def test_a_cancellation_from_inside_is_a_failure_not_an_end():
    time, again = Time(), asyncio.Event()
    supervisor = supervisor_on(time)
    runs = 0

    async def waits_for_something_cancelled():
        nonlocal runs
        runs += 1
        if runs == 2:
            again.set()
            await forever()
        inner = asyncio.ensure_future(forever())
        inner.cancel()
        await inner

    supervisor.start("x", waits_for_something_cancelled)
    await asyncio.wait_for(again.wait(), 5)
    assert supervisor.states()[0].crashes == 1
    await supervisor.stop(1)


async def test_stopping_goes_backwards_and_lets_tasks_finish():
    supervisor, ended = Supervisor(), []

    def drained(name):
        asked, started = asyncio.Event(), asyncio.Event()

        async def run():
            started.set()
            await asked.wait()
            await asyncio.sleep(0)
            ended.append(name)

        supervisor.start(name, run, ask_to_end=asked.set)
        return started.wait()

    for name in ("first", "second", "third"):
        await drained(name)
    assert await supervisor.stop(5) == []
    assert ended == ["third", "second", "first"]
    assert {state.status for state in supervisor.states()} == {TaskStatus.FINISHED}
    assert {state.crashes for state in supervisor.states()} == {0}
    with pytest.raises(RuntimeError, match="stopping"):
        supervisor.start("late", forever)


async def test_a_task_that_does_not_end_when_asked_is_cancelled():
    supervisor = Supervisor()
    supervisor.start("deaf", forever, ask_to_end=lambda: None)
    await asyncio.sleep(0)
    assert await supervisor.stop(0.01) == []
    assert supervisor.states()[0].status is TaskStatus.STOPPED


async def test_a_failure_while_stopping_is_not_started_again():
    supervisor, asked, started = Supervisor(), asyncio.Event(), asyncio.Event()

    async def breaks():
        started.set()
        await asked.wait()
        raise OSError("late")

    supervisor.start("x", breaks, ask_to_end=asked.set)
    await started.wait()
    assert await supervisor.stop(5) == []
    (state,) = supervisor.states()
    assert (state.status, state.crashes) == (TaskStatus.STOPPED, 1)


async def test_a_paused_task_is_stopped_without_waiting():
    held = asyncio.Event()

    async def pause(_seconds):
        held.set()
        await forever()

    async def fails():
        raise OSError

    supervisor = Supervisor(pause=pause)
    supervisor.start("x", fails, ask_to_end=lambda: None)
    await held.wait()
    assert supervisor.states()[0].status is TaskStatus.PAUSED
    assert await supervisor.stop(1000) == []


async def test_a_task_that_will_not_stop_is_named(monkeypatch):
    monkeypatch.setattr("colloquy.ops.tasks.CANCEL_S", 0.01)
    supervisor, release, started = Supervisor(), asyncio.Event(), asyncio.Event()

    async def stubborn():
        started.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    supervisor.start("stubborn", stubborn)
    await started.wait()
    assert await supervisor.stop(0) == ["stubborn"]
    assert supervisor.states()[0].status is TaskStatus.STUCK
    release.set()


async def test_names_are_unique():
    supervisor = Supervisor()
    supervisor.start("x", forever)
    with pytest.raises(ValueError, match="already"):
        supervisor.start("x", forever)
    await supervisor.stop(0)
