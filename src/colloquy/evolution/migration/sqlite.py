"""SQLite through apsw: one connection for writing, one for reading, each visited by one thread."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import apsw
from sqlalchemy.engine import URL

from ...model.errors import NotFound, RowRefused, StoreUnavailable
from .database import Ask, Attempt, ColumnInfo, Database, Many, Operations, Rows

T = TypeVar("T")

WAIT_S = 10.0
"""How long a transaction waits for the lock of another program."""

CHUNK = 250
"""Rows to a statement at most."""

_VALUES = re.compile(r"VALUES (\(.*?\)) ON CONFLICT")
_MARK = re.compile(r"\?\d+")
_REFUSALS = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    apsw.SQLError,
    OverflowError,
)


class SqliteDatabase(Database):
    dialect = "sqlite"
    numbered = "INTEGER PRIMARY KEY"

    def __init__(self, url: URL, *, creates: bool = False) -> None:
        super().__init__(url, creates=creates)
        self.path = Path(url.database or "").absolute()
        self._writer: apsw.Connection | None = None
        self._reader: apsw.Connection | None = None
        self._writing = threading.Lock()
        self._reading = threading.Lock()

    async def open(self) -> None:
        if not self.creates and not self.path.exists():
            raise NotFound(f"there is no file {self.path}", field="url")
        try:
            self._writer = self._connect()
            self._reader = self._connect()
        except apsw.Error as error:
            await self.close()
            raise _unavailable(error) from error

    async def close(self) -> None:
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        with self._writing, self._reading:
            for connection in (self._writer, self._reader):
                if connection is not None:
                    connection.close()
            self._writer = self._reader = None

    def _connect(self) -> apsw.Connection:
        flags = apsw.SQLITE_OPEN_READWRITE | (apsw.SQLITE_OPEN_CREATE if self.creates else 0)
        connection = apsw.Connection(str(self.path), flags=flags)
        connection.set_busy_timeout(int(WAIT_S * 1000))
        return connection

    async def transact(self, make: Callable[[], Operations[T]]) -> T:
        return await asyncio.to_thread(self._transact, make)

    def _transact(self, make: Callable[[], Operations[T]]) -> T:
        with self._writing:
            connection = self._writer
            if connection is None:
                raise StoreUnavailable("the database is closed")
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = _drive(connection, make())
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:
                    with contextlib.suppress(apsw.Error):
                        connection.execute("ROLLBACK")
                if isinstance(error, apsw.Error | OverflowError):
                    raise _told(error) from error
                raise
            return result

    async def ask(self, sql: str, *parameters: Any) -> Rows:
        return await asyncio.to_thread(self._ask, sql, parameters)

    def _ask(self, sql: str, parameters: tuple[Any, ...]) -> Rows:
        with self._reading:
            if self._reader is None:
                raise StoreUnavailable("the database is closed")
            try:
                return self._reader.execute(sql, parameters).fetchall()
            except (apsw.Error, OverflowError) as error:
                raise _told(error) from error

    async def columns(self, table: str) -> list[ColumnInfo]:
        rows = await self.ask(f"PRAGMA table_info({self.quote(table)})")
        # A single INTEGER PRIMARY KEY is the row's number: SQLite fills it in.
        keys = sum(1 for row in rows if row[5])
        return [
            ColumnInfo(
                name,
                type_ or "",
                _kind(type_ or ""),
                not not_null and not key,
                default is not None or (keys == 1 and key == 1 and type_.upper() == "INTEGER"),
            )
            for _, name, type_, not_null, default, key in rows
        ]

    async def unique_columns(self, table: str) -> set[str]:
        info = await self.ask(f"PRAGMA table_info({self.quote(table)})")
        keys = [row[1] for row in info if row[5]]
        found = set(keys) if len(keys) == 1 else set()
        for row in await self.ask(f"PRAGMA index_list({self.quote(table)})"):
            name, is_unique, is_partial = row[1], row[2], row[4]
            columns = await self.ask(f"PRAGMA index_info({self.quote(name)})")
            if is_unique and not is_partial and len(columns) == 1 and columns[0][2]:
                found.add(columns[0][2])
        return found

    def quote(self, name: str) -> str:
        return '"' + name.replace('"', '""') + '"'

    def mark(self, number: int, type: str = "text") -> str:
        return f"?{number}"

    def any_of(self, column: str, number: int, type: str) -> str:
        return f"{column} IN (SELECT value FROM json_each(?{number}))"

    def keys(self, keys: Sequence[int | str]) -> str:
        return json.dumps(list(keys))


def _drive(connection: apsw.Connection, operations: Operations[T]) -> T:
    try:
        operation = next(operations)
        while True:
            operation = operations.send(_run(connection, operation))
    except StopIteration as done:
        result: T = done.value
        return result


def _run(connection: apsw.Connection, operation: Ask | Many | Attempt) -> Any:
    if isinstance(operation, Ask):
        return connection.execute(operation.sql, operation.parameters).fetchall()
    if isinstance(operation, Many):
        _many(connection, operation)
        return None
    connection.execute("SAVEPOINT attempt")
    try:
        for inner in operation.operations:
            _run(connection, inner)
    except _REFUSALS as error:
        if not connection.in_transaction:  # a trigger rolled back all of it
            raise
        connection.execute("ROLLBACK TO attempt")
        connection.execute("RELEASE attempt")
        return _told(error)
    connection.execute("RELEASE attempt")
    return None


def _many(connection: apsw.Connection, operation: Many) -> None:
    """Inserts go many rows to a statement: each statement gives up the interpreter lock, and beside
    a busy thread gets it back late."""
    rows = operation.rows
    if _VALUES.search(operation.sql) is None:
        connection.executemany(operation.sql, rows).fetchall()
        return
    for start in range(0, len(rows), CHUNK):
        chunk = rows[start : start + CHUNK]
        text = _for_rows(operation.sql, len(chunk))
        connection.execute(text, tuple(chain.from_iterable(chunk))).fetchall()


@lru_cache(maxsize=256)
def _for_rows(sql: str, count: int) -> str:
    """An insert of one row, `VALUES (?1, ?2) ON CONFLICT …`, as one of so many."""

    def values(match: re.Match[str]) -> str:
        row = _MARK.sub("?", match[1])
        return f"VALUES {', '.join([row] * count)} ON CONFLICT"

    return _VALUES.sub(values, sql, count=1)


def _told(error: Exception) -> RowRefused | StoreUnavailable:
    if isinstance(error, _REFUSALS):
        return RowRefused(str(error))
    return _unavailable(error)


def _unavailable(error: Exception) -> StoreUnavailable:
    return StoreUnavailable(f"the database cannot be used now: {error}")


def _kind(type_: str) -> str:
    """By the rules of SQLite's type affinity, but for types that say what their text is."""
    upper = type_.upper()
    if "JSON" in upper:
        return "json"
    if "INT" in upper:
        return "integer"
    if any(word in upper for word in ("CHAR", "CLOB", "TEXT", "UUID")):
        return "text"
    if "DATE" in upper or "TIME" in upper:
        return "text"
    if any(word in upper for word in ("REAL", "FLOA", "DOUB", "NUM", "DEC")):
        return "real"
    return "any" if not upper else "other"
