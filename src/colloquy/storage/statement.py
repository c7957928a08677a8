"""What a named statement is, and its text for each engine (engine decision 6).

Each statement reads its rows from a table expression called `input`, so many rows are one statement
and one round trip: SQLite gets `input` as VALUES, PostgreSQL as `unnest` of one array per column.
`WHERE true` after `FROM input` is what SQLite's grammar needs before ON CONFLICT.
"""

from __future__ import annotations

from typing import NamedTuple


class Statement(NamedTuple):
    name: str
    columns: tuple[tuple[str, str], ...]
    """Columns of `input`: name and type (int, float, bytes, text)."""
    sql: str
    postgres_tail: str = ""
    """Row locks, taken in key order (engine decision 7); SQLite has one writer and needs none."""
    postgres_sql: str = ""
    """Where PostgreSQL needs another text altogether."""

    @property
    def width(self) -> int:
        return len(self.columns)


def statement(
    name: str, columns: str, sql: str, postgres_tail: str = "", postgres_sql: str = ""
) -> Statement:
    """`columns` are `name:type`, parted by blanks."""
    pairs = (column.split(":") for column in columns.split())
    typed = tuple((pair[0], pair[1]) for pair in pairs)
    return Statement(
        name, typed, " ".join(sql.split()), postgres_tail, " ".join(postgres_sql.split())
    )


def insert(
    name: str, table: str, columns: str, tail: str = "", postgres_sql: str = ""
) -> Statement:
    """Inserts each row of `input` whole; `tail` is what comes after: ON CONFLICT, RETURNING."""
    names = ", ".join(column.split(":")[0] for column in columns.split())
    sql = f"INSERT INTO {table} ({names}) SELECT {names} FROM input WHERE true {tail}"
    return statement(name, columns, sql, postgres_sql=postgres_sql)
