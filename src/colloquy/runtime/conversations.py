"""Conversations as lists and single views, their events, and the export of the whole log."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec

from ..model import ids
from ..model.cursors import decode_cursor, encode_cursor
from ..model.errors import InvalidInput
from ..model.session import Owner, Session, SessionStatus
from ..model.times import rfc3339
from ..model.understanding import FEELINGS
from ..model.views import ConversationFilter, ConversationPage, ConversationView, EventPage
from ..storage.listing import Wanted, list_sessions
from ..storage.store import Store, StoreEvent

MAX_PAGE = 500
MAX_FILTER = 256
"""Characters of one filter; no name is longer."""
_CODES = {"status": tuple(SessionStatus), "owner": tuple(Owner), "feeling": FEELINGS}


class Conversations:
    """What can be read of conversations."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def list(
        self, wanted: ConversationFilter, cursor: str | None, limit: int
    ) -> ConversationPage:
        """Newest activity first. Raises InvalidInput for a filter or cursor that cannot be."""
        place = decode_cursor(cursor, 2) if cursor is not None else None
        sessions, following = await list_sessions(
            self._store,
            _wanted(wanted),
            wanted.q or None,
            (place[0], place[1]) if place is not None else None,
            max(1, min(limit, MAX_PAGE)),
        )
        return ConversationPage(
            [conversation_view(session) for session in sessions],
            encode_cursor(*following) if following is not None else None,
        )

    async def view(self, conversation_id: str) -> ConversationView:
        """Raises NotFound, InvalidInput."""
        return conversation_view(await self.session(conversation_id))

    async def session(self, conversation_id: str) -> Session:
        return await self._store.session(ids.parse_id(conversation_id, "conversation_id"))

    async def events(self, conversation_id: str, after: int = 0, limit: int = 100) -> EventPage:
        """Raises NotFound, InvalidInput."""
        session = await self.session(conversation_id)
        limit = max(1, min(limit, MAX_PAGE))
        events = await self._store.events(session.number, after, limit)
        return EventPage(
            [event.public() for event in events],
            events[-1].seq if len(events) == limit else None,
        )

    async def export(self, after: int = 0) -> AsyncIterator[dict[str, Any]]:
        """The whole log in order of position, as plain data with its conversation's identity."""
        known: dict[int, Session] = {}
        while True:
            rows = await self._store.query("events_feed", after, MAX_PAGE)
            if not rows:
                return
            events = [StoreEvent(*row) for row in rows]
            after = events[-1].position
            wanted = {event.session for event in events} - known.keys()
            if len(known) > 20_000:
                known.clear()
                wanted = {event.session for event in events}
            known |= await self._store.sessions_by_number(wanted)
            for event in events:
                session = known[event.session]
                yield {
                    "position": event.position,
                    "conversation_id": session.id.hex(),
                    "channel": session.channel,
                    "account": session.account,
                    "conversation": session.key,
                    "thread": session.thread,
                    "seq": event.seq,
                    "kind": event.kind,
                    "at": rfc3339(event.at),
                    "turn_id": event.turn_id.hex() if event.turn_id else None,
                    "body": msgspec.json.decode(event.body),
                }


def _wanted(wanted: ConversationFilter) -> Wanted:
    for name, known in _CODES.items():
        value = getattr(wanted, name)
        if value is not None and value not in known:
            raise InvalidInput(f"{name} is one of {', '.join(known)}", field=name)
    for name in ("channel", "account", "intent"):
        if len(getattr(wanted, name) or "") > MAX_FILTER:
            raise InvalidInput(f"no {name} has over {MAX_FILTER} characters", field=name)
    return Wanted(
        status=wanted.status or "",
        owner=wanted.owner or "",
        channel=wanted.channel or "",
        account=wanted.account or "",
        intent=wanted.intent or "",
        feeling=wanted.feeling or "",
        unread=-1 if wanted.unread is None else int(wanted.unread),
    )


def conversation_view(session: Session) -> ConversationView:
    return ConversationView(
        conversation_id=session.id.hex(),
        channel=session.channel,
        account=session.account,
        conversation=session.key,
        thread=session.thread,
        status=session.status,
        owner=session.owner,
        last_seq=session.last_seq,
        created_at=rfc3339(session.created_at),
        updated_at=rfc3339(session.updated_at),
        unread=session.said_seq > session.read_seq,
        read_seq=session.read_seq,
        owner_id=session.owner_id,
        state=session.state,
        version=session.version,
        name=session.name,
        preview=session.preview,
        intent=session.intent,
        feeling=session.feeling,
    )
