"""Carries out the calls that a model asks for: at most once each, in parallel, in bounded time.

A call is an effect of its turn, known by the tool and its arguments (`Turn.once`). What it returned
or raised is its receipt, so a turn that is run again is told the same and nothing is done twice. A
call that was under way when the process died is `uncertain`: the model is told so. Every call of a
turn is noted in `Turn.tool_calls`, which the turn's commit writes into the log.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import msgspec

from ...model import ids
from ...model.errors import EffectUncertain, InvalidInput, Transient
from ...model.turn import Turn
from ...model.usage import ToolUse, note_call
from ...telemetry import Metrics, get_logger
from .records import begun, ended
from .tool import Tool

log = get_logger(__name__)

ANY = "*"
"""In a list of allowed tools: every tool of the app."""
THREADS = 8
"""Plain functions at once. Not the engine's threads: one that hangs holds up tools only."""
PASSING = "passing"
"""In the answer to a call from outside of a conversation: nothing happened, so it may be made again
as it is."""
MAX_DETAIL = 500
"""Characters of an error that are kept and told."""


class Call(NamedTuple):
    """What the model wants: `arguments` is its JSON, not checked yet."""

    id: str
    name: str
    arguments: str


class Outcome(NamedTuple):
    """What came of a call: for the record, and `{"result": …}` or `{"error": …}` for the model."""

    call: Call
    use: ToolUse
    answer: dict[str, Any]


