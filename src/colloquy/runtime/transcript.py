"""A conversation as operators read it: what was said, why it was answered so, and what was done."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from ..delivery.outgoing import reply_of
from ..model import ids
from ..model.errors import InvalidInput
from ..model.message import Message
from ..model.session import Session
from ..model.times import rfc3339
from ..model.understanding import Understanding
from ..model.views import (
    ParticipantsView,
    ParticipantView,
    ReplyReason,
    TranscriptItem,
    TranscriptPage,
)
from ..pipeline.cache import ReplyBody
from ..pipeline.calls import read_call, read_result
from ..storage.store import Store, StoreEvent
from .remarks import feedback_view, note_view

MAX_PAGE = 500
_TOP = 2**62
MAX_EVENTS = 5000
"""Of a conversation's events the newest so many are looked at for who takes part in it."""


class _Said(Struct):
    message_id: str
    message: Message
    understanding: Understanding | None = None
    late: bool = False


class _Why(Struct):
    why: ReplyReason | None = None


_said = msgspec.json.Decoder(_Said)
_why = msgspec.json.Decoder(_Why)
_reply = msgspec.json.Decoder(ReplyBody)


class Transcripts:
    """Reads conversations for operators."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, conversation_id: str, before: int | None, after: int | None, limit: int
    ) -> TranscriptPage:
        """Up to `limit` items before or after a place, or the newest ones.

        Raises NotFound, and InvalidInput when both places are given.
        """
        if before is not None and after is not None:
            raise InvalidInput("give `before` or `after`, not both", field="after")
        session = await self._session(conversation_id)
        limit = max(1, min(limit, MAX_PAGE))
        # One more than asked for: whether there is more.
        if after is not None:
            rows = await self._store.scan("transcript_after", session.number, after, limit + 1)
            more_after, more_before = len(rows) > limit, after > 0
            events = [StoreEvent(*row) for row in rows[:limit]]
        else:
            first = _TOP if before is None else before
            rows = await self._store.scan("transcript_before", session.number, first, limit + 1)
            more_after, more_before = before is not None, len(rows) > limit
            events = [StoreEvent(*row) for row in reversed(rows[:limit])]
        if not events:
            return TranscriptPage([], None, None)
        return TranscriptPage(
            await self._items(session, events),
            events[0].seq if more_before else None,
            events[-1].seq if more_after else None,
        )

    async def _items(self, session: Session, events: list[StoreEvent]) -> list[TranscriptItem]:
        replies = [event for event in events if event.kind == "reply"]
        states: dict[str, str] = {}
        if replies:
            waiting = await self._store.outbox_of(session.number)
            unsent = await self._store.unsent(session.number, replies[0].seq, far=True)
            states = {item.reply_id.hex(): "pending" for item in waiting}
            states |= {key: kind.removeprefix("reply_") for key, kind in unsent.items()}
        return [_item(event, session, states) for event in events]

    async def participants(self, conversation_id: str) -> ParticipantsView:
        """Who said something among the newest 5,000 events, in the order in which they first did.

        Raises NotFound.
        """
        session = await self._session(conversation_id)
        found: dict[tuple[str, str], ParticipantView] = {}
        before, left = _TOP, MAX_EVENTS
        while left > 0:
            size = min(MAX_PAGE, left)
            rows = await self._store.scan("events_before", session.number, before, size)
            for row in rows:
                _take_part(found, StoreEvent(*row), session)
            if len(rows) < size:
                break
            before, left = rows[-1][2], left - size
        return ParticipantsView(sorted(found.values(), key=lambda one: one.first_seq))

    async def _session(self, conversation_id: str) -> Session:
        return await self._store.session(ids.parse_id(conversation_id, "conversation_id"))


def _take_part(
    found: dict[tuple[str, str], ParticipantView], event: StoreEvent, session: Session
) -> None:
    """Counts an event for whoever said it; events come newest first."""
    kind: str
    if event.kind == "message":
        message = _said.decode(event.body).message
        sender = message.sender
        kind = sender.kind if sender is not None else "person"
        name = sender.name if sender is not None else None
        id = message.sender_id
    elif event.kind == "reply":
        reply = _reply.decode(event.body)
        kind, name = reply.author, reply.author_name
        id = name or kind
    else:
        return
    known = found.get((kind, id))
    found[kind, id] = ParticipantView(
        id=id,
        kind=kind,
        first_seq=event.seq,
        last_seq=known.last_seq if known is not None else event.seq,
        messages=known.messages + 1 if known is not None else 1,
        name=(known.name if known is not None else None) or name,
    )


def _item(event: StoreEvent, session: Session, states: dict[str, str]) -> TranscriptItem:
    at = rfc3339(event.at)
    if event.kind == "message":
        said = _said.decode(event.body)
        return TranscriptItem(
            "message",
            event.seq,
            at,
            message_id=said.message_id,
            text=said.message.text,
            parts=said.message.parts,
            sender=said.message.sender,
            understanding=said.understanding,
            late=said.late,
        )
    if event.kind == "reply":
        view = reply_of(event, session.id)
        return TranscriptItem(
            "reply",
            event.seq,
            at,
            reply=view,
            why=_why.decode(event.body).why,
            state=states.get(view.reply_id, "sent"),
        )
    if event.kind == "note":
        return TranscriptItem("note", event.seq, at, note=note_view(event))
    if event.kind == "feedback":
        return TranscriptItem("feedback", event.seq, at, feedback=feedback_view(event))
    if event.kind == "tool_call":
        call = read_call(event.body)
        return TranscriptItem(
            "tool_call",
            event.seq,
            at,
            name=call.tool,
            call_id=call.call_id,
            arguments=call.arguments,
            cut=call.cut,
        )
    if event.kind == "tool_result":
        result = read_result(event.body)
        return TranscriptItem(
            "tool_result",
            event.seq,
            at,
            name=result.tool,
            call_id=result.call_id,
            outcome=result.outcome,
            seconds=result.seconds,
            result=result.result,
            cut=result.cut,
            detail=result.error,
        )
    if event.kind == "reply_stopped":
        return TranscriptItem("stopped", event.seq, at, why=_why.decode(event.body).why)
    body: dict[str, Any] = msgspec.json.decode(event.body)
    if event.kind == "owner_changed":
        return TranscriptItem(
            "owner",
            event.seq,
            at,
            former_owner=body["from"],
            owner=body["owner"],
            owner_id=body["owner_id"],
            reason=body["reason"],
            actor=body["actor"],
        )
    if event.kind == "dead_lettered":
        return TranscriptItem(
            "dead",
            event.seq,
            at,
            message_id=body["message_id"],
            number=body["number"],
            cause=body["cause"],
            detail=body["detail"],
        )
    if event.kind == "turn_again":
        switches = ", ".join(body.get("switches", ()))
        return TranscriptItem(
            "again",
            event.seq,
            at,
            message_id=body.get("message_id"),
            detail=switches or "the answer before it was taken back",
        )
    if event.kind == "message_duplicate":
        return TranscriptItem("duplicate", event.seq, at, message_id=body["message_id"])
    if event.kind == "timer_fired":
        return TranscriptItem("timer", event.seq, at, name=body["name"])
    return TranscriptItem(
        "gap",
        event.seq,
        at,
        message_id=body["message_id"],
        detail=f"what came before number {body['before']} of {body['stream']} is missing",
    )
