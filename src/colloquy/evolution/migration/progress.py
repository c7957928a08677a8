"""How far long work is, in the database that it writes: after a crash it goes on from there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from ...model.times import Clock
from .database import Ask, Database
from .legacy import Key


class Progress(Struct, kw_only=True):
    """Of one kind of work. `cursor`: the id (or the place) up to which everything is done. Times in
    microseconds since 1970. `matched` of `compared` messages were the same on both sides."""

    cursor: Key | tuple[int, Key] | None = None
    done: int = 0
    total: int = 0
    written: int = 0
    compared: int = 0
    matched: int = 0
    started_at: int = 0
    moved_at: int = 0
    finished_at: int = 0

    @property
    def is_complete(self) -> bool:
        return self.finished_at > 0

    @property
    def parity(self) -> float:
        return self.matched / self.compared if self.compared else 1.0


class Journal:
    """One row for each kind of work, as JSON: only whole rows are ever read or written."""

    def __init__(self, prefix: str, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock
        self._table = database.quote(f"{prefix}progress")
        mark = database.mark
        self._save = (
            f"INSERT INTO {self._table} (name, body) VALUES ({mark(1)}, {mark(2)}) "
            "ON CONFLICT (name) DO UPDATE SET body = excluded.body"
        )

    def schema(self) -> list[str]:
        return [
            f"CREATE TABLE IF NOT EXISTS {self._table} (name TEXT NOT NULL PRIMARY KEY, "
            "body TEXT NOT NULL)"
        ]

    async def read(self, name: str) -> Progress:
        """What was saved last; a fresh one where nothing was."""
        rows = await self.database.ask(
            f"SELECT body FROM {self._table} WHERE name = {self.database.mark(1)}", name
        )
        return msgspec.json.decode(rows[0][0], type=Progress) if rows else Progress()

    async def all(self) -> dict[str, Progress]:
        rows: Sequence[tuple[Any, ...]] = await self.database.ask(
            f"SELECT name, body FROM {self._table} ORDER BY name"
        )
        return {name: msgspec.json.decode(body, type=Progress) for name, body in rows}

    def save(self, name: str, progress: Progress) -> Ask:
        return Ask(self._save, (name, msgspec.json.encode(progress).decode()))

    async def put(self, name: str, progress: Progress) -> None:
        await self.database.run(self.save(name, progress))
