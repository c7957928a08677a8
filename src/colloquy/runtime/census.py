"""Counts the conversations of the whole database, a slice at a time, while somebody wants to know.

A slice is a range of the primary key, read in about a millisecond, with a pause after it; so a
million conversations are counted in some seconds without holding anybody up. A pass is not repeated
before twenty times its own length, nor before ten seconds.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter

import msgspec

from ..model.errors import Unavailable
from ..model.feedback import thumb_of
from ..model.statistics import Census
from ..model.times import Clock, rfc3339
from ..storage.store import Store
from ..telemetry import get_logger
from .remarks import FeedbackBody

log = get_logger(__name__)

SLICE = 2000
"""Rows of one query."""
PAUSE_S = 0.005
EVERY_S = 10.0
REST = 20
"""A pass costs at most one part in so many of the time."""
WANTED_S = 60.0
"""Whoever asked this long ago is still interested."""
DEAD_EVERY_S = 2.0
DEAD_MOST = 1000
FEEDBACK_MOST = 2000
TOP = 8
DAY_US = 86_400_000_000

_feedback = msgspec.json.Decoder(FeedbackBody)


class Counting:
    """Keeps the newest census of one database."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._wanted = asyncio.Event()
        self._asked_at = 0.0
        self._census: Census | None = None
        self._dead_letters = 0

    def census(self) -> Census | None:
        """The newest one; asking for it keeps the counting going. None before the first."""
        self._asked_at = time.monotonic()
        self._wanted.set()
        return self._census

    @property
    def dead_letters(self) -> int:
        """How many there are to look at, up to DEAD_MOST."""
        return self._dead_letters

    async def run(self) -> None:
        """Counts until cancelled: a task for the supervisor."""
        next_pass = 0.0
        while True:
            await self._wanted.wait()
            if time.monotonic() - self._asked_at > WANTED_S:
                self._wanted.clear()
                continue
            try:
                self._dead_letters = await self._count_dead()
                if time.monotonic() >= next_pass:
                    started = time.monotonic()
                    self._census = await self.count()
                    took = time.monotonic() - started
                    next_pass = time.monotonic() + max(EVERY_S, REST * took)
            except Unavailable as error:
                log.warning("conversations_uncounted", detail=error.detail)
            await asyncio.sleep(DEAD_EVERY_S)

    async def count(self) -> Census:
        """One pass over all conversations. Raises Unavailable."""
        now = self._clock()
        since = now - DAY_US
        ((top,),) = await self._store.query("session_top")
        statuses: Counter[str] = Counter()
        owners: Counter[str] = Counter()
        intents: Counter[str] = Counter()
        feelings: Counter[str] = Counter()
        active = 0
        for after in range(0, top, SLICE):
            rows = await self._store.query("session_counts", since, after, after + SLICE)
            for is_recent, status, owner, intent, feeling, count in rows:
                statuses[status] += count
                owners[owner] += count
                if is_recent:
                    active += count
                    if intent is not None:
                        intents[intent] += count
                    if feeling is not None:
                        feelings[feeling] += count
            await asyncio.sleep(PAUSE_S)
        return Census(
            at=rfc3339(now),
            conversations=statuses.total(),
            by_status=dict(statuses.most_common()),
            by_owner=dict(owners.most_common()),
            active_last_day=active,
            intents_last_day=dict(intents.most_common(TOP)),
            feelings_last_day=dict(feelings.most_common()),
            feedback_last_day=dict(await self._count_feedback(since)),
            dead_letters=await self._count_dead(),
        )

    async def _count_feedback(self, since: int) -> Counter[str]:
        """Ratings given since, the newest of each reply."""
        rows = await self._store.query("feedback_since", since, FEEDBACK_MOST)
        newest: dict[str, str] = {}
        for (body,) in rows:
            said = _feedback.decode(body)
            if said.rating is not None:
                newest.setdefault(said.reply_id, thumb_of(said.rating))
        return Counter(newest.values())

    async def _count_dead(self) -> int:
        ((count,),) = await self._store.query("dead_count", DEAD_MOST)
        return int(count)
