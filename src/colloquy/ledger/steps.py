"""Steps of users' own, run with a rollback: newest first, until one fails (decision 32).

Each runs once in an operation. That it is about to run is in the operation's log before it runs,
and how it ended after: one that a crash interrupted is not run again, since nobody knows how far
it came; it counts as failed. A step must be safe to be left half done.
"""

from __future__ import annotations

import asyncio
import inspect
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from ..model.errors import InvalidInput
from ..model.times import Clock, now_us
from ..storage.commit import Rows
from ..storage.store import Store
from ..telemetry.log import get_logger
from .restoring.operations import Operations
from .rows import LogRow, OperationRow

_log = get_logger("ledger")

MAX_NAME = 100
MAX_TIMEOUT_S = 3600.0
DEFAULT_TIMEOUT_S = 30.0
MAX_ERROR = 1000
MAX_STEPS = 100
PAGE = 500

INTERRUPTED = "interrupted: nobody knows how far it came"


class StepContext(Struct, frozen=True, kw_only=True):
    """What a step is told: the operation's id and kind, who asked for it and why, and that the
    ledger goes from what was so at position `head` to what was so at `target`."""

    operation: str
    kind: str
    actor: str
    reason: str
    target: int
    head: int
    data: dict[str, Any] = {}


class StepResult(Struct, frozen=True, kw_only=True):
    """How a step ended. `error` is empty where it is `ok`; `seconds` were waited for it."""

    name: str
    ok: bool
    error: str = ""
    seconds: float = 0.0


StepFunction = Callable[[StepContext], object]
"""Plain, then it runs in a thread of its own, or asynchronous. What it returns is not looked at."""


class _Step(Struct, frozen=True):
    name: str
    function: StepFunction
    timeout_s: float


class _Line(Struct, frozen=True):
    """What a line of the operation's log says of a step: its beginning, or its result."""

    step: str
    result: StepResult | None = None


_lines = msgspec.json.Decoder(_Line)


class RollbackSteps:
    """The steps of one process. Every process that runs operations registers the same ones."""

    def __init__(self, store: Store, operations: Operations, clock: Clock = now_us) -> None:
        self._store = store
        self._operations = operations
        self._clock = clock
        self._steps: list[_Step] = []

    def register(
        self, name: str, function: StepFunction, timeout_s: float = DEFAULT_TIMEOUT_S
    ) -> None:
        """Adds a step; it runs before those that were registered before it.

        After `timeout_s` it has failed: an asynchronous one is cancelled, a thread cannot be and
        goes on by itself. Raises InvalidInput.
        """
        if not name.strip() or len(name) > MAX_NAME:
            raise InvalidInput(f"a step's name has 1 to {MAX_NAME} characters", field="name")
        if any(step.name == name for step in self._steps):
            raise InvalidInput(f"there is a step {name!r} already", field="name")
        if not callable(function):
            raise InvalidInput("a step is something to call", field="function")
        if not 0 < timeout_s <= MAX_TIMEOUT_S:
            raise InvalidInput(
                f"a time-out is above 0 and at most {MAX_TIMEOUT_S:g} s", field="timeout_s"
            )
        if len(self._steps) == MAX_STEPS:
            raise InvalidInput(f"at most {MAX_STEPS} steps")
        self._steps.append(_Step(name, function, timeout_s))

    @property
    def names(self) -> list[str]:
        """In the order in which they run."""
        return [step.name for step in reversed(self._steps)]

    async def run_all(self, context: StepContext) -> list[StepResult]:
        """Runs the steps outside an operation, newest first, up to the first that fails; nothing
        is written down. Never raises what a step raises."""
        results: list[StepResult] = []
        for step in reversed(self._steps):
            results.append(await _run(step, context))
            if not results[-1].ok:
                break
        return results

    async def run_steps(self, operation: OperationRow, context: StepContext) -> list[StepResult]:
        """Runs the steps, newest first, up to the first that fails; returns a result for each that
        was begun, in this call or in one before a crash.

        Raises StaleLease when the operation is not this process's (any more), StoreUnavailable;
        never what a step raises.
        """
        begun = await self._begun(operation)
        results: list[StepResult] = []
        for step in reversed(self._steps):
            if step.name in begun:
                found = begun[step.name]
                result = found or StepResult(name=step.name, ok=False, error=INTERRUPTED)
                if found is None:
                    await self._note(operation, result)
            else:
                await self._note(operation, step.name)
                result = await _run(step, context)
                await self._note(operation, result)
            results.append(result)
            if not result.ok:
                break
        return results

    async def _begun(self, operation: OperationRow) -> dict[str, StepResult | None]:
        """Step → its result, None for one that has none yet."""
        found: dict[str, StepResult | None] = {}
        after = 0
        while True:
            page = await self._operations.log(operation, after, PAGE)
            rows: list[LogRow] = page.rows
            for row in rows:
                if row.data is None or not row.data.startswith(b'{"step":'):
                    continue
                line = _lines.decode(row.data)
                found[line.step] = line.result or found.get(line.step)
            if page.cursor is None:
                return found
            after = page.cursor

    async def _note(self, operation: OperationRow, what: str | StepResult) -> None:
        """Adds a line to the operation's log, if the operation is ours."""
        if isinstance(what, str):
            level, text, line = "info", f"step {what} begins", _Line(what)
        else:
            ended = "done" if what.ok else f"failed: {what.error}"
            text, line = f"step {what.name} {ended}"[:MAX_ERROR], _Line(what.name, what)
            level = "info" if what.ok else "error"
        body = msgspec.json.encode(line)

        def steps() -> Generator[tuple[str, Rows], Rows, None]:
            yield from self._operations.fence(operation.number)
            ((top,),) = yield "ledger_log_top", [(operation.number,)]
            yield (
                "ledger_log_insert",
                [(operation.number, top + 1, self._clock(), level, text, body)],
            )

        await self._store.transact(steps)


