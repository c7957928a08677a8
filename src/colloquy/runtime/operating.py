"""What people and programs do to a conversation: reply, take over, give back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from ..delivery.live import Signals
from ..delivery.outbox import Delivery
from ..delivery.outgoing import Outgoing, reply_of, reply_view, withdrawn_event
from ..model import ids
from ..model.errors import Conflict, InvalidInput, NotFound, PreconditionFailed, TooLarge
from ..model.message import MAX_TEXT, encode
from ..model.session import Session
from ..model.times import Clock, now_us
from ..model.views import OwnerRequest, OwnerView, ReplyRequest, ReplyView
from ..pipeline.cache import ReplyBody
from ..pipeline.headline import preview_of
from ..pipeline.writes import HIGH, state_change
from ..storage.store import OutboxItem, Store
from ..storage.write_set import NO_SESSION, EventRow, Headline, OutboxRow, StateRow, Unit
from .acting import Actions, new_version

IN_FLIGHT_POLL_S = 0.05


class Desk:
    """The operators' actions on one store. Each is one commit, guarded by the session's version.

    `passed` is told of a conversation that has another owner: its id, who, by whom.
    """

    def __init__(
        self,
        store: Store,
        actions: Actions,
        delivery: Delivery,
        signals: Signals,
        *,
        in_flight_wait_s: float,
        passed: Callable[[bytes, str, str], None],
        clock: Clock = now_us,
    ) -> None:
        self._store = store
        self._actions = actions
        self._delivery = delivery
        self._signals = signals
        self._in_flight_wait_s = in_flight_wait_s
        self._passed = passed
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
        _, view, session, _ = await self._actions.act(conversation, attempt)
        self._passed(conversation, request.owner, actor)
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
                unit.state = new_version(session)
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
            unit.headline = Headline(preview=preview_of(request.text, request.parts))
            return unit, None

        unit, _, session, first_seq = await self._actions.act(conversation, attempt)
        if sent:
            return sent[0]
        if request.take_over:
            self._passed(conversation, request.author, actor)
        row = unit.outbox[0]
        seq = first_seq + row.event
        item = OutboxItem(
            session.number, seq, key, row.channel, row.account, 0, row.owner_epoch, row.priority,
            "pending", row.due_at, 0, None, None, session.id, session.key, session.thread,
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
                if event.kind == "reply" and event.reply_id == key.hex():
                    return reply_of(event, session.id)
            before = events[0].seq
        raise NotFound(f"no reply {key.hex()}")
