"""The table of V1 messages that is moved: dialogues, as some older program has written them."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from ...evolution.migration.database import Ask, Database, Many, Operations, database_of
from ...model.errors import InvalidInput
from ..dialogue import Dialogue

TABLE = "messages"
CHUNK = 5_000
"""Rows of one transaction."""

_SQLITE = f"""CREATE TABLE {TABLE} (id INTEGER PRIMARY KEY, conversation_id TEXT NOT NULL,
    role TEXT NOT NULL, content TEXT NOT NULL, metadata TEXT, created_at TEXT)"""
_POSTGRES = f"""CREATE TABLE {TABLE} (id BIGINT PRIMARY KEY, conversation_id TEXT NOT NULL,
    role TEXT NOT NULL, content TEXT NOT NULL, metadata JSONB, created_at TIMESTAMPTZ)"""
_TYPES = ("bigint", "text", "text", "text", "jsonb", "timestamptz")
_BEGUN = datetime(2025, 3, 1, 8, tzinfo=UTC)


class Conversation(NamedTuple):
    """`ids` in their order."""

    name: str
    ids: tuple[int, ...]


Row = tuple[int, str, str, str, str | None, str | None]


def rows_of(dialogues: Iterator[Dialogue], messages: int) -> tuple[list[Row], list[Conversation]]:
    """So many rows, and the conversations that they are of; the last one may be cut short."""
    rows: list[Row] = []
    conversations: list[Conversation] = []
    while len(rows) < messages:
        dialogue = next(dialogues)
        ids = []
        for turn, text in enumerate(dialogue.texts[: messages - len(rows)]):
            number = len(rows) + 1
            ids.append(number)
            role = "assistant" if turn % 2 else "user"
            rows.append(
                (number, dialogue.key, role, text, _metadata(number, turn), _moment(number))
            )
        conversations.append(Conversation(dialogue.key, tuple(ids)))
    return rows, conversations


async def make_table(url: str, rows: Sequence[Row]) -> None:
    """In a database that has no such table. Raises InvalidInput, StoreUnavailable."""
    database = database_of(url, creates=True)
    await database.open()
    try:
        if await database.columns(TABLE):
            raise InvalidInput(
                f"the database has a table {TABLE!r} already: name an empty one",
                field="database_url",
            )
        is_sqlite = database.dialect == "sqlite"
        await database.run(Ask(_SQLITE if is_sqlite else _POSTGRES))
        if is_sqlite:
            # As a program that is in use has it; the migration would not change it.
            await database.ask("PRAGMA journal_mode = WAL")
        marks = ", ".join(database.mark(number, type_) for number, type_ in enumerate(_TYPES, 1))
        insert = f"INSERT INTO {TABLE} VALUES ({marks}) ON CONFLICT (id) DO NOTHING"
        for start in range(0, len(rows), CHUNK):
            values = [_values(database, row) for row in rows[start : start + CHUNK]]
            await database.run(Many(insert, values))
    finally:
        await database.close()


def _values(database: Database, row: Row) -> tuple[Any, ...]:
    return tuple(database.value(value, "text") for value in row)


def _metadata(number: int, turn: int) -> str | None:
    """What older programs have put there: nothing, names in any order, fields without a column."""
    match number % 6:
        case 0 | 1:
            return None
        case 2:
            tree: dict[str, Any] = {"tab": number % 7, "agent": "web", "at": [turn, 1.5]}
        case 3:
            tree = {"v1_fields": {"set": {"name": f"Guest {number % 50}", "likes": turn}}}
        case 4:
            tree = {"z": None, "b": {"y": 1.0, "a": "ö"}, "a": [True, "x"]}
        case _:
            pieces = [{"text": f"picture {number}", "type": "text"}]
            tree = {"v1_fields": {"set": {"content": pieces}}, "source": "import"}
    return msgspec.json.encode(tree).decode()


def _moment(number: int) -> str | None:
    if number % 13 == 0:
        return None
    return (_BEGUN + timedelta(seconds=7 * number)).strftime("%Y-%m-%d %H:%M:%S")


class Trigger(NamedTuple):
    """Makes a database refuse rows of a table: those for which `condition` holds on NEW."""

    name: str
    table: str
    condition: str

    async def set(self, database: Database) -> None:
        if database.dialect == "sqlite":
            statements = [
                f"CREATE TRIGGER {self.name}_{when} BEFORE {when} ON {self.table} "
                f"WHEN {self.condition} BEGIN SELECT RAISE(ABORT, 'injected fault'); END"
                for when in ("INSERT", "UPDATE")
            ]
        else:
            statements = [
                f"CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'injected fault'; END $$",
                f"CREATE TRIGGER {self.name} BEFORE INSERT OR UPDATE ON {self.table} "
                f"FOR EACH ROW WHEN ({self.condition}) EXECUTE FUNCTION {self.name}()",
            ]
        await execute(database, statements)

    async def lift(self, database: Database) -> None:
        if database.dialect == "sqlite":
            statements = [f"DROP TRIGGER {self.name}_{when}" for when in ("INSERT", "UPDATE")]
        else:
            statements = [
                f"DROP TRIGGER {self.name} ON {self.table}",
                f"DROP FUNCTION {self.name}()",
            ]
        await execute(database, statements)


async def execute(database: Database, statements: Sequence[str]) -> None:
    """In one transaction."""

    def steps() -> Operations[None]:
        for statement in statements:
            yield Ask(statement)

    await database.transact(steps)


def sample(chance: random.Random, ids: Sequence[int], count: int) -> list[int]:
    return chance.sample(ids, min(count, len(ids)))
