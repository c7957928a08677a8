"""Where a message is and what became of it: inbox, log, outbox and dead letters put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from ..delivery.outgoing import reply_of
from ..model import ids
from ..model.errors import NotFound, StoreUnavailable
from ..model.times import rfc3339
from ..model.views import MessageState, ReplyView, Trace, TraceStep
from ..pipeline.scheduler import AGAIN, Scheduler
from ..pipeline.work import note_of
from ..storage.store import DeadLetter, Store, StoreEvent

_PAGE = 500
"""Events read at once when a turn's replies are looked for."""
_WHY = {
    "ready": "waits for its turn",
    "held": "waits for an earlier number of its client's stream",
    "quiet": "waits for the rest of the burst",
    "retry": "failed and will be tried again",
    "parked": "its handler is still working",
    "stored": "waits for its turn",
    AGAIN: "is answered again: a kill switch took its answer back",
}

_SAID = ("message", "message_duplicate")
_FAR = ("dead_letter_retried", "turn_again")
"""Events that say that a message is handled once more: who knows when."""
_ENDS = (*_SAID, "dead_lettered", *_FAR)
"""Events after which the replies of a turn stand."""


class _Found(NamedTuple):
    """A message that was looked for."""

    state: MessageState
    number: int
    """Its inbox number now: a dead letter that was retried has a new one."""
    history: list[StoreEvent]
    pending: bool = False
    """Replies of it are committed and not released yet."""


class Lookup:
    """Finds messages by their id."""

    def __init__(
        self, store: Store, scheduler: Scheduler, in_spool: Callable[[bytes], bool]
    ) -> None:
        self._store = store
        self._scheduler = scheduler
        self._in_spool = in_spool

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
        """(whether a message is finished, its replies once all are released, and none waits for
        another attempt).

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
        return MessageState(
            message_id=key.hex(),
            state="stored" if state in ("ready", AGAIN) else state,
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
        sessions = await self._store.sessions_by_number([ended.session])
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
        turns = {turn}
        if ended.kind == "turn_again":
            # If it was in a burst that had to be taken apart, its turn is its own.
            former = bytes.fromhex(msgspec.json.decode(ended.body)["turn_id"])
            turns.add(ids.turn_again(former, key))
        # The replies stand behind the message; only those of a later turn have to be looked for.
        is_near = ended.kind not in _FAR
        found = [item for item in await self._behind(ended, turns, is_near) if item.kind == "reply"]
        if not found:
            return [], False
        # One whose channel did not take it may still be withdrawn.
        waiting = {
            item.seq
            for item in await self._store.outbox_of(ended.session)
            if item.state != "in_flight"
        }
        unsent = await self._store.unsent(ended.session, found[0].seq)
        if "reply_withdrawn" in unsent.values():
            # Meanwhile its turn may have been put back, to be done again.
            for row in await self._store.query("events_of_inbox", number):
                event = StoreEvent(*row)
                if event.kind == "turn_again" and event.position > ended.position:
                    return [], True
        sessions = await self._store.sessions_by_number([ended.session])
        conversation = sessions[ended.session].id
        views = [reply_of(item, conversation) for item in found]
        return (
            [view for view in views if view.reply_id not in unsent],
            any(item.seq in waiting for item in found),
        )

    async def _behind(
        self, start: StoreEvent, turns: set[bytes], is_near: bool = True
    ) -> list[StoreEvent]:
        """The events of these turns on the first page after an event, or, unless they are near, on
        the first page that has any; and on those behind it for as long as a page ends with one: a
        turn that called many tools has many."""
        found: list[StoreEvent] = []
        after = start.seq
        while True:
            events = await self._store.events(start.session, after, _PAGE)
            found += [item for item in events if item.turn_id in turns]
            if len(events) < _PAGE:
                return found
            if (found and found[-1] is not events[-1]) or (is_near and not found):
                return found
            after = events[-1].seq

    async def trace(self, message_id: str) -> Trace:
        """Where a message is and everything that happened to it. Raises NotFound, InvalidInput."""
        key = ids.parse_id(message_id, "message_id")
        state, number, history, _ = await self._look(key)
        steps: list[TraceStep] = []
        events = list(history)
        turns = {event.turn_id for event in history if event.turn_id is not None}
        turns.add(ids.turn_id(key, number))
        for event in history:
            if event.kind == "turn_again":
                former = bytes.fromhex(msgspec.json.decode(event.body)["turn_id"])
                turns.add(ids.turn_again(former, key))
        for event in history:
            if event.turn_id is not None or event.kind == "dead_letter_retried":
                known = {item.position for item in events}
                following = await self._behind(event, turns)
                events += [item for item in following if item.position not in known]
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
