"""Keeps the full-text index up with the log, behind the pipeline and never in its way.

It reads the log from where it stopped last, a batch at a time, and writes the words of messages,
replies and notes, and of the names and keys of those who talk. The place goes into the database in
the same transaction as the words, and moves only from where this reader found it: nothing is
indexed twice, whoever else tries. While messages wait to be answered a batch is followed by a rest
many times its length.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct

from ..model.errors import Unavailable
from ..model.message import Message
from ..storage.commit import Steps
from ..storage.search import words_of
from ..storage.store import Store, StoreEvent
from ..telemetry import get_logger

log = get_logger(__name__)

BATCH = 200
"""Events of one transaction."""
REST = 40
"""A batch is followed by a rest of so many times its length while the pipeline works: 2.5 % of the
time is what it takes at most."""
POLL_S = 0.5
AWAY_S = 5.0
"""How long it waits where another process keeps the index, or the database is away."""
KEY = hashlib.sha256(b"colloquy.search").digest()[:16]
"""On a shared database the process that holds this key's partition keeps the index."""


class _Opened(Struct):
    conversation: str


class _Said(Struct):
    message: Message


class _Text(Struct):
    text: str | None = None


_opened = msgspec.json.Decoder(_Opened)
_said = msgspec.json.Decoder(_Said)
_text = msgspec.json.Decoder(_Text)


class _Overtaken(Exception):
    """Another process has indexed these events."""


class Indexer:
    """The index of one store. `owns` says whether this process keeps it, `is_busy` whether the
    pipeline has anything to do."""

    def __init__(
        self, store: Store, *, is_busy: Callable[[], bool], owns: Callable[[bytes], bool]
    ) -> None:
        self._store = store
        self._is_busy = is_busy
        self._owns = owns

    async def run(self) -> None:
        """Indexes until cancelled: a task for the supervisor."""
        while True:
            if not self._owns(KEY):
                await asyncio.sleep(AWAY_S)
                continue
            started = time.perf_counter()
            try:
                count = await self.step()
            except Unavailable as error:
                log.warning("search_behind", detail=error.detail)
                await asyncio.sleep(AWAY_S)
                continue
            if count < BATCH:
                await asyncio.sleep(POLL_S)
            elif self._is_busy():
                await asyncio.sleep(REST * (time.perf_counter() - started))
            else:
                await asyncio.sleep(0)

    async def step(self) -> int:
        """Indexes one batch; returns how many events were read. Raises StoreUnavailable."""
        found = await self._store.meta("search_position")
        position = int(found or 0)
        feed = await self._store.scan("events_feed", position, BATCH)
        if not feed:
            return 0
        events = [StoreEvent(*row) for row in feed]
        rows = []
        for event in events:
            words = words_of(text_of(event))
            if words:
                rows.append((event.position, event.session, " ".join(words)))
        last = str(events[-1].position)

        def steps() -> Steps:
            moved = yield "search_move", [(last, str(position))]
            if not moved:
                raise _Overtaken
            if rows:
                yield "search_insert", rows

        try:
            await self._store.transact(steps)
        except _Overtaken:
            log.info("search_overtaken", position=position)
        return len(events)


def text_of(event: StoreEvent) -> str:
    """What somebody may look for that this event says; "" for nothing."""
    if event.kind == "message":
        message = _said.decode(event.body).message
        name = message.sender.name if message.sender is not None else None
        return f"{name} {message.full_text}" if name else message.full_text
    if event.kind in ("reply", "note"):
        return _text.decode(event.body).text or ""
    if event.kind == "session_opened":
        return _opened.decode(event.body).conversation
    return ""
