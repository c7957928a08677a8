"""Live streams: in order, at least once, from any place, nothing before its release."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.views import StreamItem
from support.engine import Talk, echo, running
from support.waiting import until


def line(item: StreamItem) -> str:
    if item.reply is not None:
        return f"{item.seq} {item.reply.text}"
    return f"{item.seq} {item.kind}"


async def first(talk: Talk, count: int, after: int | None = 0) -> list[str]:
    found: list[str] = []
    async for item in talk.stream(after=after):
        if item.kind == "reply_chunk":
            continue  # a handler that got no time for a moment: its turn was parked, and says so
        found.append(line(item))
        if len(found) == count:
            break
    return found


async def test_it_can_be_resumed_from_every_place(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        for text in ("a", "b", "c"):
            await talk.send(text)
        everything = await first(talk, 6)
        assert everything == [
            *("2 message", "3 You said: a", "4 message"),
            *("5 You said: b", "6 message", "7 You said: c"),
        ]
        for place in range(1, 7):
            rest = [one for one in everything if int(one.split()[0]) > place]
            assert await first(talk, len(rest), place) == rest


async def test_watchers_see_the_same_while_it_happens(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        watching = [asyncio.create_task(first(talk, 40)) for _ in range(3)]
        await asyncio.sleep(0)
        await asyncio.gather(*(talk.post(str(n)) for n in range(20)))
        seen = [await watcher for watcher in watching]
        assert seen[0] == seen[1] == seen[2]
        numbers = [int(one.split()[0]) for one in seen[0]]
        assert numbers == sorted(set(numbers))
        assert [one.split(": ")[1] for one in seen[0] if "You said" in one] == [
            str(n) for n in range(20)
        ]


async def test_without_a_place_only_what_is_new_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        await talk.send("old")
        looked = asyncio.Event()
        sessions = talk.runtime.store.sessions

        async def look(keys: list[bytes]) -> object:
            found = await sessions(keys)
            looked.set()
            return found

        monkeypatch.setattr(talk.runtime.store, "sessions", look)
        task = asyncio.create_task(first(talk, 2, None))
        await looked.wait()  # what comes after this is new
        await talk.send("new")
        assert await task == ["4 message", "5 You said: new"]


async def test_a_conversation_may_begin_later(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        task = asyncio.create_task(first(talk, 2, None))
        await until(lambda: talk.runtime.signals._watchers)
        await talk.send("hello")
        assert await task == ["2 message", "3 You said: hello"]


async def test_a_reply_is_not_shown_before_its_release(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        store = talk.runtime.store
        change = store.change
        hold, held = asyncio.Event(), asyncio.Event()

        async def slow(name: str, rows: list[tuple[object, ...]]) -> object:
            if name == "outbox_release":
                held.set()
                await hold.wait()
            return await change(name, rows)

        store.change = slow  # type: ignore[assignment,method-assign]
        seen: list[str] = []

        async def watch() -> None:
            async for item in talk.stream(after=0):
                seen.append(line(item))

        watcher = asyncio.create_task(watch())
        receipt = await talk.post("hello")
        await held.wait()
        await talk.reached(receipt, "done")
        waiting = asyncio.create_task(talk.wait(receipt))
        await until(lambda: seen)
        for _ in range(20):
            talk.runtime.signals.touch_all()
            await asyncio.sleep(0)
        assert seen == ["2 message"]
        assert not waiting.done()
        hold.set()
        await until(lambda: len(seen) == 2)
        assert seen[1] == "3 You said: hello"
        assert await waiting == ["You said: hello"]
        watcher.cancel()


async def test_streams_end_when_the_engine_stops_and_leave_no_watcher(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        await talk.send("hello")
        task = asyncio.create_task(first(talk, 99))
        await until(lambda: talk.runtime.signals._watchers)
        await talk.runtime.stop()
        assert len(await task) == 2
        assert not talk.runtime.signals._watchers


async def test_where_a_message_is_must_be_asked_with_an_id_that_exists(tmp_path: Path) -> None:
    async with running(echo(), tmp_path / "a.db") as talk:
        with pytest.raises(NotFound):
            await talk.runtime.message("0" * 32)
        with pytest.raises(InvalidInput):
            await talk.runtime.message("nonsense")
        with pytest.raises(InvalidInput):
            await talk.runtime.wait("nonsense", 1)
        assert await talk.runtime.wait("0" * 32, 0.01) is None
        receipt = await talk.post("hello", id="m1")
        assert await talk.wait(receipt) == ["You said: hello"]
        assert await talk.wait(await talk.post("hello", id="m1")) == ["You said: hello"]
        trace = await talk.runtime.trace(receipt.message_id)
        assert [step.what for step in trace.steps] == ["accepted", "message", "reply"]
        assert not talk.runtime._waiters._by_message
        assert not talk.runtime._waiters._expected
