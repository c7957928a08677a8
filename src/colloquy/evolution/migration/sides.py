"""One of the two tables, by the version of its messages: read as V1 has them, written as it has
them itself. What holds for both sides is written once, over these."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...model.errors import ColloquyError
from ..v1 import V1Message
from .database import Ask, Database, Many
from .legacy import Key
from .outbox import Outbox
from .tables import Tables

Read = dict[Key, V1Message | ColloquyError]
"""Messages as the old table keeps them; an error for a row that no message can be made of."""


class Side:
    def __init__(self, tables: Tables, version: int) -> None:
        self.version = version
        self._tables = tables

    @property
    def other(self) -> Side:
        return Side(self._tables, 3 - self.version)

    @property
    def database(self) -> Database:
        return self._tables.old if self.version == 1 else self._tables.new

    @property
    def outbox(self) -> Outbox:
        return self._tables.from_v1 if self.version == 1 else self._tables.from_v2

    # -- reading ------------------------------------------------------------------------------

    def by_key(self, keys: Sequence[Key]) -> Ask:
        tables = self._tables
        return tables.legacy.by_key(keys) if self.version == 1 else tables.current.by_key(keys)

    def page(self, after: Key | None, limit: int) -> Ask:
        tables = self._tables
        if self.version == 1:
            return tables.legacy.page(after, limit)
        return tables.current.page(after, limit)

    async def read(self, keys: Sequence[Key]) -> Read:
        """Those of the messages that are there."""
        return await self._read(self.by_key(keys)) if keys else {}

    async def read_page(self, after: Key | None, limit: int) -> Read:
        """Messages with ids above `after`, in the order of ids."""
        return await self._read(self.page(after, limit))

    async def _read(self, ask: Ask) -> Read:
        return self.messages(await self.database.ask(ask.sql, *ask.parameters))

    def messages(self, rows: Sequence[tuple[Any, ...]]) -> Read:
        """What the rows of `by_key` or `page` say."""
        return {row[0]: self._message(row) for row in rows}

    def _message(self, row: tuple[Any, ...]) -> V1Message | ColloquyError:
        tables = self._tables
        try:
            if self.version == 1:
                return tables.legacy.as_kept(tables.legacy.message(row))
            return tables.formats.v1(bytes(row[1]))
        except ColloquyError as error:
            return error

    async def count(self) -> int:
        tables = self._tables
        return await (tables.legacy if self.version == 1 else tables.current).count()

    # -- writing ------------------------------------------------------------------------------

    def row(self, key: Key, message: V1Message | ColloquyError) -> tuple[Any, ...]:
        """The row of this side for a message that `read` gave. Raises ColloquyError."""
        if isinstance(message, ColloquyError):
            raise message
        tables = self._tables
        if self.version == 1:
            return tables.legacy.row(message)
        return tables.current.row(key, tables.formats.v2(message))

    def rows(
        self, messages: Mapping[Key, V1Message | ColloquyError]
    ) -> tuple[dict[Key, tuple[Any, ...]], dict[Key, str]]:
        """(key → row, key → why there is none)."""
        rows: dict[Key, tuple[Any, ...]] = {}
        reasons: dict[Key, str] = {}
        for key, message in messages.items():
            try:
                rows[key] = self.row(key, message)
            except ColloquyError as error:
                reasons[key] = told(error)
        return rows, reasons

    def write(self, rows: Sequence[tuple[Any, ...]]) -> Many:
        """Inserts or updates by id."""
        tables = self._tables
        return tables.legacy.write(rows) if self.version == 1 else tables.current.write(rows)

    def insert(self, rows: Sequence[tuple[Any, ...]]) -> Many:
        """Inserts what is not there yet."""
        tables = self._tables
        return tables.legacy.insert(rows) if self.version == 1 else tables.current.insert(rows)


def told(error: ColloquyError) -> str:
    """An error as the reason of a mismatch."""
    field = f"{error.field}: " if error.field else ""
    return f"{error.code}: {field}{error.detail}"
