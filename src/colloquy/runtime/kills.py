"""What a kill switch does to replies that are committed and not out yet (engine decision 36).

A reply that was made with what is killed now is withdrawn, and its turn is done again without it.
So are the turns behind it in its conversation, as far as nothing of them went out: they were
answered knowing what was never said, and the answers keep the order of the messages. All of that is
one commit: the replies go, what was said comes back into the inbox under its old numbers, and the
log says so. A turn of which a reply went out already is not done again, or it would be answered
twice; the rest of its replies is withdrawn all the same.

What people wrote stays. So does what the first turn changed beside its replies, but for the
question that it asked and the timers that it set: nobody heard the one, and the others will be set
again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from ..delivery.made import Made, MadeFrom, made_of
from ..flags import Flags
from ..model import ids
from ..model.errors import ColloquyError
from ..model.message import encode
from ..model.session import InboxState, Session, SessionStatus
from ..model.times import Clock, to_us
from ..pipeline.work import Note, encode_note, note_of
from ..pipeline.writes import state_change
from ..storage.store import OutboxItem, Store, StoreEvent
from ..storage.write_set import KIND_TIMER, NO_SESSION, EventRow, InboxRow, StateRow, Unit
from ..telemetry import get_logger
from .acting import Actions, new_version

log = get_logger(__name__)

_PAGE = 500
"""Events read at once when the timer of a turn is looked for."""


class _Said(Struct):
    message: msgspec.Raw
    received_at: str
    late: bool = False


class _Retried(Struct):
    inbox_id: int


_said = msgspec.json.Decoder(_Said)
_retried = msgspec.json.Decoder(_Retried)


class _Turn(NamedTuple):
    """Replies of one turn that wait, with what is known of it."""

    items: list[OutboxItem]
    made: Made
    id: bytes | None


class _Taken(NamedTuple):
    """A turn whose replies are withdrawn."""

    turn: _Turn
    hit: frozenset[str]
    """The killed flags that it was made with; none where it only follows one that was."""
    again: list[InboxRow]
    """What is put back for it to be done again; nothing where it is not."""


class KilledReplies:
    """Takes replies back. One per process."""

    def __init__(
        self,
        store: Store,
        flags: Flags,
        actions: Actions,
        *,
        stored: Callable[[Sequence[InboxRow]], None],
        clock: Clock,
    ) -> None:
        """`stored` is called with rows that were put back into the inbox."""
        self._store = store
        self._flags = flags
        self._actions = actions
        self._stored = stored
        self._clock = clock

    async def take_back(self, conversation: bytes) -> Mapping[int, bool]:
        """Withdraws what a switch keeps from going out; see `delivery.outbox.TakeBack`. What is
        being sent at this moment is left. Raises StoreUnavailable, NotFound, and Conflict when the
        conversation is too busy."""
        may_repeat = True

        async def attempt(session: Session) -> tuple[Unit, list[_Taken]]:
            taken = await self._look(session)
            if not may_repeat:
                taken = [one._replace(again=[]) for one in taken if one.hit]
            if not taken:
                return Unit(session=NO_SESSION, at=0), taken
            return self._unit(session, taken), taken

        try:
            unit, taken, _, _ = await self._actions.act(conversation, attempt)
        except ColloquyError:
            raise
        except Exception as error:
            # The database refuses it for good. It does not go out for that.
            log.error("turn_not_put_back", conversation=conversation.hex(), exc_info=error)
            may_repeat = False
            unit, taken, _, _ = await self._actions.act(conversation, attempt)
        put_back = unit.rows.get("inbox_insert", [])
        if taken:
            log.warning(
                "replies_taken_back",
                conversation=conversation.hex(),
                replies=len(unit.withdraw),
                put_back=len(put_back),
                flags=sorted(frozenset().union(*(one.hit for one in taken))),
            )
        if put_back:
            self._stored([InboxRow(*row) for row in put_back])
        return {item.seq: bool(one.again) for one in taken for item in one.turn.items}

    # -- what is taken back -------------------------------------------------------------------

    async def _look(self, session: Session) -> list[_Taken]:
        taken: list[_Taken] = []
        timers: set[int] = set()
        unsent: dict[str, str] | None = None
        for turn in await self._turns(session):
            hit = self._flags.killed.intersection(turn.made.flags)
            follows = any(one.again for one in taken)
            waiting = [item for item in turn.items if item.state != "in_flight"]
            if not waiting or not (hit or follows):
                continue
            if unsent is None:
                first = turn.items[0].seq - turn.made.replies
                unsent = await self._store.unsent(session.number, first, far=True)
            again: list[InboxRow] = []
            # A timer that is taken back is not fired again: the turn that set it sets another.
            was_set = any(row.number in timers for row in turn.made.rows)
            if not was_set and _is_unsaid(turn, unsent, session):
                again = await self._rows(session, turn)
            if again:
                timers.update(turn.made.timers)
            elif not (hit or was_set):
                # It only follows, and cannot be made again: better as it is than lost.
                continue
            taken.append(_Taken(turn._replace(items=waiting), hit, again))
        return taken

    async def _turns(self, session: Session) -> list[_Turn]:
        """The turns of which replies wait, oldest first; those that can be taken back at all."""
        items = [
            item
            for item in await self._store.outbox_of(session.number)
            if item.automatic and item.made
        ]
        if not items:
            return []
        events = await self._store.events_at([(item.session, item.seq) for item in items])
        turns = {event.seq: event.turn_id for event in events}
        found = []
        for turn_id, group in groupby(items, key=lambda item: turns.get(item.seq)):
            rows = list(group)
            made = made_of(rows[0])
            assert made is not None
            found.append(_Turn(rows, made, turn_id))
        return found

    async def _rows(self, session: Session, turn: _Turn) -> list[InboxRow]:
        """The inbox rows that do a turn again; none when something of it cannot be found."""
        assert turn.id is not None
        rows: list[InboxRow] = []
        for row in turn.made.rows:
            if row.kind == KIND_TIMER:
                events = await self._fired(session, turn)
            else:
                events = await self._events_of(row)
            if any(event.kind == "message_duplicate" for event in events):
                continue
            try:
                (event,) = [one for one in events if one.kind in ("message", "timer_fired")]
                rows.append(self._row(session, turn, row, event))
            except (ValueError, msgspec.MsgspecError) as error:
                log.error("turn_not_found", turn=turn.id.hex(), number=row.number, exc_info=error)
                return []
        return rows

    async def _events_of(self, row: MadeFrom) -> list[StoreEvent]:
        """What the log has of one of the turn's messages."""
        found = await self._events_at(row.number)
        if any(event.kind in ("message", "message_duplicate") for event in found):
            return found
        # It was parked before it became a dead letter: it stands under a former number.
        keys = await self._store.query("message_key", bytes.fromhex(row.message_id))
        number: int = keys[0][1] if keys else row.number
        while number != row.number:
            former = await self._events_at(number)
            found += former
            retried = [event for event in former if event.kind == "dead_letter_retried"]
            number = _retried.decode(retried[0].body).inbox_id if retried else row.number
        return found

    async def _fired(self, session: Session, turn: _Turn) -> list[StoreEvent]:
        """The event of the timer that the turn is about: it stands before its replies, with nothing
        but the calls of its tools between."""
        before = turn.items[0].seq
        while events := await self._store.events_before(session.number, before, _PAGE):
            for event in events:
                if event.turn_id == turn.id and event.kind == "timer_fired":
                    return [event]
            before = events[0].seq
        return []

    async def _events_at(self, number: int) -> list[StoreEvent]:
        return [StoreEvent(*row) for row in await self._store.query("events_of_inbox", number)]

    def _row(self, session: Session, turn: _Turn, row: MadeFrom, event: StoreEvent) -> InboxRow:
        assert turn.id is not None
        now = self._clock()
        is_timer = row.kind == KIND_TIMER
        said = None if is_timer else _said.decode(event.body)
        note = Note(late=said is not None and said.late)
        return InboxRow(
            row.number,
            bytes.fromhex(row.message_id),
            session.id,
            ids.partition_of(session.id),
            row.kind,
            InboxState.AGAIN.value,
            # A timer has its place by when it was due. What waits ages from when it was put back.
            event.at if said is None else now,
            now if said is None else to_us(datetime.fromisoformat(said.received_at)),
            # Its number of its client's stream is counted.
            None,
            None,
            0,
            0 if is_timer else 1,
            event.body if said is None else bytes(said.message),
            encode_note(note),
        )

    # -- the commit ---------------------------------------------------------------------------

    def _unit(self, session: Session, taken: list[_Taken]) -> Unit:
        now = self._clock()
        unsaid = [item.reply_id.hex() for one in taken for item in one.turn.items]
        unit = Unit(
            session=session.number,
            at=now,
            version=session.version,
            withdraw=tuple((item.session, item.seq) for one in taken for item in one.turn.items),
        )
        for one in taken:
            unit.events += self._withdrawn(one, now)
        rows: list[tuple[object, ...]] = []
        timers: list[tuple[object, ...]] = []
        for one in taken:
            if not one.again:
                continue
            timers += [(number,) for number in one.turn.made.timers]
            # The same for all its rows: by that they are one turn again.
            note = encode_note(
                Note(
                    late=any(note_of(row.note).late for row in one.again),
                    again=one.turn.id.hex() if one.turn.id else "",
                    unsaid=unsaid,
                )
            )
            for row in one.again:
                rows.append(row._replace(note=note))
                unit.events.append(self._again(one, row, now))
        if timers:
            unit.rows["inbox_delete"] = timers
        if rows:
            unit.rows["inbox_insert"] = rows
        self._reopen(unit, session, taken, now)
        return unit

    def _withdrawn(self, one: _Taken, now: int) -> list[EventRow]:
        body: dict[str, Any] = {"reason": "killed" if one.hit else "follows_killed"}
        body |= self._cause(one)
        body["again"] = bool(one.again)
        return [
            EventRow(
                "reply_withdrawn",
                now,
                one.turn.id,
                None,
                encode({"reply_id": item.reply_id.hex(), "seq": item.seq, **body}),
            )
            for item in one.turn.items
        ]

    def _again(self, one: _Taken, row: InboxRow, now: int) -> EventRow:
        assert one.turn.id is not None
        body: dict[str, Any] = {"turn_id": one.turn.id.hex()}
        if row.kind != KIND_TIMER:
            body["message_id"] = row.message_id.hex()
        turn = ids.turn_again(one.turn.id, one.again[0].message_id)
        return EventRow("turn_again", now, turn, row.id, encode(body | self._cause(one)))

    def _cause(self, one: _Taken) -> dict[str, Any]:
        """The killed flags that it was made with, and the switches that hold them."""
        if not one.hit:
            return {}
        held = {self._flags.held(name) for name in one.hit}
        return {
            "flags": sorted(one.hit),
            "switches": sorted(where for where in held if where is not None),
        }

    def _reopen(self, unit: Unit, session: Session, taken: list[_Taken], now: int) -> None:
        """The question that was open before the first turn that is done again is open again. In any
        case the session has another version: a turn that is being made knows what is withdrawn
        here, and is to be made again behind it."""
        unit.state = new_version(session)
        first = next((one.turn.made for one in taken if one.again), None)
        if first is None or session.state.get("asked") == first.asked:
            return
        state = {name: value for name, value in session.state.items() if name != "asked"}
        if first.asked is not None:
            state["asked"] = first.asked
        status: str = session.status
        if session.owner == "assistant":
            status = SessionStatus.OPEN if first.asked is None else SessionStatus.WAITING
        if status != session.status:
            body = {"from": session.status, "to": status}
            unit.events.append(EventRow("status_changed", now, None, None, encode(body)))
        after = encode(state)
        unit.state = StateRow(
            status, session.owner, session.owner_id, session.owner_epoch, session.version + 1, after
        )
        unit.changes.append(
            state_change(now, "engine", session.number, session.id, unit.state, after)
        )


def _is_unsaid(turn: _Turn, unsent: Mapping[str, str], session: Session) -> bool:
    """Whether nothing of a turn went out or is on its way, and nobody took its conversation over
    since."""
    if turn.id is None or turn.items[0].owner_epoch != session.owner_epoch:
        return False
    if any(item.state == "in_flight" for item in turn.items):
        return False
    waiting = {item.reply_id for item in turn.items}
    replies = (ids.reply_id(turn.id, index) for index in range(turn.made.replies))
    return all(reply in waiting or reply.hex() in unsent for reply in replies)
