"""The tools that a turn called, as events of its commit, and back from them.

A call and its result are two events one after the other: who finds one finds the other beside it.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from ..model.message import encode
from ..storage.write_set import EventRow, Unit
from .work import Work


class CallBody(Struct, frozen=True, omit_defaults=True):
    """The body of a `tool_call` event. `arguments`: JSON as text; `cut`: its characters in all,
    where it is only the beginning. `thread`: of the message that is answered."""

    call_id: str
    tool: str
    arguments: str = "{}"
    cut: int | None = None
    thread: str | None = None


class ResultBody(Struct, frozen=True, omit_defaults=True):
    """The body of a `tool_result` event: `result`, JSON as text and `cut` as above, or `error`.

    `outcome` as of `ToolUse`, without too_many: such a call is not made.
    """

    call_id: str
    tool: str
    outcome: str
    seconds: float = 0.0
    result: str | None = None
    cut: int | None = None
    error: str | None = None
    thread: str | None = None


_call = msgspec.json.Decoder(CallBody)
_result = msgspec.json.Decoder(ResultBody)
read_call, read_result = _call.decode, _result.decode


def append_calls(work: Work, unit: Unit, now: int) -> list[str]:
    """Adds what the log does not have yet; returns the ids of those calls."""
    turn, calls = work.turn, work.calls
    for one in calls:
        call = CallBody(one.call_id, one.tool, one.arguments, one.cut_arguments, turn.thread)
        result = ResultBody(
            one.call_id, one.tool, one.outcome, one.seconds, one.result, one.cut_result, one.error,
            turn.thread,
        )  # fmt: skip
        unit.events.append(EventRow("tool_call", now, turn.id, None, encode(call)))
        unit.events.append(EventRow("tool_result", now, turn.id, None, encode(result)))
    return [one.call_id for one in calls]
