"""Parts of pages that are made once for many."""

from __future__ import annotations

import asyncio

import pytest

from colloquy.console import fragments
from colloquy.console.fragments import HOLD_S, Fragments


class Kitchen:
    """Makes parts, and counts them; each waits for the door to open."""

    def __init__(self) -> None:
        self.made = 0
        self.door = asyncio.Event()
        self.now = 0.0

    async def make(self) -> bytes:
        self.made += 1
        number = self.made
        await self.door.wait()
        return b"%d" % number


async def test_who_asks_at_the_same_time_gets_the_same() -> None:
    kitchen = Kitchen()
    parts = Fragments(lambda: kitchen.now)
    asking = [asyncio.ensure_future(parts.get("rows", kitchen.make)) for _ in range(100)]
    await asyncio.sleep(0)
    kitchen.now = HOLD_S * 10  # it takes long: still one
    asking.append(asyncio.ensure_future(parts.get("rows", kitchen.make)))
    await asyncio.sleep(0)
    kitchen.door.set()
    assert set(await asyncio.gather(*asking)) == {b"1"}


async def test_it_is_made_again_after_a_moment() -> None:
    kitchen = Kitchen()
    kitchen.door.set()
    parts = Fragments(lambda: kitchen.now)
    assert await parts.get("rows", kitchen.make) == b"1"
    kitchen.now = HOLD_S * 0.9
    assert await parts.get("rows", kitchen.make) == b"1"
    assert await parts.get("counts", kitchen.make) == b"2"
    kitchen.now = HOLD_S
    assert await parts.get("rows", kitchen.make) == b"3"


async def test_an_error_is_told_to_all_and_not_kept() -> None:
    parts = Fragments(lambda: 0.0)
    door = asyncio.Event()

    async def fail() -> bytes:
        await door.wait()
        raise ValueError("no")

    async def fine() -> bytes:
        return b"fine"

    asking = [asyncio.ensure_future(parts.get("rows", fail)) for _ in range(3)]
    await asyncio.sleep(0)
    door.set()
    results = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(result) for result in results] == [ValueError] * 3
    assert await parts.get("rows", fine) == b"fine"


async def test_one_who_leaves_takes_nothing_from_the_others() -> None:
    kitchen = Kitchen()
    parts = Fragments(lambda: 0.0)
    first = asyncio.ensure_future(parts.get("rows", kitchen.make))
    second = asyncio.ensure_future(parts.get("rows", kitchen.make))
    await asyncio.sleep(0)
    first.cancel()
    kitchen.door.set()
    assert await second == b"1"


async def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MOST", 2)
    kitchen = Kitchen()
    kitchen.door.set()
    parts = Fragments(lambda: 0.0)
    for name in ("a", "b", "c"):
        await parts.get(name, kitchen.make)
    assert await parts.get("c", kitchen.make) == b"3"
    assert await parts.get("a", kitchen.make) == b"4"
