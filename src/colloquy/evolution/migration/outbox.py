"""What is still to be written to the other database, in the database of the one that has it.

A row is an id and no message: whoever empties the outbox reads the message as it is then, so that
what is written last is what is newest. A row that was put there again meanwhile has another version
and stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...model.times import Clock
from .database import Ask, Database, Many
from .legacy import Key

BACKOFF_S = (0.2, 1.0, 5.0, 15.0, 60.0)
"""Pauses between attempts; the last one holds for all after it. Nothing is ever given up."""


class Waiting(NamedTuple):
    key: Key
    version: int
    attempts: int


class Outbox:
    def __init__(self, prefix: str, database: Database, id_type: str, clock: Clock) -> None:
        self.database = database
        self._id_type = id_type
        self._clock = clock
        self._name = f"{prefix}outbox"
        self._table = table = database.quote(self._name)
        mark = database.mark
        self._put = (
            f"INSERT INTO {table} (id, version, attempts, due_at) "
            f"VALUES ({mark(1, id_type)}, 1, 0, 0) ON CONFLICT (id) DO UPDATE SET "
            f"version = {table}.version + 1, attempts = 0, due_at = 0"
        )
        self._drop = (
            f"DELETE FROM {table} WHERE id = {mark(1, id_type)} AND version = {mark(2, 'bigint')}"
        )
        self._later = (
            f"UPDATE {table} SET attempts = attempts + 1, due_at = {mark(3, 'bigint')} "
            f"WHERE id = {mark(1, id_type)} AND version = {mark(2, 'bigint')}"
        )

    def schema(self) -> list[str]:
        id_type = "BIGINT" if self._id_type == "bigint" else "TEXT"
        return [
            f"CREATE TABLE IF NOT EXISTS {self._table} (id {id_type} NOT NULL PRIMARY KEY, "
            "version BIGINT NOT NULL, attempts BIGINT NOT NULL, due_at BIGINT NOT NULL)",
            f"CREATE INDEX IF NOT EXISTS {self.database.quote(self._name + '_due')} "
            f"ON {self._table} (due_at)",
        ]

    def put(self, keys: Sequence[Key]) -> Many:
        return Many(self._put, [(self.database.value(key, self._id_type),) for key in keys])

    def done(self, items: Sequence[Waiting]) -> Many:
        value = self.database.value
        rows = [(value(one.key, self._id_type), value(one.version, "bigint")) for one in items]
        return Many(self._drop, rows)

    def later(self, items: Sequence[Waiting]) -> Many:
        """These failed: they come again after a pause that grows with each attempt."""
        value, now = self.database.value, self._clock()
        rows = []
        for one in items:
            pause = BACKOFF_S[min(one.attempts, len(BACKOFF_S) - 1)]
            due = value(now + int(pause * 1_000_000), "bigint")
            rows.append((value(one.key, self._id_type), value(one.version, "bigint"), due))
        return Many(self._later, rows)

    async def due(self, limit: int) -> list[Waiting]:
        mark = self.database.mark(1, "bigint")
        rows = await self.database.ask(
            f"SELECT id, version, attempts FROM {self._table} WHERE due_at <= {mark} "
            f"ORDER BY due_at, id LIMIT {int(limit)}",
            self.database.value(self._clock(), "bigint"),
        )
        return [Waiting(*row) for row in rows]

    async def count(self) -> int:
        ((found,),) = await self.database.ask(f"SELECT count(*) FROM {self._table}")
        return int(found)

    def versions(self, keys: Sequence[Key]) -> Ask:
        """(id, version) of those that wait, locked where the database locks rows."""
        condition = self.database.any_of("id", 1, self._id_type)
        lock = " ORDER BY id FOR UPDATE" if self.database.dialect == "postgresql" else ""
        return Ask(
            f"SELECT id, version FROM {self._table} WHERE {condition}{lock}",
            (self.database.keys(keys),),
        )

    async def among(self, keys: Sequence[Key]) -> set[Key]:
        """Those of the keys that wait."""
        condition = self.database.any_of("id", 1, self._id_type)
        sql = f"SELECT id FROM {self._table} WHERE {condition}"
        return {key for (key,) in await self.database.ask(sql, self.database.keys(keys))}
