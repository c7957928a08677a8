"""Sessions in memory: the live row and the recent window of conversations that were active lately.

Only the worker that holds a conversation's partition uses its entry, and only while the lane is
busy. Truth is in the store: every commit checks the version, and a mismatch drops the entry.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ..context.window import Window
from ..model.errors import InvalidInput
from ..model.message import Message, encode
from ..model.reply import Manner
from ..model.session import Session
from ..model.turn import Said
from ..model.understanding import Flow
from ..model.views import ReplyReason
from ..storage.store import Store, StoreEvent
from ..storage.write_set import SessionRow
from ..telemetry import get_logger
from ..understanding.flow.standing import Standing, decode_standing
from .reasons import is_formula

log = get_logger(__name__)

MAX_STREAMS = 64
"""Client streams remembered per conversation; the one that was quiet longest goes first."""


MAX_REPLIES = 8
"""Replies after one message that are looked at."""


class LastIn(NamedTuple):
    """The newest inbound message while nothing has been sent since (engine decision 13)."""

    sender: str
    text: str
    at: int
    message_id: str


class Spoken(NamedTuple):
    """A reply of our side since the last message; the next one is compared with it."""

    id: str
    text: str
    at: int


class Live:
    """One conversation's session as the worker sees it."""

    __slots__ = (
        "arrivals",
        "exists",
        "last_in",
        "replies",
        "session",
        "standing",
        "state_bytes",
        "window",
    )

    def __init__(self, session: Session, window: Window, *, exists: bool) -> None:
        self.session = session
        self.window = window
        self.exists = exists
        self.state_bytes = encode(session.state)
        self.last_in: LastIn | None = None
        self.standing = Standing()
        """Where the conversation stood after its last message."""
        self.replies: deque[Spoken] = deque(maxlen=MAX_REPLIES)
        """What our side has said since, oldest first."""
        self.arrivals: dict[str, int] = {}
        """When the latest handled message of each client stream was received."""

    def row(self) -> SessionRow:
        """The row to insert for a session that does not exist yet."""
        session = self.session
        return SessionRow(
            session.number, session.id, session.channel, session.account, session.key,
            session.thread, session.status, session.owner, session.owner_id, session.owner_epoch,
            session.version, 0, self.state_bytes, encode(session.streams), session.created_at,
            session.updated_at,
        )  # fmt: skip

    def saw(self, stream: str, sequence: int) -> None:
        """This sequence number of this stream is handled."""
        streams = self.session.streams
        following = max(streams.pop(stream, 0), sequence + 1)
        streams[stream] = following
        while len(streams) > MAX_STREAMS:
            oldest = next(iter(streams))
            del streams[oldest]
            self.arrivals.pop(oldest, None)


class MessageBody(Struct, frozen=True, omit_defaults=True):
    """The body of a `message` event."""

    message_id: str
    received_at: str
    message: msgspec.Raw
    understanding: msgspec.Raw | None = None
    flow: Flow | None = None
    late: bool = False
    gap: bool = False


class ReplyBody(Struct, frozen=True, omit_defaults=True):
    """The body of a `reply` event."""

    reply_id: str
    author: str = "assistant"
    author_name: str | None = None
    text: str | None = None
    parts: list[Any] = []
    quick_replies: list[str] = []
    metadata: dict[str, Any] = {}
    client_id: str | None = None
    tone: str | None = None
    manner: Manner | None = None
    why: ReplyReason | None = None
    thread: str | None = None
    """Of an automatic reply: the thread of the message that it answers."""
    interrupted: bool = False


class _SeenFlow(Struct):
    thread: str | None = None


class _SeenMessage(Struct):
    message_id: str
    message: Message
    flow: _SeenFlow | None = None


_seen_message = msgspec.json.Decoder(_SeenMessage)
_seen_reply = msgspec.json.Decoder(ReplyBody)


