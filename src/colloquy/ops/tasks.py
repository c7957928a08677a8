"""Supervised background tasks: none dies unseen, none is left behind.

A task that raises, or that ends although nobody asked, is started again after a growing pause. A
task that keeps failing is shown in `/health` and costs points there.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct

from colloquy.model.times import Clock, now_us
from colloquy.telemetry import get_logger

from .health import Signal

_log = get_logger("ops.tasks")

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 10.0
SETTLED_S = 60.0
"""A task that ran this long has recovered: its failures in a row count from zero again."""
FAILING = 3
"""So many failures in a row are no accident any more."""
CANCEL_S = 1.0
"""Time for a cancelled task to tidy up."""
WEIGHT = 50.0
"""One task that keeps failing makes the health critical."""


class TaskStatus(enum.StrEnum):
    """What a task is doing now."""

    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    STUCK = "stuck"


class TaskState(Struct, frozen=True):
    """One task as `/health` shows it. `in_a_row` counts failures since it last settled."""

    name: str
    status: TaskStatus
    since_us: int
    crashes: int
    in_a_row: int
    last_error: str | None


class Supervisor:
    """Runs named tasks on one event loop.

        supervisor = Supervisor()
        supervisor.start("claims", claim_loop, ask_to_end=claims.close)
        ...
        await supervisor.stop(grace_s=20)

    `clock` and `pause` (sleeping) are for tests.
    """

    def __init__(
        self,
        *,
        clock: Clock = now_us,
        pause: Callable[[float], Awaitable[Any]] = asyncio.sleep,
    ) -> None:
        self._clock = clock
        self._pause = pause
        self._tasks: dict[str, _Supervised] = {}
        self._stopping = False

    def start(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        *,
        once: bool = False,
        ask_to_end: Callable[[], None] | None = None,
    ) -> None:
        """Start a task. Needs a running loop.

        `once` says that `run` may end by itself; otherwise an end counts as a failure. `ask_to_end`
        is called when stopping, so that the task can finish its work; without it, it is cancelled.
        Raises ValueError for a name that is taken, RuntimeError once stopping has begun.
        """
        if self._stopping:
            raise RuntimeError("the supervisor is stopping")
        if name in self._tasks:
            raise ValueError(f"there is already a task {name!r}")
        supervised = _Supervised(name, run, once, ask_to_end, self._clock())
        self._tasks[name] = supervised
        supervised.task = asyncio.create_task(self._keep_running(supervised), name=name)

    def states(self) -> list[TaskState]:
        """Every task, in the order of their start."""
        self._settle()
        return [task.state() for task in self._tasks.values()]

    def signal(self) -> Signal:
        """The tasks as a signal for the health score: the worst task decides."""
        self._settle()
        worst = max((task.in_a_row for task in self._tasks.values()), default=0)
        failing = [task.name for task in self._tasks.values() if task.in_a_row]
        return Signal("tasks", 1.0 - min(worst, FAILING) / FAILING, WEIGHT, ", ".join(failing))

    async def stop(self, grace_s: float) -> list[str]:
        """Stop all tasks, the last started first; returns the names of those that would not stop.

        Tasks that can be asked to end share `grace_s`; whatever runs after that is cancelled.
        """
        self._stopping = True
        loop = asyncio.get_running_loop()
        deadline = loop.time() + grace_s
        stuck = []
        for task in reversed(self._tasks.values()):
            if task.task is None or task.task.done():
                continue
            task.asked = True
            if task.ask_to_end is not None and task.status is TaskStatus.RUNNING:
                task.ask_to_end()
                await asyncio.wait([task.task], timeout=max(0.0, deadline - loop.time()))
            if not task.task.done():
                task.task.cancel()
                await asyncio.wait([task.task], timeout=CANCEL_S)
            if not task.task.done():
                task.change(TaskStatus.STUCK, self._clock())
                stuck.append(task.name)
        if stuck:
            _log.error("tasks would not stop", tasks=stuck)
        return stuck

    def _settle(self) -> None:
        now = self._clock()
        for task in self._tasks.values():
            task.settle(now)

    async def _keep_running(self, task: _Supervised) -> None:
        try:
            while True:
                task.change(TaskStatus.RUNNING, self._clock())
                error = await _outcome(task.run)
                if error is None and (task.once or task.asked):
                    task.change(TaskStatus.FINISHED, self._clock())
                    return
                task.settle(self._clock())
                task.failed(error)
                if task.asked:
                    task.change(TaskStatus.STOPPED, self._clock())
                    return
                task.change(TaskStatus.PAUSED, self._clock())
                pause_s = _pause_s(task.in_a_row)
                _log.error(
                    "task failed",
                    task=task.name,
                    error=task.last_error,
                    in_a_row=task.in_a_row,
                    pause_s=pause_s,
                    exc_info=error,
                )
                await self._pause(pause_s)
        except asyncio.CancelledError:
            task.change(TaskStatus.STOPPED, self._clock())
            raise


class _Supervised:
    """One task and its record."""

    def __init__(
        self,
        name: str,
        run: Callable[[], Awaitable[None]],
        once: bool,
        ask_to_end: Callable[[], None] | None,
        now: int,
    ) -> None:
        self.name = name
        self.run = run
        self.once = once
        self.ask_to_end = ask_to_end
        self.asked = False
        self.task: asyncio.Task[None] | None = None
        self.status = TaskStatus.RUNNING
        self.since_us = now
        self.crashes = 0
        self.in_a_row = 0
        self.last_error: str | None = None

    def change(self, status: TaskStatus, now: int) -> None:
        self.status = status
        self.since_us = now

    def settle(self, now: int) -> None:
        """Forget failures in a row once it has run long enough."""
        if self.status is TaskStatus.RUNNING and now - self.since_us >= SETTLED_S * 1e6:
            self.in_a_row = 0

    def failed(self, error: BaseException | None) -> None:
        self.crashes += 1
        self.in_a_row += 1
        self.last_error = "ended unasked" if error is None else f"{type(error).__name__}: {error}"

    def state(self) -> TaskState:
        return TaskState(
            self.name, self.status, self.since_us, self.crashes, self.in_a_row, self.last_error
        )


def _pause_s(in_a_row: int) -> float:
    """Doubles with each failure in a row, up to the longest."""
    doublings = min(in_a_row - 1, 16)  # far beyond the longest pause, far below overflow
    return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0**doublings)


async def _outcome(run: Callable[[], Awaitable[None]]) -> BaseException | None:
    """What a run raised, or None. Only a cancellation of this very task goes through."""
    try:
        await run()
    except asyncio.CancelledError as error:
        current = asyncio.current_task()
        if current is not None and current.cancelling():
            raise
        # Something that the task waited for was cancelled: for the task that is a failure.
        return error
    except Exception as error:
        return error
    return None
