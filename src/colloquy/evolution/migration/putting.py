"""Writing rows of which the database may refuse some: the others are written all the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...model.errors import RowRefused
from .database import Attempt, Database, Many, Operations
from .legacy import Key

Rows = Mapping[Key, tuple[Any, ...]]
Make = Callable[[list[tuple[Any, ...]]], Many]


def put_each(make: Make, rows: Rows) -> Operations[dict[Key, str]]:
    """Within a transaction; returns key → reason of what was refused."""
    refused: dict[Key, str] = {}
    if not rows:
        return refused
    error: RowRefused | None = yield Attempt([make(list(rows.values()))])
    if error is None:
        return refused
    for key, row in rows.items():
        if len(rows) > 1:
            error = yield Attempt([make([row])])
        if error is not None:
            refused[key] = str(error)
    return refused


async def put_rows(database: Database, make: Make, rows: Rows) -> dict[Key, str]:
    """The same in a transaction of its own. Raises StoreUnavailable."""
    return await database.transact(lambda: put_each(make, rows)) if rows else {}
