"""What contexts keep: compare and set by format and position, whoever writes, and no more than so
many parts."""

from __future__ import annotations

import asyncio

from colloquy.storage.store import Store
from support.storage import started

FORMAT = 7


async def put(
    store: Store, session: int, part: int, position: int, data: bytes, form: int = FORMAT
) -> bool:
    return bool(await store.change("context_parts_put", [(session, part, position, form, data)]))


async def parts(store: Store, session: int, limit: int = 100, form: int = FORMAT) -> list[tuple]:
    return await store.query("context_parts_of", session, form, limit)


async def test_whoever_knows_less_changes_nothing(store: Store) -> None:
    row = await started(store)
    assert await put(store, row.number, 0, 20, b"first")
    assert await put(store, row.number, 0, 40, b"newer")
    assert not await put(store, row.number, 0, 20, b"slower")
    assert not await put(store, row.number, 0, 40, b"the same")
    assert await parts(store, row.number) == [(0, 40, b"newer")]


async def test_of_many_who_write_at_once_the_last_position_stays(store: Store) -> None:
    row = await started(store)
    positions = [7, 3, 9, 1, 8, 2, 9, 5, 4, 6] * 3
    won = await asyncio.gather(
        *(put(store, row.number, 0, position, b"%d" % position) for position in positions)
    )
    assert any(won) and not all(won)
    assert await parts(store, row.number) == [(0, 9, b"9")]


async def test_a_newer_format_replaces_an_older_one_and_never_the_reverse(store: Store) -> None:
    row = await started(store)
    assert await put(store, row.number, 0, 90, b"old", FORMAT)
    assert await parts(store, row.number, form=FORMAT + 1) == []
    assert await put(store, row.number, 0, 10, b"new", FORMAT + 1)
    assert not await put(store, row.number, 0, 100, b"old program", FORMAT)
    assert await parts(store, row.number) == []
    assert await parts(store, row.number, form=FORMAT + 1) == [(0, 10, b"new")]


async def test_the_summary_comes_first_then_the_newest(store: Store) -> None:
    row, other = await started(store), await started(store)
    for part in range(5):
        await put(store, row.number, part, 10 + part, b"%d" % part)
    await put(store, other.number, 1, 99, b"other")
    assert [found[0] for found in await parts(store, row.number, 3)] == [0, 4, 3]
    trimmed = await store.change("context_parts_trim", [(row.number, 2)])
    assert sorted(part for (part,) in trimmed) == [1, 2]
    assert [found[0] for found in await parts(store, row.number)] == [0, 4, 3]
    await store.change("context_parts_delete", [(row.number,)])
    assert await parts(store, row.number) == []
    assert len(await parts(store, other.number)) == 1


async def test_nothing_is_kept_of_a_conversation_that_is_not_there(store: Store) -> None:
    assert not await put(store, 4711, 0, 1, b"x")
    assert await parts(store, 4711) == []
