"""The recent window of a conversation and the facts of its session."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from weakref import ref

from ..model.context import AssembledContext, record_of
from ..model.session import Session
from ..model.turn import Said, Turn
from ..understanding.flow.threads import of_thread
from .contexts import Contexts

THREAD_REACH = 200
"""Lines that are looked through for those of one thread."""
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
        if len(said.text) > MAX_LINE:
            said = said._replace(text=said.text[:MAX_LINE])
        self.lines.append(said)

    def drop(self, said_id: str) -> None:
        """Forgets a line that was never said."""
        kept = [line for line in self.lines if line.id != said_id]
        self.lines.clear()
        self.lines.extend(kept)

    def place(self, said_id: str, thread: str | None) -> None:
        """Notes the thread of a line once it is known."""
        lines = self.lines
        # It was said lately: from the end.
        for index in range(len(lines) - 1, -1, -1):
            if lines[index].id == said_id:
                if lines[index].thread is None and thread is not None:
                    lines[index] = lines[index]._replace(thread=thread)
                return


class TurnContext:
    """The context of one turn (protocol `model.turn.Context`)."""

    __slots__ = (
        "_asked",
        "_before",
        "_complete",
        "_fetch",
        "_hidden",
        "_lines",
        "_moved",
        "_session",
        "_slots",
        "_threads",
    )

    def __init__(
        self,
        session: Session,
        window: Window,
        slots: dict[str, Any],
        fetch: Fetch,
        threads: frozenset[str] = frozenset(),
        moved: Sequence[tuple[str, str]] = (),
        asked: tuple[Contexts, Turn] | None = None,
        *,
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        """`threads`: the ids under which the turn's thread is known; `moved`: messages that are in
        another thread than the log says; `asked`: what puts contexts together, and for whom;
        `hidden`: lines that are in the log and were never said, or are the turn's own."""
        # Weakly, as the turn holds this: nothing of a turn shall wait for the collector.
        self._asked = None if asked is None else (asked[0], ref(asked[1]))
        self._threads = threads
        self._moved = moved
        self._session = session
        # As it is now: while a turn is parked its own message joins the window.
        self._hidden = hidden
        self._lines = self._shown(window.lines)
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
        found = await self._fetch(self._session, self._before, limit + len(self._hidden))
        return list(self._shown(found)[-limit:])

    async def of_thread(self, limit: int = 10) -> list[Said]:
        """Looks through the last `THREAD_REACH` lines of the log where memory does not do."""
        moved = dict(self._moved)
        lines = of_thread(self._lines, self._threads, moved)
        if len(lines) < limit and not self._complete:
            found = await self._fetch(self._session, self._before, THREAD_REACH)
            lines = of_thread(self._shown(found), self._threads, moved)
        return lines[max(0, len(lines) - limit) :]

    async def recall(self, text: str, limit: int = 10) -> list[Said]:
        contexts, turn = self._contexts()
        return await contexts.recall(turn, text, limit)

    async def assemble(self, budget: int | None = None) -> AssembledContext:
        contexts, turn = self._contexts()
        found = await contexts.assemble(turn, budget)
        turn.context_record = record_of(found)
        return found

    def _shown(self, lines: Iterable[Said]) -> tuple[Said, ...]:
        if not self._hidden:
            return tuple(lines)
        return tuple(line for line in lines if line.id not in self._hidden)

    def _contexts(self) -> tuple[Contexts, Turn]:
        if self._asked is None:
            raise LookupError("this turn has no log to look into")
        contexts, turn = self._asked[0], self._asked[1]()
        if turn is None:
            raise LookupError("the turn is over")
        return contexts, turn
