"""What is kept in memory of the conversations that were asked about last: an index of all their
lines, the last lines themselves, and a summary that follows in the background. With a shelf, what
takes long to make is kept in the database, and taken up from there by whoever asks next.

memories = Memories(fetch)
await memories.search(session, "what did I order in May?", 5, now=now_us())
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from time import perf_counter

from msgspec import Struct

from ..model.errors import Unavailable
from ..telemetry import get_logger
from ..telemetry.services import Service
from ..understanding.vectors.words import load_words
from .compress.rolling import Rolling
from .kept import Shelf
from .lines import Conversation, Fetch, Line
from .recall.index import RecallIndex
from .recall.results import NO_FILTERS, Filters, Recalled
from .recall.vocabulary import Vocabulary
from .summaries import Summary, moved_on
from .tokens import EstimatedTokens, TokenCounter
from .warming import warm_soon

log = get_logger(__name__)

MAX_BYTES = 64 * 1024 * 1024
PAGE = 200
"""Lines read and indexed at a time, before other tasks have their turn."""
TAIL = 100
"""Last lines that are kept whole."""
SUMMARISE_EVERY = 20
"""Lines after which the summary is moved on, in the background: the tail holds them until then."""
SETTLE_S = 0.1
"""Summaries wait so long: a context that is put together at the moment comes first."""
SUMMARISED_AT_ONCE = 50
SAVED_AT_ONCE = 16
"""Stretches that one transaction keeps at most."""
_BYTES_PER_LINE = 300
"""Of a line in the tail beside its text."""
_BYTES_PER_NOTE = 400
"""Of a sentence or a fact of the summary: they are short."""


class Statistics(Struct, frozen=True):
    """`hits`: questions about conversations that were in memory, whole or in part."""

    conversations: int
    bytes: int
    hits: int
    misses: int
    evicted: int

    @property
    def hit_rate(self) -> float:
        """0 to 1; 0 while nothing was asked."""
        asked = self.hits + self.misses
        return self.hits / asked if asked else 0.0


class Memory:
    """One conversation's."""

    __slots__ = (
        "_characters", "_kept", "_lock", "_nbytes", "_pending", "_read_to", "index", "rolling",
        "summary", "tail",
    )  # fmt: skip

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.index = RecallIndex(vocabulary)
        self.tail: deque[Line] = deque(maxlen=TAIL)
        """The last lines, oldest first."""
        self.rolling = Rolling()
        """What the summary is made of; it may stand some lines behind the last one."""
        self.summary: Summary = ()
        """Of the lines up to where `rolling` stands."""
        self._pending: list[Line] = []
        self._lock = asyncio.Lock()
        self._read_to: int | None = None
        """None: what is kept was not looked for yet."""
        self._kept = 0
        """The number of the last stretch of the index that is kept."""
        self._nbytes = 0
        self._characters = 0
        """Of the lines in `tail` and in `_pending`: counting all at each context takes too long."""

    def _take_in(self, lines: Sequence[Line]) -> None:
        """The next lines of the log; what the index or the summary has already is passed over."""
        self.index.add(lines)
        pushed_out = max(0, len(self.tail) + len(lines) - TAIL)
        for line in (*self.tail, *lines)[:pushed_out]:
            self._characters -= len(line.text)
        self.tail.extend(lines)
        new = [line for line in lines if line.seq > self.rolling.position]
        self._pending += new
        self._characters += sum(len(line.text) for part in (lines, new) for line in part)

    def _summarised(self, lines: Sequence[Line]) -> None:
        """The first of those that are pending."""
        del self._pending[: len(lines)]
        self._characters -= sum(len(line.text) for line in lines)

    @property
    def nbytes(self) -> int:
        """About."""
        lines = len(self.tail) + len(self._pending)
        tail = self._characters + lines * _BYTES_PER_LINE
        notes = len(self.rolling.sentences) + len(self.rolling.notes)
        return self.index.nbytes + tail + notes * _BYTES_PER_NOTE


