"""Indices of conversations: brought up to date once, bounded, forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from colloquy.context.lines import Conversation, Line
from colloquy.context.memory import PAGE, SUMMARISE_EVERY, TAIL, Memories, Memory
from colloquy.context.recall import RecallIndex, Vocabulary
from colloquy.model.errors import StoreUnavailable
from colloquy.model.session import Session
from support.waiting import until


def session(number: int, last_seq: int) -> Session:
    return Session(
        number=number, id=bytes([number]) * 16, channel="web", account="a", key="ann", thread="",
        last_seq=last_seq,
    )  # fmt: skip


class Log:
    """Every third event of a conversation is a line. Another task may run while it is read."""

    def __init__(self) -> None:
        self.length = 0
        self.asked: list[tuple[bytes, int]] = []
        self.fails = False

    async def fetch(self, session: Conversation, after: int, limit: int) -> Sequence[Line]:
        self.asked.append((session.id, after))
        await asyncio.sleep(0)
        if self.fails:
            raise StoreUnavailable("the store is away")
        seqs = range(after // 3 * 3 + 3, self.length + 1, 3)[:limit]
        return [Line(seq, "visitor", f"the puppy item{seq}", seq) for seq in seqs]


@pytest.fixture
def log() -> Log:
    return Log()


async def found(memories: Memories, session: Session, text: str) -> list[int]:
    return [one.seq for one in await memories.search(session, text, 1, now=0)]


async def test_the_whole_log_is_read_once_and_then_what_is_new(
    log: Log, vocabulary: Vocabulary
) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    log.length = 3 * PAGE + 30
    assert await found(memories, session(1, log.length), "item3") == [3]
    assert await found(memories, session(1, log.length), f"item{log.length}") == [log.length]
    one = session(1, 1).id
    assert log.asked == [(one, 0), (one, 3 * PAGE)]
    log.length += 3
    assert await found(memories, session(1, log.length), f"item{log.length}") == [log.length]
    assert log.asked[2:] == [(one, log.length - 3)]
    # Events that are no lines leave nothing to read again.
    await found(memories, session(1, log.length + 2), "puppy")
    await found(memories, session(1, log.length + 2), "puppy")
    assert log.asked[3:] == [(one, log.length)]


async def test_lines_that_came_while_it_read_are_not_read_twice(
    log: Log, vocabulary: Vocabulary
) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    log.length = 30
    assert await found(memories, session(1, 15), "item30") == [30]
    await found(memories, session(1, 30), "item30")
    assert len(log.asked) == 1


async def test_those_who_ask_at_once_share_one_reading(log: Log, vocabulary: Vocabulary) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    log.length = 60
    answers = await asyncio.gather(*[found(memories, session(1, 60), "item6") for _ in range(5)])
    assert answers == [[6]] * 5
    assert len(log.asked) == 1
    assert (memories.statistics.hits, memories.statistics.misses) == (4, 1)


async def test_memory_is_bounded_and_the_longest_unused_goes_first(
    log: Log, vocabulary: Vocabulary
) -> None:
    log.length = 300
    alone = Memories(log.fetch, vocabulary=vocabulary)
    await found(alone, session(1, 300), "puppy")
    size = alone.statistics.bytes
    memories = Memories(log.fetch, vocabulary=vocabulary, max_bytes=2 * size + size // 2)
    for number in (1, 2, 1, 3):
        await found(memories, session(number, 300), "puppy")
        assert memories.statistics.bytes <= 2 * size + size // 2
    assert memories.statistics.conversations == 2
    assert memories.statistics.evicted == 1
    log.asked.clear()
    await found(memories, session(1, 300), "puppy")
    assert log.asked == []
    await found(memories, session(2, 300), "puppy")
    assert log.asked == [(session(2, 0).id, 0)]


async def test_a_conversation_too_large_to_keep_is_searched_all_the_same(
    log: Log, vocabulary: Vocabulary
) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary, max_bytes=1)
    log.length = 3 * PAGE + 3
    assert await found(memories, session(1, log.length), "item9") == [9]
    assert memories.statistics.conversations == 0
    assert memories.statistics.bytes == 0


async def test_what_is_forgotten_is_gone_even_while_it_is_read(
    log: Log, vocabulary: Vocabulary
) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    log.length = 30
    reading = asyncio.create_task(found(memories, session(1, 30), "item9"))
    await asyncio.sleep(0)
    memories.forget(session(1, 0).id)
    memories.forget(session(2, 0).id)
    assert await reading == [9]
    assert memories.statistics.conversations == 0
    assert memories.statistics.bytes == 0


async def test_a_log_that_cannot_be_read_is_read_on_the_next_time(
    log: Log, vocabulary: Vocabulary
) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    log.length, log.fails = 30, True
    with pytest.raises(StoreUnavailable):
        await found(memories, session(1, 30), "item9")
    log.fails = False
    assert await found(memories, session(1, 30), "item9") == [9]


async def test_it_finds_what_an_index_of_the_same_lines_does(
    log: Log, vocabulary: Vocabulary
) -> None:
    log.length = 90
    memories = Memories(log.fetch, vocabulary=vocabulary)
    alone = RecallIndex(vocabulary)
    alone.add(await log.fetch(session(1, 90), 0, 100))
    expected = alone.search("puppy item45", 5, now=0)
    assert await memories.search(session(1, 90), "puppy item45", 5, now=0) == expected


def characters(memory: Memory) -> int:
    return sum(len(line.text) for part in (memory.tail, memory._pending) for line in part)


async def test_the_last_lines_are_there_at_once_and_the_summary_follows(
    log: Log, vocabulary: Vocabulary
) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    log.length = 3 * (PAGE + TAIL + 1)
    async with memories.of(session(1, log.length)) as memory:
        assert memory.tail[-1].seq == memory.index.last_seq == log.length
        assert (len(memory.tail), memory.rolling.lines, memory.summary) == (TAIL, 0, ())
        assert memory._characters == characters(memory)
    before = memories.statistics.bytes
    await memories.catch_up()
    assert memory._characters == characters(memory)
    assert memory.rolling.position == log.length
    assert memory.rolling.lines == PAGE + TAIL + 1
    assert memory.summary
    assert {seq for sentence in memory.summary for seq in sentence.seqs} <= set(
        range(3, log.length + 1, 3)
    )
    assert memories.statistics.bytes != before
    log.length += 3 * (SUMMARISE_EVERY - 1)
    async with memories.of(session(1, log.length)):
        await memories.catch_up()
        assert memory.rolling.position < log.length, "a few lines more are not worth it"
    log.length += 3
    async with memories.of(session(1, log.length)):
        pass
    await memories.catch_up()
    assert memory.rolling.position == log.length
    assert memories.statistics.hit_rate == pytest.approx(2 / 3)


async def test_summaries_follow_by_themselves(log: Log, vocabulary: Vocabulary) -> None:
    memories = Memories(log.fetch, vocabulary=vocabulary)
    task = asyncio.create_task(memories.run())
    try:
        log.length = 90
        async with memories.of(session(1, 90)) as memory:
            pass
        await until(lambda: memory.rolling.position == 90)
        memories.forget(session(1, 0).id)
    finally:
        task.cancel()
