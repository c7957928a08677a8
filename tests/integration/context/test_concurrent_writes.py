"""Another process writes into a conversation while its memory reads on, is summarised and is kept:
in the end it is what reading the whole log at once makes, also for who takes up what was kept, and
the log is what was written. Whoever answers puts contexts together, and keeps the same."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from colloquy.context import memory
from colloquy.context.kept import FORMAT, Shelf
from colloquy.context.memory import Memories, Memory
from colloquy.context.recall import Vocabulary
from colloquy.context.recall.stretches import LINES
from colloquy.model import ids
from colloquy.model.errors import NotFound
from colloquy.model.session import Session
from colloquy.pipeline.log import Log, lines_of
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.store import Store, StoreEvent
from colloquy.understanding.vectors.words import load_words
from support import writing_child
from support.server import Server

MESSAGES = 70
ALL = 10_000
ASKED = ("What is the deposit?", "Who is in charge of the reference?", "the heating on Monday")


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Summaries move on with each line, not with each twentieth."""
    monkeypatch.setattr(memory, "SUMMARISE_EVERY", 1)


class Reading:
    """Reads a conversation on for as long as another process writes it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.vocabulary = Vocabulary(load_words())
        self.shelf = Shelf(store)
        self.memories = Memories(Log(store).after, vocabulary=self.vocabulary, shelf=self.shelf)
        self.log: dict[int, StoreEvent] = {}
        self.positions: set[int] = set()
        """Where the summary stood while it was read on."""
        self.kept: list[dict[int, int]] = []
        """The position of each part that was kept, as it was seen one time after the other."""

    async def follow(self, target: str, key: str = "") -> None:
        summaries = asyncio.create_task(self.memories.run())
        writer = writing_child.start(target, MESSAGES, key)
        try:
            while writer.poll() is None:
                await asyncio.gather(self._read_on(), self._read_on())
        finally:
            writer.kill()
            writer.wait()
            summaries.cancel()
        assert writer.returncode == 0

    async def session(self) -> Session:
        conversation = ids.conversation_id("api", "default", writing_child.CONVERSATION)
        return await self.store.session(conversation)

    async def _read_on(self) -> None:
        try:
            session = await self.session()
        except NotFound:
            return  # nothing was written yet
        async with self.memories.of(session) as kept:
            count, last = len(kept.index), kept.index.last_seq
            self.positions.add(kept.rolling.position)
        rows = await self.store.query("context_parts_of", session.number, FORMAT, ALL)
        self.kept.append({part: position for part, position, _ in rows})
        events = await self.store.events(session.number, 0, ALL)
        for event in events:
            assert self.log.setdefault(event.seq, event) == event, "the log was changed"
        places = [line.seq for line in lines_of(events) if line.seq <= max(last, session.last_seq)]
        assert (count, last) == (len(places), max(places, default=0))

    async def verify(self) -> None:
        session = await self.session()
        async with self.memories.of(session) as kept:
            await self.memories.catch_up()
        anew = Memories(Log(self.store).after, vocabulary=self.vocabulary)
        async with anew.of(session) as fresh:
            await anew.catch_up()
            found = await self.shelf.load(session.number)
            assert found is not None and len(found.stretches) == 2 * MESSAGES // LINES
        events = await self.store.events(session.number, 0, ALL)
        written = {event.seq: event for event in events}
        assert {seq: written[seq] for seq in self.log} == self.log
        lines = lines_of(events)
        said = [line.text for line in lines if line.role == "visitor"]
        assert said == writing_child.texts(MESSAGES), "each message once, in order"
        assert len(kept.index) == len(lines) == 2 * MESSAGES
        same(kept, fresh)
        assert len(self.positions) > 5, "it was summarised while it was written"
        for before, after in pairwise(self.kept):
            assert before.keys() <= after.keys()
            assert all(before[part] <= after[part] for part in before), "a position went back"
        taken = Memories(Log(self.store).after, vocabulary=self.vocabulary, shelf=self.shelf)
        async with taken.of(session) as again:
            assert again.rolling.position >= again.index.seq_before(2 * MESSAGES - LINES) > 0
            await taken.catch_up()
        same(again, fresh)


def same(kept: Memory, fresh: Memory) -> None:
    assert list(kept.tail) == list(fresh.tail)
    assert kept.index.last_seq == fresh.index.last_seq
    assert len(kept.index) == len(fresh.index)
    for text in ASKED:
        found = kept.index.search(text, 50, now=0)
        assert found == fresh.index.search(text, 50, now=0)
        assert found
    assert kept.rolling == fresh.rolling
    assert kept.summary == fresh.summary


def test_messages_come_in_over_http_while_memory_reads_on(tmp_path: Path) -> None:
    with Server(tmp_path, writing_child.assistant) as server:

        async def follow() -> None:
            reading = Reading(server.runtime.store)
            await reading.follow(server.url, server_key)
            await reading.verify()

        server_key = server.key()
        server.run(follow(), 120)


@pytest.mark.postgres
async def test_another_process_works_on_the_database(postgres_url: str) -> None:
    store = PostgresStore(postgres_url)
    await store.open()
    try:
        reading = Reading(store)
        await reading.follow(postgres_url)
        await reading.verify()
    finally:
        await store.close()
