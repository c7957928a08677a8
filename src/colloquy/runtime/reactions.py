"""Reactions with an emoji, as channels and front ends report them: feedback on a reply.

They are written to the log like any feedback: no turn begins, nothing is answered.
"""

from __future__ import annotations

import asyncio

import msgspec

from ..delivery.live import Signals
from ..feedback.reactions import rating_of
from ..model import ids
from ..model.errors import Conflict
from ..model.feedback import VISITOR
from ..model.message import encode
from ..model.session import Session
from ..model.times import Clock
from ..model.views import ReactionRequest, ReactionView
from ..storage.store import Store
from ..storage.write_set import NO_SESSION, EventRow, Unit
from .acting import Actions
from .remarks import FeedbackBody, feedback_of, said_by

LOCKS = 64
SENDER = "sender:"
"""Begins the name of somebody who is not the conversation's peer."""


class Reactions:
    """Writes reactions on one store."""

    def __init__(self, store: Store, actions: Actions, signals: Signals, clock: Clock) -> None:
        self._store = store
        self._actions = actions
        self._signals = signals
        self._clock = clock
        self._locks = [asyncio.Lock() for _ in range(LOCKS)]

    async def react(self, conversation_id: str, request: ReactionRequest) -> ReactionView:
        """Leaves a reaction, or takes it back. The same one again changes nothing; with an `id` it
        changes nothing either where another one has come since. Returns what stands then.

        Raises NotFound (also for a reply that 5,000 events came after), InvalidInput, Conflict
        (another reaction had this id).
        """
        conversation = ids.parse_id(conversation_id, "conversation_id")
        ids.parse_id(request.reply_id, "reply_id")
        key = ids.effect_key(
            conversation, "reaction", (request.id or "").encode("utf-8", "surrogatepass")
        )

        asked = FeedbackBody(request.reply_id, "", rating_of(request.emoji), reaction=request.emoji)

        async def attempt(session: Session) -> tuple[Unit, ReactionView]:
            by = _by(request, session)
            said = await said_by(self._store, session, request.reply_id, by)
            bodies = (feedback_of(event) for event in said)
            standing = next((body for body in bodies if body.reaction is not None), None)
            body = msgspec.structs.replace(asked, by=by)
            known = await self._store.effect(key) if request.id is not None else None
            if known is not None:
                if known.result != ids.body_hash(encode(body)):
                    raise Conflict("another reaction came with this id", field="id")
                return Unit(session=NO_SESSION, at=0), _view(standing, body)
            is_news = body != standing and (request.emoji != "" or standing is not None)
            if not is_news and request.id is None:
                return Unit(session=NO_SESSION, at=0), _view(standing, body)
            now = self._clock()
            unit = Unit(session=session.number, at=now)
            if request.id is not None:
                unit.rows["effect_insert"] = [
                    (key, "reaction", session.number, key, "done", now,
                     ids.body_hash(encode(body)))
                ]  # fmt: skip
            if is_news:
                unit.events.append(EventRow("feedback", now, None, None, encode(body)))
            return unit, _view(body, body)

        # One after the other: a reaction and its repeat at the same time are one. In two processes
        # they may be two equal events, which count once. The state's version stays as it is, so
        # that a reaction makes no turn at work begin anew.
        async with self._locks[conversation[0] % LOCKS]:
            unit, view, _, _ = await self._actions.act(conversation, attempt)
        if unit.events:
            self._signals.touch(conversation)
        found: ReactionView = view
        return found


def _by(request: ReactionRequest, session: Session) -> str:
    if request.sender is None or request.sender == session.key:
        return VISITOR
    return f"{SENDER}{request.sender}"


def _view(standing: FeedbackBody | None, asked: FeedbackBody) -> ReactionView:
    if standing is None:
        return ReactionView(asked.reply_id, asked.by, "", None)
    return ReactionView(standing.reply_id, standing.by, standing.reaction or "", standing.rating)