def said_of(event: StoreEvent) -> Said | None:
    """The event as a line of the window, or None when nobody said anything."""
    if event.kind == "message":
        seen = _seen_message.decode(event.body)
        message = seen.message
        kind = message.sender.kind if message.sender is not None else "person"
        role = "visitor" if kind == "person" else kind
        thread = seen.flow.thread if seen.flow is not None else None
        return Said(role, message.full_text, event.at, thread, seen.message_id)
    if event.kind == "reply":
        reply = _seen_reply.decode(event.body)
        return Said(reply.author, reply.text or "", event.at, reply.thread, reply.reply_id)
    return None


def _standing_of(session: int, data: bytes) -> Standing:
    """A damaged one is told of and begun anew: it came out of messages, and they go on."""
    try:
        return decode_standing(data)
    except InvalidInput as error:
        log.error("standing_damaged", session=session, detail=str(error))
        return Standing()


def _unsay(live: Live, reply_id: str) -> None:
    """This reply stands in the log, and nobody ever got it."""
    live.window.drop(reply_id)
    kept = [spoken for spoken in live.replies if spoken.id != reply_id]
    live.replies.clear()
    live.replies.extend(kept)


class SessionCache:
    """At most `capacity` conversations; the one that was quiet longest goes first."""

    def __init__(self, store: Store, *, capacity: int, window: int) -> None:
        self._store = store
        self._capacity = capacity
        self._window = window
        self._entries: OrderedDict[bytes, Live] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def streams(self, conversation: bytes) -> dict[str, int] | None:
        """The stream positions of a conversation, if it is in memory."""
        entry = self._entries.get(conversation)
        return entry.session.streams if entry is not None else None

    def get(self, conversation: bytes) -> Live | None:
        entry = self._entries.get(conversation)
        if entry is not None:
            self._entries.move_to_end(conversation)
        return entry

    def put(self, live: Live) -> None:
        self._entries[live.session.id] = live
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)

    def drop(self, conversation: bytes) -> None:
        self._entries.pop(conversation, None)

    def clear(self) -> None:
        self._entries.clear()

    async def load(self, conversations: Iterable[bytes]) -> set[bytes]:
        """Brings these in where the store has them; returns those that do not exist."""
        missing: set[bytes] = set()
        for key in conversations:
            # Those that are here count as used now, or the ones that come in would push them out.
            if self.get(key) is None:
                missing.add(key)
        if not missing:
            return missing
        found = await self._store.sessions(missing)
        places = [
            (session.number, max(0, session.last_seq - 2 * self._window))
            for session in found.values()
            if session.last_seq
        ]
        numbers = [(number,) for number, _ in places]
        lives: dict[int, Live] = {}
        for session in found.values():
            complete = session.last_seq <= 2 * self._window
            live = Live(session, Window(self._window, complete=complete), exists=True)
            lives[session.number] = live
            self.put(live)
        if places:
            for number, standing in await self._store.read("session_flows", sorted(numbers)):
                lives[number].standing = _standing_of(number, standing)
            for row in await self._store.read("events_after", sorted(places)):
                self._remember(lives[row[0]], StoreEvent(*row))
        return missing - found.keys()

    @staticmethod
    def _remember(live: Live, event: StoreEvent) -> None:
        if event.kind == "reply_withdrawn":
            _unsay(live, event.reply_id)
            return
        said = said_of(event)
        if said is None:
            return
        if said.thread is None:
            # Somebody's reply through the API: its thread was found when the next message came.
            said = said._replace(thread=live.standing.threads.thread_of(said.id))
        live.window.add(said)
        if event.kind == "message":
            seen = _seen_message.decode(event.body)
            live.last_in = LastIn(
                seen.message.sender_id, seen.message.full_text, event.at, seen.message_id
            )
            live.replies.clear()
        else:
            live.last_in = None
            if not is_formula(_seen_reply.decode(event.body).why):
                live.replies.append(Spoken(said.id, said.text, event.at))

    async def recent(self, session: Session, last: int, limit: int) -> list[Said]:
        """The last lines of a conversation up to event `last` out of the log, oldest first."""
        lines: list[Said] = []
        before = last + 1
        while len(lines) < limit and before > 1:
            events = await self._store.events_before(session.number, before, 2 * limit)
            if not events:
                break
            before = events[0].seq
            lines = [said for said in map(said_of, events) if said is not None] + lines
        return lines[-limit:]
