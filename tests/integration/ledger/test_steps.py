"""Steps of users' own: newest first, once each, and nothing that they do harms the operation."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from colloquy.ledger.ledger import Ledger
from colloquy.ledger.points import NewPoint
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.rows import OperationRow
from colloquy.ledger.steps import INTERRUPTED, RollbackSteps, StepContext, context_of
from colloquy.model.errors import InvalidInput, StaleLease
from colloquy.storage.store import Store
from support.ledger import ledger_on


async def begun(ledger: Ledger) -> OperationRow:
    point = await ledger.create_point(NewPoint(name="p"), "ann")
    await ledger.put("notes", "a", 1, "ben")
    return await ledger.start(Request(point=point.id, reason="wrong"), "ann")


def steps_of(ledger: Ledger) -> RollbackSteps:
    return RollbackSteps(ledger.store, ledger.operations)


async def test_newest_first_up_to_the_first_failure(store: Store) -> None:
    ledger = ledger_on(store)
    steps = steps_of(ledger)
    ran: list[Any] = []

    async def later(context: StepContext) -> None:
        await asyncio.sleep(0)
        ran.append((context.actor, context.reason, context.target, context.head))

    def fails(context: StepContext) -> None:
        ran.append("fails")
        raise ValueError("no such service")

    steps.register("never reached", ran.append)
    steps.register("fails", fails)
    steps.register("in a thread", lambda context: ran.append(threading.current_thread().name))
    steps.register("asynchronous", later)
    operation = await begun(ledger)
    results = await steps.run_steps(operation, context_of(operation))
    assert [(one.name, one.ok, one.error) for one in results] == [
        ("asynchronous", True, ""),
        ("in a thread", True, ""),
        ("fails", False, "ValueError: no such service"),
    ]
    assert ran == [("ann", "wrong", 0, 1), "rollback-step", "fails"]
    assert all(one.seconds >= 0 for one in results)
    # Each was run: it is not run again, whoever asks.
    assert await steps_of(ledger).run_steps(operation, context_of(operation)) == []
    assert await steps.run_steps(operation, context_of(operation)) == results
    assert len(ran) == 3
    lines = [row.message for row in (await ledger.operations.log(operation, 0, 50)).rows]
    assert "step fails failed: ValueError: no such service" in lines


async def test_whatever_a_step_does_is_a_result(store: Store) -> None:
    ledger = ledger_on(store)
    released, free = threading.Event(), asyncio.Event()

    def hangs(context: StepContext) -> None:
        released.wait(60)

    async def swallows(context: StepContext) -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    async def leaves(context: StepContext) -> None:
        raise SystemExit(3)

    async def cancels(context: StepContext) -> None:
        raise asyncio.CancelledError

    def stops(context: StepContext) -> None:
        raise StopIteration

    def odd(context: StepContext) -> Any:
        return leaves(context)

    for function, error in (
        (hangs, "not done after 0.05 s"), (swallows, "not done after 0.05 s"),
        (leaves, "SystemExit: 3"), (cancels, "CancelledError"), (stops, "StopIteration"),
        (odd, "SystemExit: 3"), (len, "TypeError: object of type 'StepContext' has no len()"),
    ):  # fmt: skip
        steps = steps_of(ledger)
        short = function in (hangs, swallows)
        steps.register("step", function, 0.05 if short else 30.0)
        operation = await begun(ledger)
        (result,) = await steps.run_steps(operation, context_of(operation))
        assert (result.ok, result.error) == (False, error)
        assert (await ledger.run(operation.id)).status == "completed"
    released.set()
    free.set()


async def test_a_step_that_a_crash_interrupted_is_not_run_again(store: Store) -> None:
    ledger = ledger_on(store)
    operation = await begun(ledger)
    ran: list[str] = []
    started = asyncio.Event()

    async def slow(context: StepContext) -> None:
        ran.append("slow")
        started.set()
        await asyncio.Event().wait()

    steps = steps_of(ledger)
    steps.register("after it", ran.append)
    steps.register("slow", slow)
    steps.register("before it", lambda context: ran.append("before"))
    running = asyncio.ensure_future(steps.run_steps(operation, context_of(operation)))
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    results = await steps.run_steps(operation, context_of(operation))
    assert [(one.name, one.ok, one.error) for one in results] == [
        ("before it", True, ""),
        ("slow", False, INTERRUPTED),
    ]
    assert ran == ["before", "slow"]
    assert await steps.run_steps(operation, context_of(operation)) == results


async def test_only_the_operations_owner_runs_steps(store: Store) -> None:
    ledger = ledger_on(store)
    operation = await begun(ledger)
    await ledger.run(operation.id)
    steps = steps_of(ledger)
    ran: list[Any] = []
    steps.register("late", ran.append)
    with pytest.raises(StaleLease):
        await steps.run_steps(operation, context_of(operation))
    assert ran == []


async def test_what_cannot_be_a_step_is_refused(store: Store) -> None:
    steps = steps_of(ledger_on(store))
    steps.register("one", print)
    for name, function, timeout_s in (
        ("one", print, 1.0), ("", print, 1.0), ("x" * 101, print, 1.0), ("two", None, 1.0),
        ("two", print, 0.0), ("two", print, 1e9),
    ):  # fmt: skip
        with pytest.raises(InvalidInput):
            steps.register(name, function, timeout_s)  # type: ignore[arg-type]
