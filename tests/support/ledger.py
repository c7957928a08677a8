"""Ledgers for tests: opened on a store, changed at random, compared."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from colloquy.ledger.collections import Collections
from colloquy.ledger.ledger import Ledger
from colloquy.ledger.merge import MISSING
from colloquy.ledger.restoring.requests import Request
from colloquy.ledger.rows import OperationRow
from colloquy.storage.store import Store


async def no_pause(seconds: float) -> None:
    """Instead of sleeping between batches."""


def ledger_on(store: Store, *collections: Any, owner: str | None = None) -> Ledger:
    return Ledger(store, Collections(collections), owner=owner, sleep=no_pause)


async def rolled_back(ledger: Ledger, request: Request, actor: str = "ann") -> OperationRow:
    """The operation, carried out as far as it goes."""
    operation = await ledger.start(request, actor)
    return await carried_out(ledger, operation.id)


async def carried_out(ledger: Ledger, operation: str) -> OperationRow:
    """Until it is finished or waits, whoever runs it: a runtime looks for open ones too."""
    await ledger.run(operation)
    async with asyncio.timeout(60):
        while True:
            row = await ledger.operations.get(operation)
            if row.status not in ("pending", "in_progress"):
                return row
            await asyncio.sleep(0.01)


async def filled(ledger: Ledger, collection: str = "prices", count: int = 20) -> dict[str, Any]:
    """Records k0, k1, …; returns them."""
    records = {f"k{index}": {"amount": index, "tags": ["a", "b"]} for index in range(count)}
    for start in range(0, count, 500):
        part = list(records.items())[start : start + 500]
        await ledger.put_many([(collection, key, value, None) for key, value in part], "setup")
    return records


async def changed_at_random(ledger: Ledger, count: int, chance: random.Random, keys: int) -> None:
    """Sets, edits and deletes records in two collections."""
    rows: list[tuple[str, str, Any, None]] = []
    for _ in range(count):
        key = f"k{chance.randrange(keys)}"
        value: Any = MISSING
        if chance.random() < 0.8:
            value = {"amount": chance.randrange(10**6), "text": chance.choice("abc") * 9}
        rows.append((chance.choice(("prices", "notes")), key, value, None))
        if len(rows) == 500:
            await ledger.put_many(rows, "somebody")
            rows = []
    if rows:
        await ledger.put_many(rows, "somebody")
