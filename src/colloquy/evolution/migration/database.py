"""A database that holds somebody's tables: SQLite by apsw, PostgreSQL by asyncpg.

A transaction is a generator of operations, which the engine drives: on SQLite all of it in one
visit to the connection's thread. It yields `Ask`, `Many` or `Attempt`, is sent rows, and returns
what the transaction is to return. SQL is written once; `mark`, `any_of` and `quote` are where the
engines differ. Nothing here changes settings of the database itself, such as its journal mode.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ...model.errors import ExtraMissing, InvalidInput

T = TypeVar("T")
Rows = list[tuple[Any, ...]]


class Ask(NamedTuple):
    """One statement; its rows are sent back."""

    sql: str
    parameters: tuple[Any, ...] = ()


class Many(NamedTuple):
    """One statement for each row of parameters; nothing is sent back."""

    sql: str
    rows: Sequence[tuple[Any, ...]]


class Attempt(NamedTuple):
    """Operations in a savepoint: sent back is None, or why the database refused them. Then nothing
    of them is left, and the transaction goes on."""

    operations: Sequence[Ask | Many]


Operations = Generator[Ask | Many | Attempt, Any, T]


class ColumnInfo(NamedTuple):
    """A column as the database describes it. `kind`: integer, real, text, json, uuid, timestamp,
    any (SQLite: no type) or other."""

    name: str
    type: str
    kind: str
    is_nullable: bool
    has_default: bool


class Database(ABC):
    """One open database. Methods raise StoreUnavailable while it is away, RowRefused for what it
    will not hold; after either nothing of the transaction was written."""

    dialect: str
    numbered: str
    """Type of a primary key that numbers rows by itself."""

    def __init__(self, url: URL, *, creates: bool = False) -> None:
        """`creates`: a SQLite file that is not there is made."""
        self.url = url
        self.creates = creates

    @property
    def name(self) -> str:
        """The address without a password."""
        return self.url.render_as_string(hide_password=True)

    @abstractmethod
    async def open(self) -> None: ...

    @abstractmethod
    async def close(self) -> None:
        """May be called twice."""

    @abstractmethod
    async def transact(self, make: Callable[[], Operations[T]]) -> T:
        """Drives the operations as one transaction; what they raise undoes it."""

    async def run(self, operation: Ask | Many) -> Rows:
        """One operation in a transaction of its own; the rows of an `Ask`."""

        def steps() -> Operations[Rows]:
            return (yield operation) or []

        return await self.transact(steps)

    @abstractmethod
    async def ask(self, sql: str, *parameters: Any) -> Rows:
        """One reading statement outside of any transaction."""

    @abstractmethod
    async def columns(self, table: str) -> list[ColumnInfo]:
        """Of a table, or of `schema.table`; none where there is no such table."""

    @abstractmethod
    async def unique_columns(self, table: str) -> set[str]:
        """The columns that are unique each by itself, primary keys too."""

    @abstractmethod
    def mark(self, number: int, type: str = "text") -> str:
        """The place of parameter `number`, from 1. PostgreSQL is given texts and casts them."""

    @abstractmethod
    def any_of(self, column: str, number: int, type: str) -> str:
        """A condition: the column is one of the keys in parameter `number` (see `keys`)."""

    @abstractmethod
    def keys(self, keys: Sequence[int | str]) -> Any:
        """Keys as the one parameter that `any_of` takes."""

    def value(self, value: Any, type: str) -> Any:
        """A parameter for `mark(…, type)`."""
        return value

    def quote(self, name: str) -> str:
        """An identifier, or `schema.table`. Raises InvalidInput."""
        parts = name.split(".")
        if not all(parts) or "\0" in name or len(parts) > 2:
            raise InvalidInput(f"{name!r} is no name of a table or column")
        return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def database_of(url: str, field: str = "url", *, creates: bool = False) -> Database:
    """The database of a SQLAlchemy URL, not yet open; `creates` as for `Database`.

    Raises InvalidInput, ExtraMissing.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise InvalidInput("not a SQLAlchemy URL, such as sqlite:///chat.db", field=field) from None
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        if not parsed.database or parsed.database == ":memory:":
            raise InvalidInput("a SQLite URL needs a file: sqlite:///chat.db", field=field)
        from .sqlite import SqliteDatabase

        return SqliteDatabase(parsed, creates=creates)
    if backend == "postgresql":
        try:
            from .postgres import PostgresDatabase
        except ImportError:
            raise ExtraMissing(
                "PostgreSQL needs its driver: pip install 'colloquy[postgres]'"
            ) from None
        return PostgresDatabase(parsed)
    raise InvalidInput(
        f"no tables are moved from {backend}; from sqlite and postgresql", field=field
    )


def is_same_database(one: URL, other: URL) -> bool:
    """Whether one transaction can reach both."""
    if one.get_backend_name() != other.get_backend_name():
        return False
    if one.get_backend_name() == "sqlite":
        from pathlib import Path

        return Path(one.database or "").absolute() == Path(other.database or "").absolute()
    return (one.host or "localhost", one.port or 5432, one.database, one.username) == (
        other.host or "localhost", other.port or 5432, other.database, other.username,
    )  # fmt: skip