def context_of(operation: OperationRow, **data: Any) -> StepContext:
    return StepContext(
        operation=operation.id, kind=operation.kind, actor=operation.actor,
        reason=operation.reason, target=operation.target, head=operation.head, data=data,
    )  # fmt: skip


async def _run(step: _Step, context: StepContext) -> StepResult:
    started = time.perf_counter()
    task = asyncio.ensure_future(_guarded(step, context))
    try:
        done, _ = await asyncio.wait({task}, timeout=step.timeout_s)
    except asyncio.CancelledError:
        task.cancel()
        raise
    if done:
        error = task.result()
    else:
        # Not waited for: what swallows its cancellation would hold us up for ever.
        task.cancel()
        error = f"not done after {step.timeout_s:g} s"
    seconds = time.perf_counter() - started
    if error:
        _log.warning("ledger_step_failed", step=step.name, operation=context.operation, error=error)
    return StepResult(name=step.name, ok=not error, error=error[:MAX_ERROR], seconds=seconds)


async def _guarded(step: _Step, context: StepContext) -> str:
    """The step's error; "" for none. A step is foreign code: whatever it raises is its result."""
    try:
        if _is_asynchronous(step.function):
            found = step.function(context)
        else:
            found, error = await _in_thread(step.function, context)
            if error is not None:
                return _told(error)
        if inspect.isawaitable(found):
            await found
    except BaseException as error:
        return _told(error)
    return ""


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}".rstrip(": ")


def _is_asynchronous(function: StepFunction) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004 - is its method a coroutine function?
    )


def _in_thread(
    function: StepFunction, context: StepContext
) -> asyncio.Future[tuple[object, BaseException | None]]:
    """What it returned, or what it raised. Not in a pool's thread: one that hangs must neither use
    up a place nor hold up the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[tuple[object, BaseException | None]] = loop.create_future()

    def settle(found: object, error: BaseException | None) -> None:
        if not future.done():
            future.set_result((found, error))

    def work() -> None:
        found: object = None
        raised: BaseException | None = None
        try:
            found = function(context)
        except BaseException as error:
            raised = error
        with suppress(RuntimeError):  # the loop ended before we did: nobody waits
            loop.call_soon_threadsafe(settle, found, raised)

    threading.Thread(target=work, name="rollback-step", daemon=True).start()
    return future
