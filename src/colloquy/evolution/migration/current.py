"""The table of V2 messages: each as JSON, by the id that V1 knows it by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...model.message import Message, encode
from ...model.times import to_us
from .database import Ask, Database, Many
from .legacy import Key

NO_TIME = -(2**63)
"""Of a message that says no time: it comes first."""


class CurrentTable:
    """`id_type` is that of the old table's ids, so that both have one order."""

    def __init__(self, prefix: str, database: Database, id_type: str) -> None:
        self.database = database
        self.label = f"{prefix}messages_v2"
        self._id_type = id_type
        self._table = database.quote(self.label)
        marks = ", ".join(
            database.mark(number, type_)
            for number, type_ in enumerate((id_type, "text", "bigint", self.bytes_type), 1)
        )
        into = f"INSERT INTO {self._table} (id, conversation, sent_at, body) VALUES ({marks})"
        self._insert = f"{into} ON CONFLICT (id) DO NOTHING"
        self._upsert = (
            f"{into} ON CONFLICT (id) DO UPDATE SET conversation = excluded.conversation, "
            "sent_at = excluded.sent_at, body = excluded.body"
        )

    @property
    def bytes_type(self) -> str:
        return "BLOB" if self.database.dialect == "sqlite" else "bytea"

    def schema(self) -> list[str]:
        if self.database.dialect == "sqlite":
            # The id is the row's place: no index beside the table.
            id_type = "INTEGER" if self._id_type == "bigint" else "TEXT"
            end = "" if self._id_type == "bigint" else " WITHOUT ROWID"
        else:
            # Bytes in order, as Python has them, whatever the database's language is.
            id_type = "BIGINT" if self._id_type == "bigint" else 'TEXT COLLATE "C"'
            end = ""
        return [
            f"CREATE TABLE IF NOT EXISTS {self._table} (id {id_type} NOT NULL PRIMARY KEY, "
            "conversation TEXT NOT NULL, sent_at BIGINT NOT NULL, "
            f"body {self.bytes_type} NOT NULL){end}"
        ]

    def order_by_time(self) -> Ask:
        """Makes what `by_time` needs to be fast; a dual write does without."""
        name = self.database.quote(f"{self.label}_by_time")
        return Ask(f"CREATE INDEX IF NOT EXISTS {name} ON {self._table} (sent_at, id)")

    def row(self, key: Key, message: Message) -> tuple[Any, ...]:
        at = to_us(message.sent_at) if message.sent_at is not None else NO_TIME
        value = self.database.value
        return (
            value(key, self._id_type),
            message.conversation,
            value(at, "bigint"),
            encode(message),
        )

    def page(self, after: Key | None, limit: int) -> Ask:
        """(id, body) with ids above `after`, in the order of ids."""
        end = f"ORDER BY id LIMIT {int(limit)}"
        if after is None:
            return Ask(f"SELECT id, body FROM {self._table} {end}")
        mark = self.database.mark(1, self._id_type)
        return Ask(
            f"SELECT id, body FROM {self._table} WHERE id > {mark} {end}",
            (self.database.value(after, self._id_type),),
        )

    def by_key(self, keys: Sequence[Key]) -> Ask:
        condition = self.database.any_of("id", 1, self._id_type)
        return Ask(
            f"SELECT id, body FROM {self._table} WHERE {condition}", (self.database.keys(keys),)
        )

    async def by_time(
        self, after: tuple[int, Key] | None, limit: int
    ) -> list[tuple[int, Key, bytes]]:
        """(sent_at, id, body) after a place, in the order in which things were said."""
        database = self.database
        condition = ""
        parameters: tuple[Any, ...] = ()
        if after is not None:
            first, second = database.mark(1, "bigint"), database.mark(2, self._id_type)
            condition = f"WHERE (sent_at, id) > ({first}, {second})"
            parameters = (
                database.value(after[0], "bigint"),
                database.value(after[1], self._id_type),
            )
        rows = await database.ask(
            f"SELECT sent_at, id, body FROM {self._table} {condition} "
            f"ORDER BY sent_at, id LIMIT {int(limit)}",
            *parameters,
        )
        return [(at, key, bytes(body)) for at, key, body in rows]

    async def count(self) -> int:
        ((found,),) = await self.database.ask(f"SELECT count(*) FROM {self._table}")
        return int(found)

    def write(self, rows: Sequence[tuple[Any, ...]]) -> Many:
        """Inserts or updates by id."""
        return Many(self._upsert, rows)

    def insert(self, rows: Sequence[tuple[Any, ...]]) -> Many:
        """Inserts what is not there yet."""
        return Many(self._insert, rows)