class Toolbox:
    """The tools of an app, and who may use which."""

    def __init__(
        self,
        tools: Iterable[Tool],
        metrics: Metrics,
        *,
        allowed: Sequence[str] = (ANY,),
        is_on: Callable[[Turn], bool] = lambda _: True,
        timeout_s: float = 10.0,
    ) -> None:
        """`allowed`: names, or ANY. `is_on`: whether a conversation may use tools at all."""
        self._tools = {tool.name: tool for tool in tools}
        self._metrics = metrics
        self._allowed = frozenset(allowed)
        self._is_on = is_on
        self._timeout_s = timeout_s
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="colloquy-tool")

    def close(self) -> None:
        """Lets tools that are running end by themselves."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def offered(self, turn: Turn) -> list[Tool]:
        """The tools that this turn may use."""
        return [tool for tool in self._tools.values() if self._is_granted(tool, turn)]

    def outside(self) -> list[Tool]:
        """The tools that may be used outside of any conversation: those that neither take a turn
        nor are granted by one."""
        return [
            tool
            for tool in self._tools.values()
            if not tool.needs_turn and tool.granted is None and self._is_allowed(tool)
        ]

    async def run_outside(self, call: Call) -> Outcome:
        """A call without a turn: there is no receipt, so the same call again is done again."""
        return await self._measured(call, self._tried_outside(call))

    async def run(self, turn: Turn, calls: Sequence[Call]) -> list[Outcome]:
        """The outcomes in the order of the calls, which run at the same time, where the flag
        `enable_parallel_tools` is on. Never raises for what a tool or a model did wrong."""
        if not turn.flags.enabled("enable_parallel_tools"):
            return await self._one_by_one(turn, calls)
        under_way: dict[tuple[str, str], asyncio.Task[Outcome]] = {}
        async with asyncio.TaskGroup() as group:
            tasks = []
            for call in calls:
                # The same call twice in one breath is one effect.
                key = (call.name, call.arguments)
                if key not in under_way:
                    under_way[key] = group.create_task(self._noted(turn, call))
                tasks.append(under_way[key])
        return [task.result()._replace(call=call) for call, task in zip(calls, tasks, strict=True)]

    async def _one_by_one(self, turn: Turn, calls: Sequence[Call]) -> list[Outcome]:
        known: dict[tuple[str, str], Outcome] = {}
        for call in calls:
            key = (call.name, call.arguments)
            if key not in known:
                known[key] = await self._noted(turn, call)
        return [known[call.name, call.arguments]._replace(call=call) for call in calls]

    def _is_allowed(self, tool: Tool) -> bool:
        return bool({ANY, tool.name} & self._allowed)

    def _is_granted(self, tool: Tool, turn: Turn) -> bool:
        if not self._is_on(turn) or not self._is_allowed(tool):
            return False
        if tool.granted is None:
            return True
        try:
            return bool(tool.granted(turn))
        except Exception as error:
            log.error("tool_grant_failed", tool=tool.name, exc_info=error)
            return False

    async def _noted(self, turn: Turn, call: Call) -> Outcome:
        """Runs a call, and notes it in the turn: also one that is cancelled within."""
        arguments = self._arguments(call)
        id_ = ids.effect_key(turn.origin, f"tool:{call.name}", msgspec.json.encode(arguments)).hex()
        record = begun(id_, call.name[:64], arguments)
        note_call(turn.tool_calls, record)
        outcome = await self._measured(call, self._tried(turn, call))
        note_call(turn.tool_calls, ended(record, outcome.use, outcome.answer))
        return outcome

    def _arguments(self, call: Call) -> Any:
        """JSON values that are the same for the same call; the text as it is where it is none."""
        tool = self._tools.get(call.name)
        try:
            if tool is not None:
                return _canonical(tool.decode(call.arguments))
        except InvalidInput:
            pass
        try:
            return msgspec.json.decode(call.arguments.strip() or "{}")
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return call.arguments

    async def _measured(
        self, call: Call, tried: Coroutine[Any, Any, tuple[str, dict[str, Any]]]
    ) -> Outcome:
        started = time.perf_counter()
        outcome, answer = await tried
        seconds = time.perf_counter() - started
        detail = answer.get("error")
        # A model may make names up: they must not become labels of metrics.
        known = call.name if call.name in self._tools else "unknown"
        self._metrics.tool_calls.of(known).of(outcome).inc()
        self._metrics.tool_seconds.of(known).observe(seconds)
        use = ToolUse(call.name[:64], outcome, round(seconds, 4), detail)
        return Outcome(call, use, answer)

    async def _tried(self, turn: Turn, call: Call) -> tuple[str, dict[str, Any]]:
        tool = self._tools.get(call.name)
        if tool is None:
            return "unknown", _error(f"there is no tool {call.name[:64]!r}")
        if not self._is_granted(tool, turn):
            return "denied", _error(f"{tool.name} may not be used in this conversation")
        try:
            arguments = tool.decode(call.arguments)
        except InvalidInput as error:
            return "invalid", _error(error.detail)
        try:
            receipt = await turn.once(
                f"tool:{tool.name}",
                self._effect(turn, tool, arguments),
                _canonical(arguments),
                idempotent=tool.idempotent,
            )
        except EffectUncertain:
            return "uncertain", _error(
                f"{tool.name} was begun before with these arguments and its outcome is not known; "
                "do not call it again, say that a person will check"
            )
        except Transient as error:
            return "failed", _error(f"{tool.name} is not available now: {error.detail}")
        return receipt["outcome"], receipt["answer"]

    async def _tried_outside(self, call: Call) -> tuple[str, dict[str, Any]]:
        tool = next((tool for tool in self.outside() if tool.name == call.name), None)
        if tool is None:
            return "unknown", _error(f"there is no tool {call.name[:64]!r}")
        try:
            return await self._done(None, tool, tool.decode(call.arguments))
        except InvalidInput as error:
            return "invalid", _error(error.detail)
        except Transient as error:
            said = _error(f"{tool.name} is not available now: {error.detail}")
            return "failed", {**said, PASSING: True}

    def _effect(self, turn: Turn, tool: Tool, arguments: dict[str, Any]) -> Callable[..., Any]:
        async def effect(_: Any) -> dict[str, Any]:
            outcome, answer = await self._done(turn, tool, arguments)
            return {"outcome": outcome, "answer": answer}

        return effect

    async def _done(
        self, turn: Turn | None, tool: Tool, arguments: dict[str, Any]
    ) -> tuple[str, dict[str, Any]]:
        """Raises Transient alone, by which a tool says that nothing happened."""
        timeout_s = tool.timeout_s or self._timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                result = await self._called(tool, turn, arguments)
            # As it will be kept: what is no JSON fails here, where it is told.
            return "ok", {"result": msgspec.json.decode(msgspec.json.encode(result))}
        except Transient:
            raise
        except TimeoutError:
            return "timeout", _error(
                f"{tool.name} did not answer within {timeout_s:g} s; whether it did anything is "
                "not known"
            )
        except Exception as error:
            log.warning("tool_failed", tool=tool.name, exc_info=error)
            return "failed", _error(f"{tool.name} failed: {type(error).__name__}: {error}")

    async def _called(self, tool: Tool, turn: Turn | None, arguments: dict[str, Any]) -> Any:
        if tool.is_async:
            return await tool.call(turn, arguments)
        loop = asyncio.get_running_loop()
        result = await loop.run_in_executor(self._threads, tool.call, turn, arguments)
        return await result if inspect.isawaitable(result) else result


def _canonical(arguments: dict[str, Any]) -> Any:
    """The same arguments in another order are the same call."""
    return msgspec.json.decode(
        msgspec.json.encode(msgspec.to_builtins(arguments), order="deterministic")
    )


def _error(text: str) -> dict[str, Any]:
    return {"error": text[:MAX_DETAIL].encode("utf-8", "replace").decode()}
