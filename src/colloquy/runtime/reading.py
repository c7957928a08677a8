"""Reading: where a message is, what was said, what happens now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, NamedTuple

import msgspec

from ..delivery.drafts import Drafts
from ..delivery.live import Signals
from ..delivery.outbox import reply_view
from ..model import ids
from ..model.errors import NotFound, StoreUnavailable
from ..model.session import Session
from ..model.times import rfc3339
from ..model.views import (
    ConversationPage,
    ConversationView,
    DeadLetterPage,
    DeadLetterView,
    EventPage,
    MessageState,
    ReplyView,
    StreamItem,
    Trace,
    TraceStep,
)
from ..pipeline.scheduler import Scheduler
from ..pipeline.work import note_of
from ..storage.store import DeadLetter, Store, StoreEvent

MAX_PAGE = 500
KEEP_ALIVE_S = 15.0
STREAM_KINDS = (
    *("message", "message_duplicate", "reply", "owner_changed"),
    *("reply_withdrawn", "reply_failed"),
)
SHARED_POLL_S = 0.5
"""On a shared store a stream also looks by itself: signals between processes are lossy."""
_WHY = {
    "ready": "waits for its turn",
    "held": "waits for an earlier number of its client's stream",
    "quiet": "waits for the rest of the burst",
    "retry": "failed and will be tried again",
    "parked": "its handler is still working",
    "stored": "waits for its turn",
}


_SAID = ("message", "message_duplicate")
_ENDS = (*_SAID, "dead_lettered", "dead_letter_retried")
"""Events after which the replies of a turn stand."""


class _Found(NamedTuple):
    """A message that was looked for."""

    state: MessageState
    number: int
    """Its inbox number now: a dead letter that was retried has a new one."""
    history: list[StoreEvent]
    pending: bool = False
    """Replies of it are committed and not released yet."""


class Reader:
    """What clients and operators can look at."""

    def __init__(
        self,
        store: Store,
        signals: Signals,
        drafts: Drafts,
        scheduler: Scheduler,
        in_spool: Callable[[bytes], bool],
    ) -> None:
        self._store = store
        self._in_spool = in_spool
        self._signals = signals
        self._drafts = drafts
        self._scheduler = scheduler

    # -- messages -----------------------------------------------------------------------------

    async def message(self, message_id: str) -> MessageState:
        """Where a message is. Raises NotFound, InvalidInput."""
        key = ids.parse_id(message_id, "message_id")
        try:
            return (await self._look(key)).state
        except (NotFound, StoreUnavailable):
            if not self._in_spool(key):
                raise
            why = "waits on this server's disk until the database can be written again"
            return MessageState(message_id=message_id, state="spooled", why=why)

    async def answered(self, message_id: str) -> tuple[bool, list[ReplyView] | None]:
        """(whether a message is finished, its replies once all are released).

        Raises NotFound, InvalidInput.
        """
        found = await self._look(ids.parse_id(message_id, "message_id"))
        finished = found.state.state in ("done", "dead")
        return finished, found.state.replies if finished and not found.pending else None

    async def _look(self, key: bytes) -> _Found:
        rows = await self._store.query("message_key", key)
        if not rows:
            raise NotFound(f"no message {key.hex()}")
        number: int = rows[0][1]
        history: list[StoreEvent] = []
        while True:
            # The inbox before the log: a commit between the two reads is then seen as "still
            # waiting", while the other way round the message would be in neither.
            waiting = await self._store.query("inbox_headers", number - 1, 1)
            events = [
                StoreEvent(*row) for row in await self._store.query("events_of_inbox", number)
            ]
            history += events
            retried = next((item for item in events if item.kind == "dead_letter_retried"), None)
            if retried is None:
                break
            # A dead letter that was retried goes on under a new number.
            number = msgspec.json.decode(retried.body)["inbox_id"]
        row = waiting[0] if waiting and waiting[0][0] == number else None
        if row is not None:
            return _Found(self._waiting(key, row), number, history)
        return await self._finished(key, number, history)

    def _waiting(self, key: bytes, row: Any) -> MessageState:
        """`row` is the header of its inbox row."""
        state, due = row[5], row[6]
        in_memory = self._scheduler.waits_for(row[0], row[2])
        if in_memory is not None:
            state, due = in_memory
        if state == "ready":
            state = "stored"
        return MessageState(
            message_id=key.hex(),
            state=state,
            why=_WHY[state],
            conversation_id=row[2].hex(),
            due_at=rfc3339(due) if due else None,
            attempts=row[10],
        )

    async def _finished(self, key: bytes, number: int, history: list[StoreEvent]) -> _Found:
        ended = next((item for item in reversed(history) if item.kind in _ENDS), None)
        letters = await self._store.query("dead_by_message", key)
        if ended is None and not letters:
            state = MessageState(
                message_id=key.hex(), state="done", why="nothing is left of it but its id"
            )
            return _Found(state, number, history)
        views, pending = await self._replies(ended, key, number) if ended else ([], False)
        if letters and letters[0][0] == number:
            letter = DeadLetter(*letters[0])
            state = MessageState(
                message_id=key.hex(),
                state="dead",
                why=f"{letter.cause}: {letter.detail}"
                + (" (discarded)" if letter.status == "discarded" else ""),
                conversation_id=letter.conversation.hex(),
                attempts=len(note_of(letter.note).attempts),
                replies=views,
            )
            return _Found(state, number, history, pending)
        assert ended is not None
        said = next((item for item in reversed(history) if item.kind in _SAID), ended)
        sessions = await self._sessions_of([ended.session])
        state = MessageState(
            message_id=key.hex(),
            state="done",
            why="the same text came just before"
            if said.kind == "message_duplicate"
            else "committed",
            conversation_id=sessions[ended.session].id.hex(),
            seq=said.seq,
            replies=views,
        )
        return _Found(state, number, history, pending)

    async def _replies(
        self, ended: StoreEvent, key: bytes, number: int
    ) -> tuple[list[ReplyView], bool]:
        """The replies of the last turn of a message, without those that are known not to have been
        sent, and whether some are not released yet."""
        turn = ended.turn_id
        if ended.kind == "dead_letter_retried":
            # Its message event was written before it died; the turn is a new one.
            turn = ids.turn_id(key, number)
        if turn is None or ended.kind == "message_duplicate":
            return [], False
        found: list[StoreEvent] = []
        after = ended.seq
        while not found:
            events = await self._store.events(ended.session, after, MAX_PAGE)
            found = [item for item in events if item.kind == "reply" and item.turn_id == turn]
            if ended.kind != "dead_letter_retried" or len(events) < MAX_PAGE:
                # The replies stand behind the message; only a retried one has to be looked for.
                break
            after = events[-1].seq
        if not found:
            return [], False
        waiting = {
            item.seq
            for item in await self._store.outbox_of(ended.session)
            if item.state == "pending"
        }
        unsent = await self._unsent(ended.session, found[0].seq)
        sessions = await self._sessions_of([ended.session])
        conversation = sessions[ended.session].id
        views = [self._view(item, conversation) for item in found]
        return (
            [view for view in views if view.reply_id not in unsent],
            any(item.seq in waiting for item in found),
        )

    async def _unsent(self, session: int, after: int) -> dict[str, str]:
        """Reply id → kind of the event that says that it was not sent. Read it after the outbox."""
        rows = await self._store.query("unsent_after", session, after)
        return {msgspec.json.decode(body)["reply_id"]: kind for kind, body in rows}

    @staticmethod
    def _view(event: StoreEvent, conversation: bytes) -> ReplyView:
        return reply_view(
            event.body,
            conversation=conversation,
            seq=event.seq,
            at=event.at,
            turn_id=event.turn_id,
        )

    async def trace(self, message_id: str) -> Trace:
        """Where a message is and everything that happened to it. Raises NotFound, InvalidInput."""
        key = ids.parse_id(message_id, "message_id")
        state, number, history, _ = await self._look(key)
        steps: list[TraceStep] = []
        events = list(history)
        turns = {event.turn_id for event in history if event.turn_id is not None}
        turns.add(ids.turn_id(key, number))
        for event in history:
            if event.turn_id is not None or event.kind == "dead_letter_retried":
                following = await self._store.events(event.session, event.seq, 100)
                known = {item.position for item in events}
                events += [
                    item
                    for item in following
                    if item.turn_id in turns and item.position not in known
                ]
        for event in sorted(events, key=lambda item: item.position):
            detail = msgspec.json.decode(event.body)
            if event.kind == "message":
                steps.append(
                    TraceStep(detail["received_at"], "accepted", {"message": detail["message"]})
                )
            steps.append(TraceStep(rfc3339(event.at), event.kind, {"seq": event.seq, **detail}))
        for letter in await self._store.query("dead_by_message", key):
            row = DeadLetter(*letter)
            steps += [
                TraceStep(attempt["at"], "attempt_failed", attempt)
                for attempt in note_of(row.note).attempts
            ]
        rows = await self._store.query("inbox_headers", number - 1, 1)
        if rows and rows[0][0] == number:
            if not any(event.kind == "message" for event in history):
                steps.append(TraceStep(rfc3339(rows[0][7]), "accepted", {"inbox_id": number}))
            steps += [
                TraceStep(attempt["at"], "attempt_failed", attempt)
                for attempt in note_of(rows[0][13]).attempts
            ]
        steps.sort(key=lambda step: step.at)
        return Trace(state, steps)

    # -- conversations ------------------------------------------------------------------------

    async def conversations(self, before: int | None = None, limit: int = 50) -> ConversationPage:
        """Newest first."""
        limit = max(1, min(limit, MAX_PAGE))
        sessions = await self._store.sessions_page(before, limit)
        return ConversationPage(
            [conversation_view(session) for session in sessions],
            sessions[-1].number if len(sessions) == limit else None,
        )

    async def conversation(self, conversation_id: str) -> ConversationView:
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
            known |= await self._sessions_of(list(wanted))
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

    async def _sessions_of(self, numbers: list[int]) -> dict[int, Session]:
        from ..storage.store import session_from

        rows = await self._store.read("sessions_by_number", [(number,) for number in numbers])
        return {row[0]: session_from(row) for row in rows}

    # -- live ---------------------------------------------------------------------------------

    async def stream(
        self, conversation: bytes, after: int | None = None
    ) -> AsyncIterator[StreamItem | None]:
        """What happens in a conversation, in order, at least once, from `after` on.

        `after` None means only what is new; the conversation need not exist yet. Yields None every
        15 s to keep the line alive. Replies appear once they are released; what a turn at work
        writes is shown before, when nothing of the log is left to show. Ends when the server stops.
        """
        watcher = self._signals.watch(conversation)
        follower = self._drafts.follow(conversation)
        number: int | None = None
        position = after
        idle = 0.0
        try:
            while not self._signals.closed:
                watcher.wake.clear()
                has_news, watcher.has_news = watcher.has_news, False
                if has_news and number is None:
                    found = await self._store.sessions([conversation])
                    session = found.get(conversation)
                    if session is not None:
                        number = session.number
                        follower.epoch = session.owner_epoch
                        if position is None:
                            position = session.last_seq
                    elif position is None:
                        position = 0
                if has_news and number is not None:
                    assert position is not None
                    items, position = await self._news(number, conversation, position)
                    for item in items:
                        idle = 0.0
                        follower.saw(item)
                        yield item
                    if items:
                        watcher.has_news = True
                        continue
                for item in follower.take():
                    idle = 0.0
                    yield item
                wait = SHARED_POLL_S if self._store.shared else KEEP_ALIVE_S
                try:
                    async with asyncio.timeout(wait):
                        await watcher.wake.wait()
                except TimeoutError:
                    watcher.has_news = True
                    idle += wait
                    if idle >= KEEP_ALIVE_S:
                        idle = 0.0
                        yield None
        finally:
            self._signals.unwatch(conversation, watcher)
            self._drafts.left(conversation)

    async def _news(
        self, number: int, conversation: bytes, after: int
    ) -> tuple[list[StreamItem], int]:
        """The items after a place, up to the first reply that is not released yet.

        The log is read before the outbox: a reply in it whose row is gone was released, or was
        withdrawn, and then an event says so by now.
        """
        events = await self._store.events(number, after, MAX_PAGE)
        if not events:
            return [], after
        pending = {
            item.seq for item in await self._store.outbox_of(number) if item.state == "pending"
        }
        replies = [event.seq for event in events if event.kind == "reply"]
        unsent = await self._unsent(number, replies[0]) if replies else {}
        items: list[StreamItem] = []
        for event in events:
            if event.seq in pending:
                break
            after = event.seq
            if event.kind == "reply" and unsent.get(_reply_id(event)) == "reply_withdrawn":
                continue
            if event.kind in STREAM_KINDS:
                items.append(self._item(event, conversation))
        return items, after

    def _item(self, event: StoreEvent, conversation: bytes) -> StreamItem:
        at = rfc3339(event.at)
        if event.kind == "reply":
            return StreamItem("reply", event.seq, at, reply=self._view(event, conversation))
        if event.kind == "message":
            return StreamItem("message", event.seq, at, message=msgspec.Raw(event.body))
        kind = "owner" if event.kind == "owner_changed" else event.kind
        return StreamItem(kind, event.seq, at, data=msgspec.json.decode(event.body))

    # -- dead letters -------------------------------------------------------------------------

    async def dead_letters(
        self, before: int | None = None, limit: int = 50, status: str = "dead"
    ) -> DeadLetterPage:
        """Newest first."""
        limit = max(1, min(limit, MAX_PAGE))
        letters = await self._store.dead_letters(before, limit, status)
        return DeadLetterPage(
            [letter_view(letter) for letter in letters],
            letters[-1].id if len(letters) == limit else None,
        )

    async def dead_letter(self, number: int) -> DeadLetterView:
        """Raises NotFound."""
        return letter_view(await self._store.dead_letter(number))


def _reply_id(event: StoreEvent) -> str:
    found: str = msgspec.json.decode(event.body)["reply_id"]
    return found


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
        owner_id=session.owner_id,
        state=session.state,
        version=session.version,
    )


def letter_view(letter: DeadLetter) -> DeadLetterView:
    return DeadLetterView(
        number=letter.id,
        message_id=letter.message_id.hex(),
        conversation_id=letter.conversation.hex(),
        received_at=rfc3339(letter.received_at),
        dead_at=rfc3339(letter.dead_at),
        cause=letter.cause,
        detail=letter.detail,
        status=letter.status,
        message=msgspec.Raw(letter.payload),
        attempts=note_of(letter.note).attempts,
    )