class Memories:
    """At most `max_bytes` of them; the one used longest ago goes first. For one event loop."""

    def __init__(
        self,
        fetch: Fetch,
        *,
        vocabulary: Vocabulary | None = None,
        counter: TokenCounter | None = None,
        max_bytes: int = MAX_BYTES,
        shelf: Shelf | None = None,
    ) -> None:
        """`shelf`: where something is kept; None: nowhere. Raises NotFound if a build left the word
        vectors out."""
        self._fetch = fetch
        self._shelf = shelf
        self._vocabulary = vocabulary or Vocabulary(load_words())
        self.counter = counter or EstimatedTokens()
        self._max_bytes = max_bytes
        self._kept: OrderedDict[bytes, Memory] = OrderedDict()
        self._bytes = 0
        self._hits = self._misses = self._evicted = 0
        self._behind: dict[bytes, int] = {}
        """Conversations whose summaries have to follow, with their numbers."""
        self._wake = asyncio.Event()
        self.service = Service()
        """How summaries are moved on."""

    @property
    def statistics(self) -> Statistics:
        return Statistics(
            conversations=len(self._kept),
            bytes=self._bytes,
            hits=self._hits,
            misses=self._misses,
            evicted=self._evicted,
        )

    @asynccontextmanager
    async def of(self, session: Conversation) -> AsyncIterator[Memory]:
        """A conversation's memory, with all lines up to the session's `last_seq` at least; nobody
        else moves it on meanwhile. What reading the log raises comes through, and the next one
        reads on."""
        kept = self._find(session.id)
        async with kept._lock:
            await self._read_on(session, kept)
            yield kept

    async def search(
        self,
        session: Conversation,
        text: str,
        k: int,
        *,
        now: int,
        filters: Filters = NO_FILTERS,
        asker: str = "visitor",
    ) -> list[Recalled]:
        """See `RecallIndex.search`. Raises like `of`."""
        async with self.of(session) as memory:
            return memory.index.search(text, k, now=now, filters=filters, asker=asker)

    def forget(self, conversation: bytes) -> None:
        """Drops what is kept of a conversation, by its id: its log was erased."""
        kept = self._kept.pop(conversation, None)
        if kept is not None:
            self._bytes -= kept._nbytes

    def _find(self, conversation: bytes) -> Memory:
        kept = self._kept.get(conversation)
        if kept is None:
            self._misses += 1
            kept = self._kept[conversation] = Memory(self._vocabulary)
        else:
            self._hits += 1
            self._kept.move_to_end(conversation)
        return kept

    async def _read_on(self, session: Conversation, kept: Memory) -> None:
        wanted = session.last_seq
        if kept._read_to is not None and kept._read_to >= wanted:
            return
        try:
            if kept._read_to is None:
                kept._read_to = await self._take_up(session, kept)
            await self._read_up_to(session, kept, kept._read_to, wanted)
        finally:
            self._weigh(session.id, kept)
        if len(kept._pending) >= SUMMARISE_EVERY:
            self._behind[session.id] = session.number
            self._wake.set()

    async def _take_up(self, session: Conversation, kept: Memory) -> int:
        """Takes what is kept of a conversation; the place in the log from which to read on."""
        found = await self._shelf.load(session.number) if self._shelf is not None else None
        if found is None or found.rolling.counter != self.counter.name:
            return 0
        kept.rolling, kept.summary = found.rolling, found.summary
        if not found.stretches:
            return 0
        kept.index.take(found.first, found.stretches)
        kept._kept = kept.index.stretches
        # The last lines are read again.
        return min(kept.index.seq_before(TAIL), kept.rolling.position)

    async def _read_up_to(
        self, session: Conversation, kept: Memory, read_to: int, wanted: int
    ) -> None:
        while read_to < wanted:
            lines = await self._fetch(session, read_to, PAGE)
            kept._take_in(lines)
            # Where the log ends no line of ours is missing up to the position that was asked for.
            reached = lines[-1].seq if lines else 0
            read_to = reached if len(lines) >= PAGE else max(reached, wanted)
            kept._read_to = read_to
            if read_to < wanted:
                await asyncio.sleep(0)  # reading alone may not let others have their turn

    async def run(self) -> None:
        """Moves summaries on, until cancelled: a task for the supervisor."""
        await warm_soon()
        while True:
            await self._wake.wait()
            await asyncio.sleep(SETTLE_S)
            self._wake.clear()
            await self.catch_up()

    async def catch_up(self) -> None:
        """Moves on all summaries that are behind, some lines at a time, and keeps what became
        whole."""
        while self._behind:
            conversation = next(iter(self._behind))
            kept = self._kept.get(conversation)
            if kept is None or not kept._pending:
                number = self._behind.pop(conversation)
                if kept is not None and self._shelf is not None:
                    await self._keep(self._shelf, number, kept)
                continue
            lines = kept._pending[:SUMMARISED_AT_ONCE]
            begun = perf_counter()
            with self.service.watched():
                kept.rolling, kept.summary = await asyncio.to_thread(
                    moved_on, kept.rolling, lines, self.counter
                )
            kept._summarised(lines)
            self._weigh(conversation, kept)
            await asyncio.sleep(perf_counter() - begun)  # whoever waits has half of the time

    async def _keep(self, shelf: Shelf, session: int, kept: Memory) -> None:
        """Keeps the stretches that became whole and a summary that stands for them. Where the
        database is away it is done with the next ones."""
        while kept._kept < kept.index.stretches and not kept._pending:
            first = max(kept._kept + 1, kept.index.first_stretch)
            last = min(kept.index.stretches, first + SAVED_AT_ONCE - 1)
            stretches = [kept.index.stretch(number) for number in range(first, last + 1)]
            try:
                await shelf.save(session, kept.rolling, kept.summary, first, stretches)
            except Unavailable as error:
                log.warning("context_not_kept", code=error.code, detail=error.detail)
                return
            kept._kept = max(kept._kept, last)

    def _weigh(self, conversation: bytes, kept: Memory) -> None:
        if self._kept.get(conversation) is not kept:
            return  # forgotten, or pushed out, while it was read
        nbytes = kept.nbytes
        self._bytes += nbytes - kept._nbytes
        kept._nbytes = nbytes
        while self._bytes > self._max_bytes and self._kept:
            self._evicted += 1
            self.forget(next(iter(self._kept)))
