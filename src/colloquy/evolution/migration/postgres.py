"""PostgreSQL through asyncpg. Parameters go as text and are cast to the column's own type, so that
a table may have any type that has a text form."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from asyncpg import exceptions
from sqlalchemy.engine import URL

from ...model.errors import RowRefused, StoreUnavailable
from ...storage.postgres_connections import COLLISIONS, OUTAGES, connect
from .database import Ask, Attempt, ColumnInfo, Database, Many, Operations, Rows

T = TypeVar("T")

TIMEOUT_S = 30.0
CONNECTIONS = 4
TRIES = 5
"""Of a transaction that met another one: a deadlock, a serialization failure."""

_KINDS = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "text": "text",
    "character varying": "text",
    "character": "text",
    "uuid": "uuid",
    "json": "json",
    "jsonb": "json",
    "timestamp with time zone": "timestamp",
    "timestamp without time zone": "timestamp",
    "double precision": "real",
}
_NATIVE = ("bytea",)

_LOST: tuple[type[BaseException], ...] = (*OUTAGES, asyncio.CancelledError)

_COLUMNS = """
SELECT a.attname::text, format_type(a.atttypid, NULL), NOT a.attnotnull,
       a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> ''
FROM pg_attribute a
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"""
_UNIQUE = """
SELECT a.attname::text FROM pg_index i
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
WHERE i.indrelid = to_regclass($1) AND i.indisunique AND i.indisvalid
  AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indexprs IS NULL"""


class PostgresDatabase(Database):
    dialect = "postgresql"
    numbered = "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY"

    def __init__(self, url: URL) -> None:
        super().__init__(url)
        self._dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._free: list[Any] = []
        self._room = asyncio.Semaphore(CONNECTIONS)
        self._is_open = False

    async def open(self) -> None:
        self._is_open = True
        async with self._connection():
            pass

    async def close(self) -> None:
        self._is_open = False
        while self._free:
            await self._free.pop().close()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        if not self._is_open:
            raise StoreUnavailable("the database is closed")
        async with self._room:
            connection = self._free.pop() if self._free else None
            if connection is None or connection.is_closed():
                connection = await connect(
                    self._dsn,
                    timeout_s=TIMEOUT_S,
                    settings={"application_name": "colloquy-migration", "timezone": "UTC"},
                )
            try:
                yield connection
            except _LOST:
                connection.terminate()
                raise
            finally:
                if self._is_open and not connection.is_closed():
                    self._free.append(connection)
                elif not connection.is_closed():
                    await connection.close()

    async def transact(self, make: Callable[[], Operations[T]]) -> T:
        for number in range(TRIES):
            try:
                async with self._connection() as connection, connection.transaction():
                    return await _drive(connection, make())
            except COLLISIONS as error:
                if number == TRIES - 1:
                    raise _unavailable(error) from error
                await asyncio.sleep(0.02 * 2**number)
            except (exceptions.PostgresError, *OUTAGES) as error:
                raise _told(error) from error
        raise AssertionError

    async def ask(self, sql: str, *parameters: Any) -> Rows:
        try:
            async with self._connection() as connection:
                return [tuple(row) for row in await connection.fetch(sql, *parameters)]
        except (exceptions.PostgresError, *OUTAGES) as error:
            raise _told(error) from error

    async def columns(self, table: str) -> list[ColumnInfo]:
        rows = await self.ask(_COLUMNS, self.quote(table))
        return [
            ColumnInfo(name, type_, _KINDS.get(type_, "other"), nullable, default)
            for name, type_, nullable, default in rows
        ]

    async def unique_columns(self, table: str) -> set[str]:
        return {name for (name,) in await self.ask(_UNIQUE, self.quote(table))}

    def mark(self, number: int, type: str = "text") -> str:
        return f"${number}::{type}" if type in _NATIVE else f"${number}::text::{type}"

    def any_of(self, column: str, number: int, type: str) -> str:
        return f"{column} = ANY(${number}::text[]::{type}[])"

    def keys(self, keys: Sequence[int | str]) -> list[str]:
        return [str(key) for key in keys]

    def value(self, value: Any, type: str) -> Any:
        if value is None or type in _NATIVE:
            return value
        return value if isinstance(value, str) else json.dumps(value)


async def _drive(connection: Any, operations: Operations[T]) -> T:
    try:
        operation = next(operations)
        while True:
            operation = operations.send(await _run(connection, operation))
    except StopIteration as done:
        result: T = done.value
        return result
    finally:
        operations.close()


async def _run(connection: Any, operation: Ask | Many | Attempt) -> Any:
    if isinstance(operation, Ask):
        return [tuple(row) for row in await connection.fetch(operation.sql, *operation.parameters)]
    if isinstance(operation, Many):
        await connection.executemany(operation.sql, operation.rows)
        return None
    try:
        async with connection.transaction():
            for inner in operation.operations:
                await _run(connection, inner)
    except (*COLLISIONS, *OUTAGES):
        raise
    except exceptions.PostgresError as error:
        return _told(error)
    return None


def _told(error: Exception) -> RowRefused | StoreUnavailable:
    if isinstance(error, OUTAGES):
        return _unavailable(error)
    return RowRefused(str(error))


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"the database cannot be used now: {error or type(error).__name__}")
