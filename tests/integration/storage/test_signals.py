"""Signals between processes on PostgreSQL, whatever carries them, and silence on SQLite."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from colloquy.settings import SignalSettings
from colloquy.storage.postgres import PostgresStore
from colloquy.storage.store import Store
from colloquy.storage.write_set import Unit
from support.storage import commit, events, message, started, timer

Heard = asyncio.Queue[tuple[str, str]]


@pytest.fixture
async def pair(
    postgres_url: str, signals_url: str
) -> AsyncIterator[tuple[PostgresStore, PostgresStore, Heard]]:
    """One that writes, one that listens, and what it hears."""
    told = SignalSettings(url=signals_url or None)
    stores = [PostgresStore(postgres_url, signals=told) for _ in range(2)]
    heard: Heard = asyncio.Queue()
    stores[1].listen(lambda topic, text: heard.put_nowait((topic, text)))
    for store in stores:
        await store.open()
    yield (*stores, heard)
    for store in stores:
        await store.close()


async def collect(heard: Heard, topic: str, numbers: set[int]) -> None:
    """Waits until all these numbers were told under the topic."""
    missing = set(numbers)
    while missing:
        found, text = await asyncio.wait_for(heard.get(), 60.0)
        assert found == topic
        missing -= {int(part) for part in text.split(",")}


async def test_news_of_accepts_and_commits(pair: tuple) -> None:
    writer, _, heard = pair
    rows = [message() for _ in range(5)]
    await writer.accept(rows)
    await collect(heard, "inbox", {row.partition for row in rows})
    await writer.accept(rows)  # repeats are no news
    sessions = [await started(writer) for _ in range(3)]
    await commit(writer, *(Unit(session=row.number, at=1, events=events("x")) for row in sessions))
    await collect(heard, "events", {row.number for row in sessions})
    own = timer((await writer.new_inbox_numbers(1))[0])
    await commit(writer, Unit(session=0, at=1, rows={"inbox_insert": [own]}))
    await collect(heard, "inbox", {own.partition})


async def test_a_process_does_not_hear_itself(pair: tuple) -> None:
    writer, listener, heard = pair
    await listener.accept([message()])
    await listener.signal("mine", "x")
    await writer.signal("yours", "\x00 🦊")
    assert await asyncio.wait_for(heard.get(), 60.0) == ("yours", "\x00 🦊")
    assert heard.empty()


async def test_many_sessions_are_told_in_several_signals(pair: tuple) -> None:
    writer, _, heard = pair
    numbers = set(range(10**9, 10**9 + 2000))
    writer._signals.tell("events", numbers)
    await collect(heard, "events", numbers)


async def test_a_signal_has_a_size(pair: tuple) -> None:
    writer, _, heard = pair
    with pytest.raises(ValueError, match="7900"):
        await writer.signal("t", "x" * 8000)
    await writer.signal("t", "x" * 7800)
    assert (await asyncio.wait_for(heard.get(), 60.0))[1] == "x" * 7800


async def test_news_are_sent_before_closing(pair: tuple) -> None:
    writer, _, heard = pair
    row = message()
    await writer.accept([row])
    await writer.close()
    await collect(heard, "inbox", {row.partition})


async def test_signals_may_be_sent_and_listened_for_on_every_engine(store: Store) -> None:
    store.listen(lambda topic, text: None)
    await store.signal("topic", "text")
