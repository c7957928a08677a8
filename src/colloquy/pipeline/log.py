"""A conversation's log as the lines that contexts are made of."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import msgspec
from msgspec import Struct

from ..context.lines import Kind, Line
from ..model.message import Message
from ..model.understanding import Emotion
from ..storage.store import Store, StoreEvent
from .calls import CallBody, ResultBody, read_call, read_result

PAGE = 200
"""Events that are read at once."""
MAX_TEXT = 10_000
"""Characters of a line; imported texts may be longer."""
MAX_TOOL_TEXT = 1000
"""Characters of a tool's line: the log has more, and a context other things."""


class _Understood(Struct):
    intent: str | None = None
    polarity: float = 0.0
    emotion: Emotion = Emotion()
    act: str | None = None


class _Flow(Struct):
    thread: str | None = None


class _Sender(Struct, frozen=True):
    kind: str = "person"
    name: str | None = None


class _Said(Struct):
    sender: _Sender | None = None
    text: str | None = None
    parts: list[msgspec.Raw] = []


class _Message(Struct):
    message_id: str
    message: _Said
    understanding: _Understood | None = None
    flow: _Flow | None = None


class _InParts(Struct):
    message: Message


class _Reply(Struct):
    reply_id: str
    author: str = "assistant"
    author_name: str | None = None
    text: str | None = None
    thread: str | None = None


# Only what a line needs is decoded: a long log is read whole.
_message = msgspec.json.Decoder(_Message)
_in_parts = msgspec.json.Decoder(_InParts)
_reply = msgspec.json.Decoder(_Reply)
_NOTHING, _NOBODY = _Understood(), _Sender()


class Conversation(Protocol):
    """What is needed of a session."""

    @property
    def number(self) -> int: ...


class Log:
    """Reads lines. All methods may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def after(self, session: Conversation, seq: int, limit: int) -> list[Line]:
        """The first lines after an event, in order; fewer than `limit` only where the log ends."""
        lines: list[Line] = []
        while len(lines) < limit:
            events = await self._store.events(session.number, seq, max(PAGE, limit))
            lines += lines_of(events)
            if len(events) < max(PAGE, limit):
                break
            seq = events[-1].seq
        return lines[:limit]

    async def at(self, session: Conversation, seqs: Iterable[int]) -> list[Line]:
        """The lines at these places of the log, in order, a tool's call with its result."""
        wanted = set(seqs)
        lines = {line.seq: line for line in await self._read(session, wanted)}
        pairs = {line.pair: _other(line) for line in lines.values() if line.pair}
        beside = await self._read(session, set(pairs.values()) - wanted)
        lines.update((line.seq, line) for line in beside if line.pair in pairs)
        return [lines[seq] for seq in sorted(lines)]

    async def _read(self, session: Conversation, seqs: set[int]) -> list[Line]:
        places = [(session.number, seq) for seq in sorted(seqs)]
        return lines_of(await self._store.events_at(places)) if places else []


def lines_of(events: Iterable[StoreEvent]) -> list[Line]:
    """The events in which something was said, or a tool was called."""
    return [line for line in map(line_of, events) if line is not None]


def line_of(event: StoreEvent) -> Line | None:
    """The event as a line; None where nobody said anything and no tool was called."""
    if event.kind == "message":
        return _of_message(event)
    if event.kind == "reply":
        reply = _reply.decode(event.body)
        return Line(
            event.seq,
            reply.author,
            (reply.text or "")[:MAX_TEXT],
            event.at,
            id=reply.reply_id,
            speaker=reply.author_name or "",
            thread=reply.thread,
        )
    if event.kind == "tool_call":
        call = read_call(event.body)
        text = f"{call.tool} {call.arguments}"
        return _of_tool(event, "call", call, text)
    if event.kind == "tool_result":
        result = read_result(event.body)
        said = result.result if result.result is not None else result.error or ""
        return _of_tool(event, "result", result, f"{result.tool} {result.outcome}: {said}")
    return None


def _of_tool(event: StoreEvent, kind: Kind, body: CallBody | ResultBody, text: str) -> Line:
    if len(text) > MAX_TOOL_TEXT or body.cut is not None:
        text = f"{text[:MAX_TOOL_TEXT]} [cut]"
    return Line(event.seq, "tool", text, event.at, thread=body.thread, kind=kind, pair=body.call_id)


def _other(line: Line) -> int:
    """Where the result of a call stands, and the reverse: `pipeline.calls` writes them together."""
    return line.seq + 1 if line.kind == "call" else line.seq - 1


def _of_message(event: StoreEvent) -> Line:
    body = _message.decode(event.body)
    said, found = body.message, body.understanding or _NOTHING
    sender = said.sender or _NOBODY
    text = _in_parts.decode(event.body).message.full_text if said.parts else said.text or ""
    return Line(
        event.seq,
        "visitor" if sender.kind == "person" else sender.kind,
        text[:MAX_TEXT],
        event.at,
        id=body.message_id,
        speaker=sender.name or "",
        thread=body.flow.thread if body.flow is not None else None,
        intent=found.intent,
        emotion=found.emotion.label,
        polarity=found.polarity,
        act=found.act or "inform",
    )
