"""What is kept of a conversation is taken up by whoever asks next, and is the whole as before."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from colloquy.context import kept as kept_module
from colloquy.context.kept import Shelf
from colloquy.context.lines import Conversation, Line
from colloquy.context.memory import TAIL, Memories, Memory
from colloquy.context.recall import Vocabulary
from colloquy.context.recall.stretches import LINES
from colloquy.model.errors import StoreUnavailable
from colloquy.pipeline.log import Log
from colloquy.proof.conversations import made_up
from colloquy.storage.store import Store
from colloquy.storage.write_set import EventRow, SessionRow, Unit, Verdict
from colloquy.understanding.vectors.words import load_words
from support.storage import commit, started

ASKED = ("What is the deposit?", "Who is in charge of the reference?", "the heating on Monday")
LONG = 2 * LINES + 60


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return Vocabulary(load_words())


class Written:
    """A conversation in the log of a store."""

    def __init__(self, store: Store, row: SessionRow) -> None:
        self.store = store
        self.row = row
        self.fetched = 0
        self._lines = made_up(1_000, seed=11)
        self._log = Log(store)

    async def say(self, count: int) -> None:
        before = (await self.session()).last_seq
        rows = []
        for line in self._lines[before : before + count]:
            body = {"reply_id": f"r{line.seq}", "text": f"{line.text} ({line.seq})"}
            rows.append(EventRow("reply", line.at, None, None, msgspec.json.encode(body)))
        unit = Unit(session=self.row.number, at=1, events=tuple(rows))
        (outcome,) = await commit(self.store, unit)
        assert outcome.verdict is Verdict.COMMITTED

    async def session(self) -> Conversation:
        return await self.store.session(self.row.id)

    async def fetch(self, session: Conversation, after: int, limit: int) -> Sequence[Line]:
        lines = await self._log.after(session, after, limit)
        self.fetched += len(lines)
        return lines

    async def remember(self, memories: Memories) -> Memory:
        """With the summary moved on, and kept."""
        async with memories.of(await self.session()) as memory:
            pass
        await memories.catch_up()
        return memory


def same(one: Memory, other: Memory) -> None:
    assert list(one.tail) == list(other.tail)
    assert (len(one.index), one.index.last_seq) == (len(other.index), other.index.last_seq)
    for text in ASKED:
        found = one.index.search(text, 50, now=0)
        assert found == other.index.search(text, 50, now=0)
        assert found
    assert one.rolling == other.rolling
    assert one.summary == other.summary


@pytest.fixture
async def written(store: Store) -> Written:
    return Written(store, await started(store))


async def test_the_next_process_reads_the_end_of_the_log_alone(
    written: Written, vocabulary: Vocabulary
) -> None:
    await written.say(LONG)
    shelf = Shelf(written.store)
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    await written.say(30)
    written.fetched = 0
    again = Memories(written.fetch, vocabulary=vocabulary, shelf=shelf)
    async with again.of(await written.session()) as memory:
        assert memory.summary, "it is there at once"
    # What came since the last whole stretch, and the last lines that are kept whole.
    assert written.fetched == LONG - 2 * LINES + 30 + TAIL
    await again.catch_up()
    alone = Memories(written.fetch, vocabulary=vocabulary)
    same(memory, await written.remember(alone))


async def test_a_slower_process_overwrites_nothing(
    written: Written, vocabulary: Vocabulary
) -> None:
    shelf = Shelf(written.store)
    await written.say(LINES + 10)
    slow = Memories(written.fetch, vocabulary=vocabulary, shelf=shelf)
    async with slow.of(await written.session()):
        pass
    await written.say(2 * LINES)
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    before = await shelf.load(written.row.number)
    assert before is not None and len(before.stretches) == 3
    await slow.catch_up()
    assert await shelf.load(written.row.number) == before


async def test_short_conversations_are_not_kept(written: Written, vocabulary: Vocabulary) -> None:
    await written.say(LINES - 2)
    shelf = Shelf(written.store)
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    assert await shelf.load(written.row.number) is None


@pytest.mark.parametrize("part", [0, 1])
async def test_what_is_damaged_is_made_anew(
    written: Written, vocabulary: Vocabulary, part: int
) -> None:
    await written.say(LONG)
    shelf = Shelf(written.store)
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    rows = await written.store.query("context_parts_of", written.row.number, 1, 100)
    await shelf.forget(written.row.number)
    broken = [
        (written.row.number, number, position, 1, data[:-1] + b"?" if number == part else data)
        for number, position, data in rows
    ]
    await written.store.change("context_parts_put", broken)
    anew = await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    same(anew, await written.remember(Memories(written.fetch, vocabulary=vocabulary)))
    repaired = await written.store.query("context_parts_of", written.row.number, 1, 100)
    assert [row[:2] for row in repaired] == [row[:2] for row in rows]
    assert await shelf.load(written.row.number) is not None


async def test_another_format_is_passed_over_and_replaced(
    written: Written, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written.say(LONG)
    shelf = Shelf(written.store)
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    monkeypatch.setattr(kept_module, "FORMAT", kept_module.FORMAT + 1)
    assert await shelf.load(written.row.number) is None
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    found = await shelf.load(written.row.number)
    assert found is not None and len(found.stretches) == 2


async def test_only_the_newest_stretches_stay(
    written: Written, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_module, "MAX_STRETCHES", 2)
    await written.say(4 * LINES)
    shelf = Shelf(written.store)
    await written.remember(Memories(written.fetch, vocabulary=vocabulary, shelf=shelf))
    rows = await written.store.query("context_parts_of", written.row.number, 1, 100)
    assert [part for part, _, _ in rows] == [0, 4, 3]
    again = Memories(written.fetch, vocabulary=vocabulary, shelf=shelf)
    async with again.of(await written.session()) as memory:
        assert len(memory.index) == 2 * LINES
        assert memory.index.stretches == 4


async def test_a_database_that_is_away_is_tried_with_the_next_lines(
    written: Written, vocabulary: Vocabulary, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written.say(LONG)
    shelf = Shelf(written.store)
    memories = Memories(written.fetch, vocabulary=vocabulary, shelf=shelf)

    async def away(*_: object) -> None:
        raise StoreUnavailable("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(shelf, "save", away)
        await written.remember(memories)
    assert await shelf.load(written.row.number) is None
    await written.say(40)
    await written.remember(memories)
    found = await shelf.load(written.row.number)
    assert found is not None and len(found.stretches) == 2
