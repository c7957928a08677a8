"""One action of an operator on a conversation: read it, decide, commit, again if it moved on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from ..model.errors import Conflict
from ..model.message import encode
from ..model.session import Session
from ..storage.store import Store
from ..storage.write_set import NO_SESSION, StateRow, Unit, Verdict, WriteSet

TRIES = 50
"""Times an action is tried again because the conversation moved on meanwhile."""

Attempt = Callable[[Session], Awaitable[tuple[Unit, Any]]]


class Actions:
    """Commits what operators do. `moved` is called with a conversation that was written to: what is
    known of it in memory is old."""

    def __init__(self, store: Store, moved: Callable[[bytes], None]) -> None:
        self._store = store
        self._moved = moved

    async def act(self, conversation: bytes, attempt: Attempt) -> tuple[Unit, Any, Session, int]:
        """Commits what `attempt` makes of the session; a unit without a session is not committed.

        Returns the unit, what `attempt` returned, the session as it was read and the number of the
        unit's first event. Raises NotFound, Conflict.
        """
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


def new_version(session: Session) -> StateRow:
    """The state as it is, under a new version: of two actions that read the session at the same
    time the second is then a conflict, looks again and finds what the first one did."""
    return StateRow(
        session.status, session.owner, session.owner_id, session.owner_epoch, session.version + 1,
        encode(session.state),
    )  # fmt: skip
