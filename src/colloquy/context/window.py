"""The recent window of a conversation and the facts of its session."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from ..model.session import Session
from ..model.turn import Said

MAX_LINE = 2000
"""Characters of one line that the window keeps."""

Fetch = Callable[[Session, int, int], Awaitable[list[Said]]]
"""(session, sequence number, limit) → the last lines up to there."""


class Window:
    """The last lines of a conversation, oldest first; bounded."""

    __slots__ = ("complete", "lines")

    def __init__(self, size: int, *, complete: bool) -> None:
        self.lines: deque[Said] = deque(maxlen=size)
        self.complete = complete
        """False while older lines lie in the log only."""

    def add(self, said: Said) -> None:
        if len(self.lines) == self.lines.maxlen:
            self.complete = False
        text = said.text if len(said.text) <= MAX_LINE else said.text[:MAX_LINE]
        self.lines.append(Said(said.role, text, said.at))


class TurnContext:
    """The context of one turn (protocol `model.turn.Context`)."""

    __slots__ = ("_before", "_complete", "_fetch", "_lines", "_session", "_slots")

    def __init__(
        self, session: Session, window: Window, slots: dict[str, Any], fetch: Fetch
    ) -> None:
        self._session = session
        # As it is now: while a turn is parked its own message joins the window.
        self._lines = tuple(window.lines)
        self._complete = window.complete
        self._before = session.last_seq
        self._slots = slots
        self._fetch = fetch

    @property
    def facts(self) -> dict[str, Any]:
        session = self._session
        return {
            "channel": session.channel,
            "conversation": session.key,
            "owner": session.owner,
            "status": session.status,
            "events": session.last_seq,
            "slots": dict(self._slots),
        }

    async def recent(self, limit: int = 10) -> list[Said]:
        lines = self._lines
        if limit <= len(lines):
            return list(lines[len(lines) - limit :])
        if self._complete:
            return list(lines)
        return await self._fetch(self._session, self._before, limit)
