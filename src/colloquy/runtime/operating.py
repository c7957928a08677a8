"""What people and programs do to a conversation: reply, take over, give back; and dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ..delivery.live import Signals
from ..delivery.outbox import Delivery, Outgoing, reply_view, withdrawn_event
from ..model import ids
from ..model.errors import Conflict, InvalidInput, NotFound, PreconditionFailed, TooLarge
from ..model.message import MAX_TEXT, encode
from ..model.session import Session
from ..model.times import Clock, now_us
from ..model.views import OwnerRequest, OwnerView, ReplyRequest, ReplyView
from ..pipeline.cache import ReplyBody
from ..pipeline.work import Note, encode_note, note_of
from ..pipeline.writes import HIGH, state_change
from ..storage.store import DeadLetter, OutboxItem, Store, StoreEvent
from ..storage.write_set import (
    NO_SESSION,
    EventRow,
    InboxRow,
    OutboxRow,
    StateRow,
    Unit,
    Verdict,
    WriteSet,
)

TRIES = 50
"""Times an action is tried again because the conversation moved on meanwhile."""
IN_FLIGHT_POLL_S = 0.05


class Desk:
    """The operators' actions on one store. Each is one commit, guarded by the session's version."""

    def __init__(
        self,
        store: Store,
        delivery: Delivery,
        signals: Signals,
        *,
        stored: Callable[[], None],
        moved: Callable[[bytes], None],
        in_flight_wait_s: float,
        clock: Clock = now_us,
    ) -> None:
        """`stored` is called when rows were put back into the inbox, `moved` with a conversation
        that was written to: what is known of it in memory is old."""
        self._store = store
        self._delivery = delivery
        self._signals = signals
        self._stored = stored
        self._moved = moved
        self._in_flight_wait_s = in_flight_wait_s
        self._clock = clock

    # -- owner --------------------------------------------------------------------------------

    async def set_owner(
        self,
        conversation_id: str,
        request: OwnerRequest,
        actor: str,
        version: int | None = None,
    ) -> OwnerView:
        """Takes a conversation over or gives it back.

        In one transaction the owner's epoch rises and unsent automatic replies are withdrawn; what
        is being sent at this moment is waited for, then reported. Raises NotFound, and
        PreconditionFailed when the conversation no longer has this version.
        """
        conversation = ids.parse_id(conversation_id, "conversation_id")

        async def attempt(session: Session) -> tuple[Unit, OwnerView]:
            # The commit is guarded by the version read here: of two with one `version` one wins.
            if version is not None and session.version != version:
                raise PreconditionFailed("the conversation changed meanwhile", field="If-Match")
            now = self._clock()
            unit = Unit(session=session.number, at=now, version=session.version)
            withdrawn, in_flight = await self._move_owner(unit, session, request, actor, now)
            view = OwnerView(
                conversation_id=conversation_id,
                owner=request.owner,
                owner_epoch=session.owner_epoch,
                effective=not in_flight,
                withdrawn=withdrawn,
                in_flight=[item.reply_id.hex() for item in in_flight],
                owner_id=request.owner_id,
            )
            return unit, view

        view: OwnerView
        _, view, session, _ = await self._act(conversation, attempt)
        if view.in_flight:
            view = await self._wait_in_flight(session, view)
        self._signals.touch(conversation)
        self._delivery.wake()
        return view

    async def _move_owner(
        self, unit: Unit, session: Session, request: OwnerRequest, actor: str, now: int
    ) -> tuple[int, list[OutboxItem]]:
        """Adds the change of owner to a unit; returns (withdrawn, replies being sent now)."""
        queued = [item for item in await self._store.outbox_of(session.number) if item.automatic]
        unsent = [item for item in queued if item.state != "in_flight"]
        body = {
            "from": session.owner,
            "owner": request.owner,
            "owner_id": request.owner_id,
            "reason": request.reason,
            "actor": actor,
            "epoch": session.owner_epoch + 1,
        }
        session.owner = request.owner
        session.owner_id = request.owner_id
        session.owner_epoch += 1
        session.version += 1
        session.status = "open" if request.owner == "assistant" else "handed_over"
        state = encode(session.state)
        unit.withdraw = tuple((item.session, item.seq) for item in unsent)
        unit.events += [withdrawn_event(item, now) for item in unsent]
        unit.events.append(EventRow("owner_changed", now, None, None, encode(body)))
        unit.state = StateRow(
            session.status, session.owner, session.owner_id, session.owner_epoch, session.version,
            state,
        )  # fmt: skip
        unit.changes.append(state_change(now, actor, session.number, session.id, unit.state, state))
        return len(unsent), [item for item in queued if item.state == "in_flight"]

    async def _wait_in_flight(self, session: Session, view: OwnerView) -> OwnerView:
        waiting = set(view.in_flight)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._in_flight_wait_s
        while waiting and loop.time() < deadline:
            await asyncio.sleep(IN_FLIGHT_POLL_S)
            left = await self._store.outbox_of(session.number)
            waiting &= {item.reply_id.hex() for item in left if item.state == "in_flight"}
        return msgspec.structs.replace(view, effective=not waiting, in_flight=sorted(waiting))

    # -- replies ------------------------------------------------------------------------------

    async def reply(self, conversation_id: str, request: ReplyRequest, actor: str) -> ReplyView:
        """A reply by a person or a program. The same `id` again is the same reply.

        Raises NotFound, InvalidInput, TooLarge, Conflict.
        """
        conversation = ids.parse_id(conversation_id, "conversation_id")
        if not request.text and not request.parts:
            raise InvalidInput("a reply needs `text` or `parts`", field="text")
        if request.text and len(request.text) > MAX_TEXT:
            raise TooLarge(f"a reply may have {MAX_TEXT} characters", field="text")
        client_id = request.id or ids.uuid7().hex()
        key = ids.effect_key(conversation, "reply", client_id.encode("utf-8", "surrogatepass"))
        body = ReplyBody(
            reply_id=key.hex(),
            author=request.author,
            author_name=request.author_name,
            text=request.text,
            parts=list(request.parts),
            metadata=request.metadata,
            client_id=client_id,
        )
        encoded = encode(body)
        sent: list[ReplyView] = []

        async def attempt(session: Session) -> tuple[Unit, ReplyView | None]:
            known = await self._store.effect(key)
            if known is not None:
                if known.result != ids.body_hash(encoded):
                    raise Conflict("another reply was sent with this id", field="id")
                sent.append(await self._find_reply(session, key))
                return Unit(session=NO_SESSION, at=0), None
            now = self._clock()
            unit = Unit(session=session.number, at=now, version=session.version)
            if request.take_over:
                owner = OwnerRequest(owner=request.author, owner_id=actor)
                await self._move_owner(unit, session, owner, actor, now)
            else:
                # The version moves although nothing else does: of two requests with one id that
                # come at the same time the second is a conflict, looks again and finds the first.
                state = encode(session.state)
                unit.state = StateRow(
                    session.status, session.owner, session.owner_id, session.owner_epoch,
                    session.version + 1, state,
                )  # fmt: skip
            unit.rows["effect_insert"] = [
                (key, "reply", session.number, key, "done", now, ids.body_hash(encoded))
            ]
            unit.outbox.append(
                OutboxRow(
                    len(unit.events), key, session.channel, session.account, False,
                    session.owner_epoch, HIGH, now,
                )
            )  # fmt: skip
            unit.events.append(EventRow("reply", now, None, None, encoded))
            return unit, None

        unit, _, session, first_seq = await self._act(conversation, attempt)
        if sent:
            return sent[0]
        row = unit.outbox[0]
        seq = first_seq + row.event
        item = OutboxItem(
            session.number, seq, key, row.channel, row.account, 0, row.owner_epoch, row.priority,
            "pending", row.due_at, 0, None, session.id, session.key, session.thread,
        )  # fmt: skip
        self._delivery.offer([Outgoing(item, None, unit.at, encoded)])
        self._signals.touch(conversation)
        await self._store.signal("outbox", str(session.number))
        return reply_view(encoded, conversation=conversation, seq=seq, at=unit.at, turn_id=None)

    async def _find_reply(self, session: Session, key: bytes) -> ReplyView:
        """The event of a reply that was sent before, newest first."""
        # Sent by another request, it may be newer than what this one has read.
        session = await self._store.session(session.id)
        before = session.last_seq + 1
        while before > 1:
            events = await self._store.events_before(session.number, before, 200)
            if not events:
                break
            for event in reversed(events):
                if event.kind == "reply" and _reply_id(event) == key.hex():
                    return reply_view(
                        event.body, conversation=session.id, seq=event.seq, at=event.at,
                        turn_id=None,
                    )  # fmt: skip
            before = events[0].seq
        raise NotFound(f"no reply {key.hex()}")

    async def _act(
        self,
        conversation: bytes,
        attempt: Callable[[Session], Awaitable[tuple[Unit, Any]]],
    ) -> tuple[Unit, Any, Session, int]:
        """Reads the session, commits what `attempt` makes of it, again when it moved on."""
        for _ in range(TRIES):
            session = await self._store.session(conversation)
            unit, result = await attempt(session)
            if unit.session == NO_SESSION:
                return unit, result, session, 0
            (outcome,) = await self._store.commit(WriteSet(units=[unit]))
            if outcome.verdict is Verdict.COMMITTED:
                self._moved(conversation)
                return unit, result, session, outcome.first_seq
            if outcome.verdict is Verdict.FAILED and outcome.error is not None:
                raise outcome.error
            await asyncio.sleep(0.002)
        raise Conflict("the conversation is too busy; try again")

    # -- dead letters -------------------------------------------------------------------------

    async def retry_dead_letters(
        self, numbers: list[int] | None, conversation_id: str | None, actor: str
    ) -> list[int]:
        """Puts dead letters back, each as a new turn at the end of its conversation.

        By number, or all of a conversation in their order. Later turns are not run again. Returns
        the numbers that were put back. Raises NotFound, Conflict (discarded before), InvalidInput.
        """
        if conversation_id is not None:
            letters = await self._store.dead_letters_of(
                ids.parse_id(conversation_id, "conversation_id")
            )
            if numbers is not None:
                letters = [letter for letter in letters if letter.id in set(numbers)]
        elif numbers:
            letters = [await self._dead(number) for number in sorted(set(numbers))]
        else:
            raise InvalidInput("say which: `numbers` or `conversation_id`", field="numbers")
        retried: list[int] = []
        for letter in letters:
            if await self._revive(letter, actor):
                retried.append(letter.id)
        if retried:
            self._stored()
        return retried

    async def _dead(self, number: int) -> DeadLetter:
        letter = await self._store.dead_letter(number)
        if letter.status != "dead":
            raise Conflict(f"dead letter {number} was {letter.status}", field="numbers")
        return letter

    async def _revive(self, letter: DeadLetter, actor: str) -> bool:
        """Moves the row back in one transaction, past de-duplication (engine decision 20)."""
        now = self._clock()
        (number,) = await self._store.new_inbox_numbers(1)
        session = (await self._store.sessions([letter.conversation])).get(letter.conversation)
        note = Note(attempts=note_of(letter.note).attempts, late=True, gap=letter.sequence)
        row = InboxRow(
            number, letter.message_id, letter.conversation,
            ids.partition_of(letter.conversation), letter.kind, "ready", 0, now, None, None, 0,
            letter.recorded, letter.payload, encode_note(note),
        )  # fmt: skip
        unit = Unit(
            session=session.number if session is not None else NO_SESSION,
            at=now,
            revive=(letter.id,),
        )
        if session is not None:
            body = {
                "message_id": letter.message_id.hex(),
                "number": letter.id,
                "inbox_id": number,
                "actor": actor,
            }
            unit.events.append(EventRow("dead_letter_retried", now, None, letter.id, encode(body)))
        unit.rows["inbox_insert"] = [row]
        (outcome,) = await self._store.commit(WriteSet(units=[unit]))
        if outcome.verdict is Verdict.FAILED and outcome.error is not None:
            raise outcome.error
        return outcome.verdict is Verdict.COMMITTED

    async def discard_dead_letters(self, numbers: list[int], actor: str) -> list[int]:
        """Marks dead letters as seen and not to be retried; they are kept. Raises NotFound."""
        letters = [await self._dead(number) for number in sorted(set(numbers))]
        if letters:
            await self._store.change(
                "dead_letter_status", [(letter.id, "discarded") for letter in letters]
            )
        return [letter.id for letter in letters]


def _reply_id(event: StoreEvent) -> str:
    found: str = msgspec.json.decode(event.body)["reply_id"]
    return found
