"""Webhooks in the store: a cursor moves once, with everything that belongs to it, or not at all."""

from __future__ import annotations

import asyncio

import pytest

from colloquy.model.errors import Conflict, NotFound
from colloquy.storage.store import Store, StoreEvent
from colloquy.storage.webhooks import Advance, DeliveryRow, WebhookRow, WebhookRows, ledger_change

NOW = 1_800_000_000_000_000
HOOK = "a" * 32
BATCH = 10


def webhook(webhook_id: str = HOOK, **fields: object) -> WebhookRow:
    row = WebhookRow(
        webhook_id, "https://crm.example/", "[]", "[]", "", 1, None, b"sealed", None, None, 0,
        None, NOW, NOW, 1,
    )  # fmt: skip
    return row._replace(**fields)


def event(position: int) -> StoreEvent:
    return StoreEvent(1, position, position, "message", NOW, None, b"{}")


async def made(store: Store, *rows: WebhookRow) -> WebhookRows:
    found = WebhookRows(store)
    for row in rows or (webhook(),):
        await found.create(row, ledger_change(row, "create", "tester"), 100)
    return found


async def all_of(rows: WebhookRows, webhook_id: str = HOOK) -> list[DeliveryRow]:
    return (await rows.deliveries(webhook_id, 2**62, 1000, ""))[::-1]


async def test_the_cursor_and_its_deliveries_are_one(store: Store) -> None:
    rows = await made(store)
    move = Advance(HOOK, 0, 3, [event(1), event(3)])
    assert await rows.advance([move], NOW) == {HOOK}
    assert (await rows.get(HOOK)).position == 3
    assert [(one.position, one.state, one.due_at) for one in await all_of(rows)] == [
        (1, "pending", NOW),
        (3, "pending", NOW),
    ]
    assert await rows.advance([move], NOW) == set()
    assert len(await all_of(rows)) == 2


async def test_of_two_that_move_it_one_does(store: Store) -> None:
    rows = await made(store)
    moves = [Advance(HOOK, 0, 5 + n, [event(one) for one in range(1, 6 + n)]) for n in range(6)]
    moved = await asyncio.gather(*(rows.advance([move], NOW) for move in moves))
    assert sorted(map(len, moved)) == [0, 0, 0, 0, 0, 1]
    position = (await rows.get(HOOK)).position
    assert [one.position for one in await all_of(rows)] == list(range(1, position + 1))


async def test_several_move_together_and_those_disabled_stay(store: Store) -> None:
    other = "b" * 32
    rows = await made(store, webhook(), webhook(other, enabled=0))
    moves = [Advance(HOOK, 0, 1, [event(1)]), Advance(other, 0, 1, [event(1)])]
    assert await rows.advance(moves, NOW) == {HOOK}
    assert (await rows.get(other)).position == 0
    assert await all_of(rows, other) == []


async def test_numbers_grow_across_webhooks(store: Store) -> None:
    other = "b" * 32
    rows = await made(store, webhook(), webhook(other))
    await asyncio.gather(
        *(rows.advance([Advance(one, 0, 4, [event(n) for n in range(1, 5)])], NOW)
          for one in (HOOK, other))
    )  # fmt: skip
    numbers = [one.number for one in await all_of(rows) + await all_of(rows, other)]
    assert sorted(numbers) == list(range(1, 9))
    assert await rows.new_number() == 9


async def test_an_outcome_counts_for_the_attempt_it_belongs_to(store: Store) -> None:
    rows = await made(store)
    await rows.advance([Advance(HOOK, 0, 1, [event(1)])], NOW)
    (row,) = await rows.due(HOOK, NOW, 10)
    later = row._replace(state="retry", attempts=1, due_at=NOW + 5, status_code=500)
    assert await rows.record(later, 0)
    assert not await rows.record(later, 0)
    assert await rows.due(HOOK, NOW, 10) == []
    assert await rows.next_due(HOOK, NOW) == NOW + 5
    assert await rows.begin_anew(HOOK, row.number, NOW) == later._replace(
        state="pending", attempts=0, due_at=NOW
    )
    done = later._replace(state="delivered", attempts=2, due_at=None)
    assert not await rows.record(done, 1)
    assert await rows.waiting(HOOK) == 1


async def test_a_change_counts_for_the_version_it_belongs_to(store: Store) -> None:
    rows = await made(store)
    changed = webhook(url="https://other.example/", version=2)
    note = ledger_change(changed, "update", "tester")
    results = await asyncio.gather(*(rows.update(changed, note) for _ in range(4)))
    assert sorted(results) == [False, False, False, True]
    assert [entry.operation for entry in await store.changes_of("webhooks", HOOK)] == [
        "create",
        "update",
    ]
    assert b"sealed" not in b"".join(
        entry.after or b"" for entry in await store.changes_of("webhooks", HOOK)
    )


async def test_deleting_goes_in_batches_and_leaves_nothing(store: Store) -> None:
    rows = await made(store)
    await rows.advance([Advance(HOOK, 0, 25, [event(n) for n in range(1, 26)])], NOW)
    gone = ledger_change(webhook(), "delete", "tester")
    await rows.delete(HOOK, gone, BATCH)
    assert await all_of(rows) == []
    with pytest.raises(NotFound):
        await rows.delete(HOOK, gone, BATCH)


async def test_pruning_goes_in_batches(store: Store) -> None:
    rows = await made(store)
    await rows.advance([Advance(HOOK, 0, 25, [event(n) for n in range(1, 26)])], NOW)
    for row in await all_of(rows):
        await rows.record(row._replace(state="delivered", attempts=1, due_at=None), 0)
    assert await rows.prune(HOOK, NOW, 12, BATCH) == BATCH
    assert await rows.prune(HOOK, NOW, 12, BATCH) == 3
    assert await rows.prune(HOOK, NOW, 12, BATCH) == 0
    assert [one.position for one in await all_of(rows)] == list(range(14, 26))
    assert await rows.prune(HOOK, NOW + 1, 12, BATCH) == BATCH


async def test_there_is_a_limit(store: Store) -> None:
    rows = await made(store)
    other = webhook("b" * 32)
    with pytest.raises(Conflict):
        await rows.create(other, ledger_change(other, "create", "tester"), 1)
    assert len(await rows.all()) == 1
