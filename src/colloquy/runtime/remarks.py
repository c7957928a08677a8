"""What operators leave in a conversation beside replies: notes, ratings, and how far they read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
from msgspec import Struct

from ..delivery.live import Signals
from ..model import ids
from ..model.errors import Conflict, InvalidInput, NotFound, TooLarge
from ..model.feedback import Rating
from ..model.message import encode
from ..model.session import Session
from ..model.times import Clock, now_us, rfc3339
from ..model.views import (
    ConversationView,
    FeedbackRequest,
    FeedbackView,
    NoteRequest,
    NoteView,
)
from ..storage.store import Store, StoreEvent
from ..storage.write_set import NO_SESSION, Change, EventRow, Unit, WriteSet
from .acting import Actions, new_version
from .conversations import conversation_view

MAX_NOTE = 10_000
MAX_COMMENT = 2_000
MAX_NAME = 200
"""Characters."""
MAX_EVENTS = 5_000
"""A reply or a note is looked for among so many of the newest events."""
_PAGE = 500


class NoteBody(Struct, frozen=True, omit_defaults=True):
    """The body of a `note` event."""

    note_id: str
    text: str
    actor: str
    author_name: str | None = None


class FeedbackBody(Struct, frozen=True, omit_defaults=True):
    """The body of a `feedback` event."""

    reply_id: str
    by: str
    rating: Rating | None = None
    """None: a reaction that rates nothing, or was taken back."""
    comment: str | None = None
    category: str | None = None
    reaction: str | None = None
    """An emoji; "" where it was taken back, None where it was no reaction."""


_note = msgspec.json.Decoder(NoteBody)
_feedback = msgspec.json.Decoder(FeedbackBody)


class Remarks:
    """Writes remarks on one store."""

    def __init__(
        self, store: Store, actions: Actions, signals: Signals, clock: Clock = now_us
    ) -> None:
        self._store = store
        self._actions = actions
        self._signals = signals
        self._clock = clock

    async def note(self, conversation_id: str, request: NoteRequest, actor: str) -> NoteView:
        """Adds a note. The same `id` again is the same note.

        Raises NotFound, InvalidInput, TooLarge, Conflict (another note had this id).
        """
        conversation = ids.parse_id(conversation_id, "conversation_id")
        if not request.text.strip():
            raise InvalidInput("a note needs `text`", field="text")
        _check_length(request.text, MAX_NOTE, "text")
        _check_length(request.author_name, MAX_NAME, "author_name")
        _check_length(request.id, MAX_NAME, "id")
        client_id = request.id or ids.uuid7().hex()
        key = ids.effect_key(conversation, "note", client_id.encode("utf-8", "surrogatepass"))
        body = encode(NoteBody(key.hex(), request.text, actor, request.author_name))

        async def attempt(session: Session) -> tuple[Unit, NoteView | None]:
            known = await self._store.effect(key) if request.id is not None else None
            if known is not None:
                if known.result != ids.body_hash(body):
                    raise Conflict("another note was written with this id", field="id")
                return Unit(session=NO_SESSION, at=0), await self._find_note(session.id, key.hex())
            now = self._clock()
            unit = Unit(session=session.number, at=now, version=session.version)
            if request.id is not None:
                unit.state = new_version(session)
                unit.rows["effect_insert"] = [
                    (key, "note", session.number, key, "done", now, ids.body_hash(body))
                ]
            unit.events.append(EventRow("note", now, None, None, body))
            return unit, None

        unit, found, _, seq = await self._actions.act(conversation, attempt)
        if found is not None:
            view: NoteView = found
            return view
        self._signals.touch(conversation)
        return _note_view(body, seq, unit.at)

    async def feedback(
        self, conversation_id: str, request: FeedbackRequest, by: str
    ) -> FeedbackView:
        """Rates a reply. The same rating by the same person again changes nothing.

        Raises NotFound (also for a reply that 5,000 events came after), TooLarge, Conflict.
        """
        conversation = ids.parse_id(conversation_id, "conversation_id")
        ids.parse_id(request.reply_id, "reply_id")
        _check_length(request.comment, MAX_COMMENT, "comment")
        body = FeedbackBody(request.reply_id, by, request.rating, request.comment, request.category)
        encoded = encode(body)

        async def attempt(session: Session) -> tuple[Unit, FeedbackView | None]:
            known = await self._rating(session, request.reply_id, by)
            if known is not None and _feedback.decode(known.body) == body:
                return Unit(session=NO_SESSION, at=0), feedback_view(known)
            unit = Unit(session=session.number, at=self._clock())
            unit.events.append(EventRow("feedback", unit.at, None, None, encoded))
            return unit, None

        unit, found, _, seq = await self._actions.act(conversation, attempt)
        if found is not None:
            view: FeedbackView = found
            return view
        self._signals.touch(conversation)
        return _feedback_view(encoded, seq, unit.at)

    async def mark_read(self, conversation_id: str, seq: int, actor: str) -> ConversationView:
        """Operators have read up to event `seq`; a lower one than before changes nothing.

        Raises NotFound.
        """
        session = await self._store.session(ids.parse_id(conversation_id, "conversation_id"))
        seq = min(seq, session.last_seq)
        if seq > session.read_seq:
            row = ("session_read", (session.number, seq))
            session = await self._move_mark(session, row, {"read_seq": seq}, actor)
        return conversation_view(session)

    async def mark_unread(self, conversation_id: str, actor: str) -> ConversationView:
        """The newest message of the peer counts as unread again. Raises NotFound."""
        session = await self._store.session(ids.parse_id(conversation_id, "conversation_id"))
        if 0 < session.said_seq <= session.read_seq:
            row = ("session_unread", (session.number,))
            said = {"read_seq": session.said_seq - 1}
            session = await self._move_mark(session, row, said, actor)
        return conversation_view(session)

    async def _move_mark(
        self,
        session: Session,
        row: tuple[str, tuple[int, ...]],
        said: dict[str, int],
        actor: str,
    ) -> Session:
        """Writes what operators have read; returns the session as it is then."""
        now = self._clock()
        statement, values = row
        change = Change(
            now, actor, session.number, "set", "session_read", session.id.hex(), encode(said)
        )
        # Not a unit of this session: having been read is no activity of the conversation.
        unit = Unit(session=NO_SESSION, at=now, rows={statement: [values]}, changes=[change])
        (outcome,) = await self._store.commit(WriteSet(units=[unit]))
        if outcome.error is not None:
            raise outcome.error
        self._signals.touch(session.id)
        return await self._store.session(session.id)

    async def _find_note(self, conversation: bytes, note_id: str) -> NoteView:
        # Written by another request, it may be newer than what this one has read.
        session = await self._store.session(conversation)
        async for event in newest_events(self._store, session):
            if event.kind == "note" and _note.decode(event.body).note_id == note_id:
                return note_view(event)
        raise NotFound(f"no note {note_id}")

    async def _rating(self, session: Session, reply_id: str, by: str) -> StoreEvent | None:
        """The newest rating of a reply by somebody; None if there is none. Raises NotFound."""
        said = await said_by(self._store, session, reply_id, by)
        return said[0] if said else None


async def said_by(store: Store, session: Session, reply_id: str, by: str) -> list[StoreEvent]:
    """What somebody said of a reply, newest first. Raises NotFound for a reply that is not there,
    or that 5,000 events came after."""
    found: list[StoreEvent] = []
    async for event in newest_events(store, session):
        if event.kind == "feedback":
            body = _feedback.decode(event.body)
            if (body.reply_id, body.by) == (reply_id, by):
                found.append(event)
        elif event.kind == "reply" and event.reply_id == reply_id:
            return found
    raise NotFound(f"no reply {reply_id} in this conversation")


async def newest_events(store: Store, session: Session) -> AsyncIterator[StoreEvent]:
    """The newest events of a session, newest first, at most 5,000 or a few more."""
    before, left = session.last_seq + 1, MAX_EVENTS
    while left > 0 and before > 1:
        rows = await store.scan("events_before", session.number, before, _PAGE)
        if not rows:
            return
        for row in rows:
            yield StoreEvent(*row)
        before, left = rows[-1][2], left - len(rows)


def note_view(event: StoreEvent) -> NoteView:
    return _note_view(event.body, event.seq, event.at)


def feedback_of(event: StoreEvent) -> FeedbackBody:
    """The body of a `feedback` event."""
    found: FeedbackBody = _feedback.decode(event.body)
    return found


def feedback_view(event: StoreEvent) -> FeedbackView:
    return _feedback_view(event.body, event.seq, event.at)


def _note_view(encoded: bytes, seq: int, at: int) -> NoteView:
    body = _note.decode(encoded)
    return NoteView(body.note_id, seq, rfc3339(at), body.text, body.actor, body.author_name)


def _feedback_view(encoded: bytes, seq: int, at: int) -> FeedbackView:
    body = _feedback.decode(encoded)
    return FeedbackView(
        body.reply_id,
        seq,
        rfc3339(at),
        body.rating,
        body.by,
        body.comment,
        body.category,
        body.reaction,
    )


def _check_length(text: str | None, most: int, field: str) -> None:
    if text is not None and len(text) > most:
        raise TooLarge(f"at most {most} characters", field=field)
