"""Reads conversations for feedback, a few at a time, beside the event loop.

Ranges of the primary key, like the census: each query takes some milliseconds, and what happens in
between moves no conversation from one range to another.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby
from typing import NamedTuple, Protocol, TypeVar

from ...feedback.log import MAX_EVENTS, Happened, log_of
from ...model.session import Session
from ...storage.store import Store, StoreEvent

SLICE = 2_000
"""Numbers of conversations that one query looks at."""
EVENTS = 4_000
"""Events that one query brings, or those of one conversation."""
PAUSE_S = 0.002
_EVER = 2**62


class Bounded(Protocol):
    """A conversation, by how many events it has."""

    @property
    def last_seq(self) -> int: ...


H = TypeVar("H", bound=Bounded)


class Head(NamedTuple):
    """Whose conversation it is."""

    number: int
    id: bytes
    channel: str
    account: str
    key: str
    last_seq: int


class Read(NamedTuple):
    """A conversation, and what happened in it as far as its newest 2,000 events tell."""

    head: Head
    log: list[Happened]


class Reading:
    """All methods may raise StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def conversations(
        self, since: int, until: int, channel: str = ""
    ) -> AsyncIterator[list[Read]]:
        """Those in which something may have happened between two times, in batches."""
        ((top,),) = await self._store.query("session_top")
        for after in range(0, top, SLICE):
            rows = await self._store.scan(
                "feedback_sessions", after, after + SLICE, since, until, channel
            )
            for heads in together([Head(*row) for row in rows]):
                first, last = heads[0].number - 1, heads[-1].number
                found = await self._store.scan(
                    "feedback_events", first, last, since, until, channel, MAX_EVENTS
                )
                yield await asyncio.to_thread(_read, heads, found)
                await asyncio.sleep(PAUSE_S)

    async def of(self, session: Session) -> list[Happened]:
        """One conversation."""
        number = session.number
        rows = await self._store.scan(
            "feedback_events", number - 1, number, 0, _EVER, "", MAX_EVENTS
        )
        return await asyncio.to_thread(lambda: log_of(StoreEvent(*row) for row in rows))


def together(heads: Iterable[H]) -> Iterator[list[H]]:
    """As many as have EVENTS events, at least one."""
    batch: list[H] = []
    size = 0
    for head in heads:
        events = min(head.last_seq, MAX_EVENTS)
        if batch and size + events > EVENTS:
            yield batch
            batch, size = [], 0
        batch.append(head)
        size += events
    if batch:
        yield batch


def _read(heads: list[Head], rows: list[tuple[object, ...]]) -> list[Read]:
    known = {head.number: head for head in heads}
    events = (StoreEvent(*row) for row in rows)  # type: ignore[arg-type]
    # A conversation may have moved between the two queries; whoever joined is left for next time.
    return [
        Read(known[number], log_of(some))
        for number, some in groupby(events, key=lambda event: event.session)
        if number in known
    ]
