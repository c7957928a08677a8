"""The full-text index follows the log: after restarts, beside a rival, behind a busy pipeline."""

from __future__ import annotations

import asyncio

import pytest

from colloquy.model.message import encode
from colloquy.runtime import search
from colloquy.runtime.search import Indexer, text_of
from colloquy.storage.listing import Wanted, list_sessions
from colloquy.storage.store import Store, StoreEvent
from colloquy.storage.write_set import EventRow, Unit
from support.storage import Place, commit, started
from support.waiting import until


def indexer(store: Store, *, is_busy: bool = False, owns: bool = True) -> Indexer:
    return Indexer(store, is_busy=lambda: is_busy, owns=lambda key: owns)


async def said(store: Store, *texts: str) -> int:
    """A conversation in which operators noted these; returns its number."""
    number = (await started(store)).number
    rows = [EventRow("note", 1, None, None, encode({"text": text})) for text in texts]
    await commit(store, Unit(session=number, at=1, events=rows))
    return number


async def found(store: Store, query: str) -> list[int]:
    sessions, _ = await list_sessions(store, Wanted(), query, None, 50)
    return [session.number for session in sessions]


async def all_of(index: Indexer) -> int:
    """Steps until nothing is left; returns how many events were read."""
    total = 0
    while count := await index.step():
        total += count
    return total


async def test_it_reads_each_event_once_and_goes_on_after_a_restart(
    place: Place, store: Store
) -> None:
    first = await said(store, "a balcony", "and a garden")
    assert await all_of(indexer(store)) == 2
    assert await all_of(indexer(store)) == 0
    second = await said(store, "no balcony")
    await store.close()
    again = place.store()
    await again.open()
    try:
        assert await all_of(indexer(again)) == 1
        assert await found(again, "balcony") == [second, first]
        assert await found(again, "garden") == [first]
    finally:
        await again.close()


async def test_two_that_read_at_once_index_nothing_twice(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BATCH", 3)
    numbers = [await said(store, f"word{n}", "every one") for n in range(10)]
    rivals = [indexer(store) for _ in range(4)]
    await asyncio.gather(*(all_of(rival) for rival in rivals))
    assert await found(store, "every") == numbers[::-1]
    for n, number in enumerate(numbers):
        assert await found(store, f"word{n}") == [number]
    ((top,),) = await store.query("events_top")
    assert await store.meta("search_position") == str(top)


async def test_a_batch_and_its_place_are_one_transaction(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await said(store, "a balcony")

    def broken(text: str) -> list[str]:
        return ["balcony\0", None]  # type: ignore[list-item]

    with monkeypatch.context() as patch:
        patch.setattr(search, "words_of", broken)
        with pytest.raises(TypeError):
            await indexer(store).step()
    assert await store.meta("search_position") == "0"
    assert await all_of(indexer(store)) == 1
    assert await found(store, "balcony") == [number]


async def test_the_task_catches_up_also_behind_a_busy_pipeline(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BATCH", 5)
    numbers = [await said(store, "hello") for _ in range(20)]
    task = asyncio.create_task(indexer(store, is_busy=True).run())
    try:

        async def caught_up() -> bool:
            return await found(store, "hello") == numbers[::-1]

        await until(caught_up)
    finally:
        task.cancel()


async def test_the_task_leaves_the_index_to_its_owner(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "AWAY_S", 0.001)
    asked = asyncio.Event()
    looks = 0

    def owns(key: bytes) -> bool:
        nonlocal looks
        looks += 1
        if looks == 20:
            asked.set()
        return False

    await said(store, "hello")
    task = asyncio.create_task(Indexer(store, is_busy=lambda: False, owns=owns).run())
    async with asyncio.timeout(60):
        await asked.wait()
    task.cancel()
    assert await store.meta("search_position") == "0"


def test_what_can_be_found_of_an_event() -> None:
    def event(kind: str, body: object) -> StoreEvent:
        return StoreEvent(1, 1, 1, kind, 1, None, encode(body))

    message = {"conversation": "a", "text": "hi", "sender": {"id": "a", "name": "Mia"}}
    assert text_of(event("message", {"message_id": "x", "message": message})) == "Mia hi"
    parts = [{"type": "media", "url": "u", "caption": "the garden"}]
    silent = {"conversation": "a", "parts": parts}
    assert text_of(event("message", {"message_id": "x", "message": silent})) == "the garden"
    assert text_of(event("reply", {"reply_id": "x", "text": "hello"})) == "hello"
    assert text_of(event("reply", {"reply_id": "x"})) == ""
    assert text_of(event("session_opened", {"conversation": "+49 1", "channel": "sms"})) == "+49 1"
    assert text_of(event("owner_changed", {"owner": "human"})) == ""
