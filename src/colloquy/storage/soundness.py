"""Is a database file whole? What is in it, and whether the promises of the log hold in it.

The file must be at rest: a backup, or a database that nobody has open.
"""

from __future__ import annotations

from pathlib import Path

import apsw
from msgspec import Struct

from ..model.errors import InvalidInput, NotFound, UnsupportedVersion
from . import schema

COUNTED = ("sessions", "events", "inbox", "outbox", "dead_letters", "changes")
SHOWN_PROBLEMS = 5

_RULES = {
    "the events of conversation {} do not count from 1 without a gap": """
        SELECT session FROM events GROUP BY session HAVING min(seq) <> 1 OR max(seq) <> count(*)""",
    "conversation {} says another last number than its events": """
        SELECT number FROM sessions WHERE last_seq <>
            (SELECT coalesce(max(seq), 0) FROM events WHERE session = sessions.number)""",
    "the events of conversation {} have no conversation": """
        SELECT DISTINCT session FROM events
        WHERE session NOT IN (SELECT number FROM sessions)""",
    "what is kept for contexts of conversation {} has no conversation": """
        SELECT DISTINCT session FROM context_parts
        WHERE session NOT IN (SELECT number FROM sessions)""",
    "an unsent reply of conversation {} is not in its log": """
        SELECT session FROM outbox WHERE NOT EXISTS
            (SELECT 1 FROM events WHERE events.session = outbox.session
             AND events.seq = outbox.seq)""",
    "message {} waits in the inbox and is not known": """
        SELECT id FROM inbox WHERE kind = 0 AND message_id NOT IN
            (SELECT message_id FROM message_keys)""",
    "the ledger ends at {}, which its counter does not say": """
        SELECT top FROM (
            SELECT coalesce(max(position), 0) AS top, total(position > horizon) AS above, horizon
            FROM (SELECT coalesce(max(CAST(value AS INTEGER)), 0) AS horizon
                  FROM meta WHERE name = 'ledger_compacted') LEFT JOIN changes)
        JOIN counters ON name = 'ledger'
        WHERE max(top, horizon) <> value OR above <> value - horizon""",
    "ledger row {} does not point to the change of its key before it": """
        SELECT position FROM (
            SELECT position, previous,
                lag(position) OVER (PARTITION BY collection, key ORDER BY position) AS former
            FROM changes)
        WHERE previous IS NOT former""",
}
"""What must find no row, and what a row that it finds means."""


class Contents(Struct, frozen=True):
    """What a database holds. `event_position` and `ledger_position` are the last ones."""

    schema: str
    counts: dict[str, int]
    event_position: int
    ledger_position: int


def contents_of(file: Path) -> Contents:
    """Raises NotFound, InvalidInput when it is no database of ours."""
    with _opened(file) as connection:
        return _contents(connection, file)


def problems_of(file: Path) -> list[str]:
    """Everything that is wrong with it, the first few of each kind; empty when it is sound.

    Reads the whole file. Raises NotFound, InvalidInput when it is no database of ours.
    """
    with _opened(file) as connection:
        found = [
            f"SQLite: {row[0]}"
            for row in connection.execute("PRAGMA integrity_check(5)")
            if row[0] != "ok"
        ]
        if found:  # what cannot be read cannot be judged either
            return found
        revision = _contents(connection, file).schema
        try:
            schema.upgrade("sqlite", revision)
        except UnsupportedVersion as error:
            return [error.detail]
        if revision != schema.HEAD:
            return []  # the rules are those of our own schema
        for meaning, sql in _RULES.items():
            rows = connection.execute(f"{sql} LIMIT {SHOWN_PROBLEMS}").fetchall()
            found += [meaning.format(row[0]) for row in rows]
    return found


class _opened:
    """A connection that reads, closed in the end."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __enter__(self) -> apsw.Connection:
        if not self._file.is_file():
            raise NotFound(f"there is no file {self._file}", field="file")
        self._connection = apsw.Connection(str(self._file), flags=apsw.SQLITE_OPEN_READONLY)
        return self._connection

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._connection.close()
        if isinstance(error, apsw.NotADBError | apsw.CorruptError):
            raise InvalidInput(f"{self._file} is no whole SQLite file: {error}", field="file")


def _contents(connection: apsw.Connection, file: Path) -> Contents:
    def number(sql: str) -> int:
        value = connection.execute(sql).get
        assert isinstance(value, int)
        return value

    if not number("SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'"):
        raise InvalidInput(f"{file} is no database of Colloquy", field="file")
    return Contents(
        str(connection.execute("SELECT version_num FROM schema_version").get),
        {table: number(f"SELECT count(*) FROM {table}") for table in COUNTED},
        number("SELECT coalesce(max(position), 0) FROM events"),
        number("SELECT value FROM counters WHERE name = 'ledger'"),
    )
